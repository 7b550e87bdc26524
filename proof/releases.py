"""Other releases of the code under load: a careless producer, a careless consumer, and a handler slower than it may be.

A release is a copy of ``shared`` with a few texts changed, beside the same services; a process is started from it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Annotated, ClassVar
from uuid import uuid4

import asyncpg
import httpx2

from ops.contracts.gate import incompatibilities
from ops.stack.databases import owner_of
from ops.stack.services import ROOT
from proof.health import ask
from proof.load import PLACE
from proof.rig import FOLLOWERS, QUIET_SECONDS, WORKERS, Rig, Size, within
from shared.consumer import request_redrive
from shared.contracts.privacy import PUBLIC
from shared.contracts.registry import BusinessVerified, BusinessWorkersRecorded
from shared.database import connected

CONTRACTS_FILE, CONSUMER_FILE = "contracts/registry.py", "consumer/consumer.py"

# What the careless producer does, by business: a field gone, a field of another type, and a field that its own readers
# need and others do not know.
_CARELESS_PRODUCER = """

def _careless(fact: BaseModel) -> str:
    import json

    data = json.loads(BaseModel.model_dump_json(fact))
    kind = fact.business_id.int % 3
    if kind == 0:
        del data["workers"]
    elif kind == 1:
        data["as_of"] = {"day": data["as_of"]}
    else:
        data["counted_by"] = "petugas"
    return json.dumps(data)


BusinessWorkersRecorded.model_dump_json = _careless
"""
_CARELESS_CONSUMER = """

class BusinessWorkersRecorded(BusinessWorkersRecorded):
    NAME: ClassVar[str] = "business.workers_recorded"
    counted_by: Annotated[str, PUBLIC]
"""
_MENDED_CONSUMER = """

from pydantic import model_validator


class BusinessWorkersRecorded(BusinessWorkersRecorded):
    NAME: ClassVar[str] = "business.workers_recorded"

    @model_validator(mode="before")
    @classmethod
    def _read_all(cls, data):
        day = data.get("as_of")
        return {"workers": {}, **data, "as_of": day["day"] if isinstance(day, dict) else day}
