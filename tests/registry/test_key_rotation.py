"""A new key-encryption key while everything runs: side by side with erasures and registrations, killed, taken up; marks outlive it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services.registry.commands import EraseOwner
from services.registry.handlers.owners import erase_owner
from services.registry.handlers.rotation import marks_of, rewrap
from services.registry.settings import RegistrySettings
from shared.auth import Role, sign_token
from shared.identifiers import FIRST, new_ids
from shared.outbox import Cause
from shared.sealing import KeyRing, new_keys
from shared.web.server import run_http
from tests.importing.office import nik
from tests.kernel.locks import until_waiting
from tests.kernel.web_client import LocalSettings
from tests.registry.conftest import AUDIENCE, ISSUER, KEK, MANGGAR, Caller, Registry

NEW = base64.b64encode(bytes(range(32, 64))).decode()
OLD_ID, NEW_ID = KeyRing(KEK).kek_id, KeyRing(NEW).kek_id
BOTH = f"{NEW}\n{KEK}"
NIK = "6471014107909901"
ROWS = 8_000


def restart(registry: Registry, keys: str) -> KeyRing:
    """Go on with other keys in the settings, as a process that was started anew."""
    ring = registry.app.state.ring = KeyRing(keys)
    return ring


async def uses(operator: Caller) -> dict[str, tuple[str, int, bool]]:
    """Return of each key its place, how many rows need it, and whether it may be removed."""
    found = (await operator.get("/key-rotation")).raise_for_status().json()["keys"]
    return {key["id"]: (key["place"], key["rows"], key["may_be_removed"]) for key in found}


async def rotate(operator: Caller, limit: int = 20) -> int:
    """Ask for batch after batch, once from the beginning to the end; return how many rows were wrapped anew."""
    done, after = 0, None
    while True:
        step = (
            await operator.post("/key-rotation/batches", {"limit": limit} | ({"after": after} if after else {}))
        ).json()
        done, after = done + step["rewrapped"], step["next"]
        if after is None:
            return done


async def store_keys(registry: Registry, ring: KeyRing, count: int) -> dict[UUID, bytes]:
    """Store keys of so many owners who have nothing else."""
    keys = dict(zip(new_ids(count), new_keys(count), strict=True))
    rows = zip(keys, ring.wrap_all(list(keys.items())), strict=True)
    async with registry.pool.acquire() as connection:
        await connection.copy_records_to_table(
            "owner_key",
            columns=("owner_id", "kek_id", "wrapped"),
            records=[(owner, ring.kek_id, text) for owner, text in rows],
        )
    return keys


@pytest.fixture
def operator(registry: Registry) -> Caller:
    """Who runs the platform."""
    return registry.caller(Role.OPERATOR, subject="operator-1")


@pytest.mark.security(line="S3")
async def test_a_rotation_beside_erasures_and_registrations_loses_nothing_and_brings_nobody_back(
    registry: Registry, clerk: Caller, operator: Caller
) -> None:
    async def register(number: int) -> UUID:
        body = {"name": f"Pemilik {number}", "nik": nik(number % 100, day=1 + number // 100), "kelurahan": MANGGAR}
        return UUID((await clerk.post("/owners", body)).raise_for_status().json()["id"])

    old = restart(registry, KEK)
    owners = await asyncio.gather(*map(register, range(120)))
    wrapped = await registry.pool.fetch("SELECT owner_id, wrapped FROM owner_key")
    keys = {row["owner_id"]: old.unwrap(row["owner_id"], row["wrapped"]) for row in wrapped}
    ring = restart(registry, BOTH)
    gone = set(owners[::2])
    erasing = [clerk.post(f"/owners/{owner}/erasure", None, 1) for owner in owners[::2]]
    joining = [register(1_000 + number) for number in range(40)]
    turning = [rotate(operator, limit=7) for _ in range(4)]  # four operators at once
    results = await asyncio.gather(*erasing, *joining, *turning)
    assert {answer.status_code for answer in results[: len(erasing)]} == {200}
    await rotate(operator)
    rows = {row["owner_id"]: row for row in await registry.pool.fetch("SELECT * FROM owner_key")}
    assert {owner for owner, row in rows.items() if row["wrapped"] is None} == gone
    assert {row["kek_id"] for row in rows.values() if row["wrapped"] is not None} == {NEW_ID}
    alone = KeyRing(NEW)
    for owner in set(owners) - gone:
        assert alone.unwrap(owner, rows[owner]["wrapped"]) == keys[owner]
    assert len(rows) == 160
    assert await uses(operator) == {NEW_ID: ("first", 161, False), OLD_ID: ("older", 0, True)}
    assert ring.kek_id == NEW_ID


@pytest.mark.security(line="S12")
async def test_who_is_being_erased_is_passed_over_and_who_is_wrapped_anew_can_be_erased(
    registry: Registry, clerk: Caller, operator: Caller, owner: str
) -> None:
    """Both orders, each held in the middle: nothing brings a destroyed key back, and nobody waits for ever."""
    second = (await clerk.post("/owners", {"name": "Budi", "nik": nik(1)})).json()["id"]
    ring = restart(registry, BOTH)
    cause = Cause("uji", None, "petugas-a", "command", None, datetime.now(UTC))
    async with registry.pool.acquire() as connection:
        async with connection.transaction():
            await erase_owner(connection, ring, EraseOwner(UUID(owner), None), cause)
            turning = asyncio.create_task(rotate(operator))
            await until_waiting(registry.pool, unless=turning)
        assert await turning == 1  # the other one, without a wait
        await registry.pool.execute("UPDATE owner_key SET kek_id = $1 WHERE wrapped IS NULL", OLD_ID)
        assert await rotate(operator) == 0
        ring = restart(registry, f"{KEK}\n{NEW}")
        async with connection.transaction():
            assert (await rewrap(connection, ring, FIRST, 10)).rewrapped == 1
            erasing = asyncio.create_task(clerk.post(f"/owners/{second}/erasure", None, 1))
            await until_waiting(registry.pool)
        assert (await erasing).status_code == 200
    assert await registry.pool.fetchval("SELECT count(*) FROM owner_key WHERE wrapped IS NOT NULL") == 0


@pytest.mark.security(line="S12")
async def test_duplicates_and_marks_are_found_when_the_old_key_is_gone(
    registry: Registry, clerk: Caller, operator: Caller, owner: str
) -> None:
    stays = {"name": "Budi", "nik": "6471010506859902", "kelurahan": MANGGAR}
    assert (await clerk.post("/owners", stays)).status_code == 201
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    for keys in (BOTH, NEW):
        restart(registry, keys)
        if keys == BOTH:
            assert await rotate(operator) == 1
    assert (await clerk.post("/owners", stays)).status_code == 409  # the NIK is a plain column with a unique index
    third = base64.b64encode(bytes(range(64, 96))).decode()
    restart(registry, f"{third}\n{NEW}")
    assert await rotate(operator) == 1
    ring = restart(registry, third)  # twice rotated: what made the mark was wrapped anew each time
    async with registry.pool.acquire() as connection:
        found = await marks_of(connection, ring, [NIK])
        marks = {row["digest"] for row in await connection.fetch("SELECT digest FROM erased_person")}
    assert marks == {KeyRing(KEK).mark(NIK)}
    assert marks <= found.keys()
    assert ring.mark(NIK) not in marks
    assert {place for place, _, _ in (await uses(operator)).values()} == {"first"}
    again = {"name": "Siti Aminah", "nik": NIK, "kelurahan": MANGGAR}
    assert (await clerk.post("/owners", again)).status_code == 201  # who comes anew is welcome, and the mark goes
    assert await registry.pool.fetchval("SELECT count(*) FROM erased_person") == 0


async def test_a_key_may_not_go_while_a_row_or_a_mark_needs_it_and_a_missing_one_is_named(
    registry: Registry, clerk: Caller, operator: Caller, owner: str
) -> None:
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    restart(registry, BOTH)
    assert await uses(operator) == {NEW_ID: ("first", 0, False), OLD_ID: ("older", 1, False)}  # the mark alone
    restart(registry, NEW)
    assert await uses(operator) == {NEW_ID: ("first", 0, False), OLD_ID: ("missing", 1, False)}
    assert await rotate(operator) == 0
    restart(registry, BOTH)
    await rotate(operator)
    assert (await uses(operator))[OLD_ID] == ("older", 0, True)


async def test_a_step_back_and_forth_ends_with_one_key_again(
    registry: Registry, clerk: Caller, operator: Caller, owner: str
) -> None:
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    for keys in (BOTH, f"{KEK}\n{NEW}", BOTH):
        restart(registry, keys)
        await rotate(operator)
        found = await uses(operator)
        assert {place for place, rows, _ in found.values() if rows} == {"first"}, keys
    restart(registry, NEW)
    assert set(await uses(operator)) == {NEW_ID}
    assert (await rotate(operator), await registry.pool.fetchval("SELECT count(*) FROM erased_person")) == (0, 1)


@pytest.mark.parametrize("keys", ["", f"{NEW}\nbukan base64!", f"{base64.b64encode(b'kurang').decode()}\n{NEW}"])
def test_a_setting_that_holds_what_is_no_key_is_named_before_anything_starts(keys: str) -> None:
    given = {name: field for name, field in RegistrySettings.model_fields.items() if field.is_required()}
    with pytest.raises(ValidationError) as refused:
        RegistrySettings(**dict.fromkeys(given, "1") | {"key_encryption_key": keys})
    [fault] = refused.value.errors()
    assert fault["loc"] == ("key_encryption_key",)


async def test_a_row_that_cannot_be_read_is_counted_and_stops_nothing(registry: Registry, operator: Caller) -> None:
    await store_keys(registry, KeyRing(KEK), 5)
    spoiled = await registry.pool.fetchval("SELECT owner_id FROM owner_key ORDER BY owner_id LIMIT 1")
    await registry.pool.execute("UPDATE owner_key SET wrapped = $2 WHERE owner_id = $1", spoiled, bytes(60))
    restart(registry, BOTH)
    step = (await operator.post("/key-rotation/batches", {})).json()
    assert (step["rewrapped"], step["unreadable"]) == (4, 1)
    assert (await uses(operator))[OLD_ID] == ("older", 1, False)


async def test_an_owner_who_is_erased_while_somebody_waits_for_them_is_erased_for_that_one_too(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    """The row of the key that is read together with the owner's is of before the wait."""
    body = {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR, "sector": "kuliner"}
    async with registry.pool.acquire() as holding:
        begun = holding.transaction()
        await begun.start()
        await holding.execute("SELECT FROM owner WHERE id = $1 FOR UPDATE", UUID(owner))
        erasing = asyncio.create_task(clerk.post(f"/owners/{owner}/erasure", None, 1))
        await until_waiting(registry.pool)
        registering = asyncio.create_task(clerk.post("/businesses", body))
        await until_waiting(registry.pool, 2)
        await begun.commit()
    assert (await erasing).status_code == 200
    assert (await registering).status_code == 410
    assert await registry.pool.fetchval("SELECT count(*) FROM business") == 0


@asynccontextmanager
async def served(registry: Registry) -> AsyncIterator[list[str]]:
    """Serve the API on a port, and give the words of the command that asks it."""
    stop, where = asyncio.Event(), LocalSettings(drain_seconds=2.0)
    serving = asyncio.create_task(run_http(registry.app, where, stop))
    async with asyncio.timeout(10):
        while not hasattr(registry.app.state, "port"):
            await asyncio.sleep(0.01)
    token = sign_token(registry.key, issuer=ISSUER, audience=AUDIENCE, subject="operator-1", roles=[Role.OPERATOR])
    url = f"registry=http://127.0.0.1:{registry.app.state.port}"
    try:
        yield ["--url", url, "--token", token, "--json"]
    finally:
        stop.set()
        await serving


async def started(*words: str) -> asyncio.subprocess.Process:
    """Start the command."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ops", "keys", *words, stdout=pipe, stderr=pipe, env=os.environ | {"NO_COLOR": "1"}
    )


async def asked(*words: str) -> tuple[int, dict[str, Any]]:
    """Run the command; return its exit code and what it says."""
    process = await started(*words)
    told, _ = await process.communicate()
    return process.returncode or 0, json.loads(told)


@pytest.mark.security(line="S3")
async def test_the_command_tells_rotates_and_goes_on_after_it_was_killed(registry: Registry) -> None:
    keys = await store_keys(registry, KeyRing(KEK), ROWS)
    count = "SELECT count(*) FROM owner_key WHERE kek_id = $1"
    restart(registry, BOTH)
    async with served(registry) as words:
        process = await started("rotate", *words)
        async with asyncio.timeout(30):
            while await registry.pool.fetchval(count, NEW_ID) < 500:
                await asyncio.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        code, told = await asked("rotate", "--dry-run", *words)
        left = told["rows_left"]
        assert (code, told["ok"], await registry.pool.fetchval(count, OLD_ID)) == (3, False, left)
        assert 0 < left < ROWS
        code, told = await asked("rotate", *words)
        assert (code, told["ok"], told["rows_left"], told["rewrapped"]) == (0, True, 0, left)
    deeds = await registry.pool.fetch("SELECT actor, deed, object, details FROM trail ORDER BY number")
    assert {tuple(deed)[:3] for deed in deeds} == {("operator-1", "rewrap_keys", f"key/{NEW_ID}")}
    assert sum(json.loads(deed["details"])["rewrapped"] for deed in deeds) == ROWS
    [older] = [key for key in told["services"]["registry"] if key["place"] == "older"]
    assert older == {"id": OLD_ID, "place": "older", "rows": 0, "may_be_removed": True}
    alone = KeyRing(NEW)
    rows = await registry.pool.fetch("SELECT owner_id, wrapped FROM owner_key")
    assert {row["owner_id"]: alone.unwrap(row["owner_id"], row["wrapped"]) for row in rows} == keys