"""


class _FieldRemoved(BusinessVerified):
    NAME: ClassVar[str] = BusinessWorkersRecorded.NAME


class _OtherType(BusinessWorkersRecorded):
    as_of: Annotated[dict[str, str], PUBLIC]  # type: ignore[assignment]


class _MoreRequired(BusinessWorkersRecorded):
    counted_by: Annotated[str, PUBLIC]


def make_release(
    folder: Path, file: str, text: str | None = None, *, more: str = "", instead: str = ""
) -> dict[str, str]:
    """Make a release whose ``shared/<file>`` has ``instead`` in the place of ``text``, and ``more`` at its end.

    Returns the variables of a process that runs it.
    """
    shutil.copytree(ROOT / "shared", folder / "shared", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "services").symlink_to(ROOT / "services")
    path = folder / "shared" / file
    before = path.read_text(encoding="utf-8")
    assert text is None or before.count(text) == 1, f"{file} holds {text!r} {before.count(text or '')} times"
    path.write_text((before.replace(text, instead) if text else before) + more, encoding="utf-8")
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


async def run_release(rig: Rig, names: Sequence[str], release: Mapping[str, str] | None) -> None:
    """Start processes again from a release; ``None``: from the code as it is."""
    await asyncio.gather(*(asyncio.to_thread(rig.stack.stop, name) for name in names))
    for name in names:
        rig.stack.extra_env.pop(name, None)
        if release is not None:
            rig.stack.extra_env[name] = dict(release)
    await asyncio.to_thread(rig.stack.start, *names)


async def publish_incompatibly(rig: Rig, size: Size, _: Random) -> None:
    """Let a careless producer work, then a careless consumer; mend, and drive what was parked again.

    Raises ``AssertionError`` if the gate of contracts lets one of these pass, a process ends, or other aggregates wait.
    """
    _are_refused_by_the_gate()
    here = rig.folder / f"releases-{uuid4().hex[:8]}"
    producer = make_release(here / "producer", CONTRACTS_FILE, more=_CARELESS_PRODUCER)
    consumer = make_release(here / "consumer", CONTRACTS_FILE, more=_CARELESS_CONSUMER)
    mended = make_release(here / "mended", CONTRACTS_FILE, more=_MENDED_CONSUMER)
    try:
        async with rig.fault():
            await run_release(rig, ["registry-api"], producer)
            said = [await _until_parked(rig, name, size.strikes, ("workers: ", "as_of")) for name in FOLLOWERS]
            await _others_go_on(rig)
            await run_release(rig, ["registry-api"], None)
            await run_release(rig, ["projections-worker"], consumer)
            said.append(await _until_parked(rig, "projections", 1, ("counted_by",)))
            await _others_go_on(rig)
            await run_release(rig, WORKERS, mended)
            for service in FOLLOWERS:
                await _redrive_all(rig, service)
    finally:
        await run_release(rig, ["registry-api", *WORKERS], None)
    rig.notes.append("parked with the reasons: " + "; ".join(sorted({text for texts in said for text in texts})))


def _are_refused_by_the_gate() -> None:
    passed = [fact.__name__ for fact in (_FieldRemoved, _OtherType, _MoreRequired) if not incompatibilities(fact)]
    assert not passed, f"the gate of contracts lets pass: {passed}"


async def _until_parked(rig: Rig, service: str, wanted: int, reasons: Sequence[str]) -> set[str]:
    """Wait until so much is parked for each of these reasons, and return the reasons as they are stored."""
    async with (
        connected(rig.stack.dsn(service, owner_of(service))) as connection,
        within(QUIET_SECONDS, f"{service} to park what it cannot read"),
    ):
        while True:
            rows = await connection.fetch("SELECT reason, count(*) FROM parked_event WHERE kind = 'poison' GROUP BY 1")
            if all(sum(row[1] for row in rows if reason in row[0]) >= wanted for reason in reasons):
                return {row[0] for row in rows}
            await asyncio.sleep(0.1)


async def _others_go_on(rig: Rig) -> None:
    """Register a business of our own and wait until everybody has it: what is parked holds up nobody else."""
    for worker in WORKERS:
        found = await ask(rig, worker)
        assert (found.live, found.ready) == (200, 200), f"{worker} says {found}"
    headers = {"Authorization": f"Bearer {rig.token}"}
    async with httpx2.AsyncClient(base_url=rig.registries()[0], timeout=10, headers=headers) as client:
        owner = await _post(client, "/owners", {"name": "Pemilik Lain", "kelurahan": PLACE})
        body = {"owner_ids": [owner], "name": "Warung", "kelurahan": PLACE, "sector": "kuliner"}
        business = await _post(client, "/businesses", body)
    rig.asked += [owner, business]
    for service in FOLLOWERS:
        connection = await asyncpg.connect(rig.stack.dsn(service, owner_of(service)))
        async with within(20, f"{service} to apply another aggregate's event"):
            while not await connection.fetchval(
                "SELECT EXISTS (SELECT FROM stream_position WHERE aggregate_id = $1::uuid)", business
            ):
                await asyncio.sleep(0.05)
        await connection.close()


async def _post(client: httpx2.AsyncClient, path: str, body: Mapping[str, object]) -> str:
    answer = await client.post(path, json=body, headers={"Idempotency-Key": uuid4().hex})
    return str(answer.raise_for_status().json()["id"])


async def _redrive_all(rig: Rig, service: str) -> None:
    connection = await asyncpg.connect(rig.stack.dsn(service, owner_of(service)))
    misreported = await connection.fetch(
        "SELECT DISTINCT aggregate_id::text FROM parked_event WHERE aggregate_id IS NOT NULL"
    )
    rig.misreported |= {row[0] for row in misreported}
    async with within(QUIET_SECONDS, f"{service} to apply what was parked"):
        while await connection.fetchval("SELECT count(*) FROM parked_event"):
            await request_redrive(connection, service)
            await asyncio.sleep(0.5)
    await connection.close()


POLL_LIMIT_MS = 2_000
ROW_SECONDS = 0.05
_SLOW = f"""
CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({ROW_SECONDS}); RETURN NEW; END $$;
CREATE TRIGGER take_long BEFORE INSERT ON business_timeline FOR EACH ROW EXECUTE FUNCTION take_long();
"""
_QUICK = "DROP TRIGGER take_long ON business_timeline; DROP FUNCTION take_long()"
SLOW_WORKERS = ("projections-worker", "projections-worker-2")


async def handle_slowly(rig: Rig, size: Size, _: Random) -> None:
    """Let every batch take longer than a consumer may be silent, so that its partitions are taken from it again and again."""
    quick = make_release(
        rig.folder / f"impatient-{uuid4().hex[:8]}", CONSUMER_FILE,
        "MAX_POLL_INTERVAL_MS = 300_000", instead=f"MAX_POLL_INTERVAL_MS = {POLL_LIMIT_MS:_}",
    )  # fmt: skip
    await run_release(rig, SLOW_WORKERS, quick)
    try:
        async with rig.fault(), _slow_effects(rig):
            await asyncio.sleep(max(size.away) + 2 * POLL_LIMIT_MS / 1000)
    finally:
        await run_release(rig, SLOW_WORKERS, None)


@asynccontextmanager
async def _slow_effects(rig: Rig) -> AsyncIterator[None]:
    owner = await asyncpg.connect(rig.stack.dsn("projections", owner_of("projections")))
    try:
        await owner.execute(_SLOW)
        yield
        await owner.execute(_QUICK)
    finally:
        await owner.close()
