"""The audit of a platform with a million events: how long, how much memory; and what it takes to continue from it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import uuid4

import httpx2

from bench.harness import Result, Size, VoidRunError
from bench.multiplying import Table, multiply
from bench.rig import Rig
from ops.audit import wait_until_quiet
from ops.stack import Stack
from ops.stack.databases import SERVICES, in_database
from services.registry.reference.places import all_places
from shared.auth import Role
from shared.contracts.registry import BusinessVerified
from shared.database import connected
from shared.topology import CONSUMING

EACH = 4
"""Facts of a person: registered, with a business that is registered, handed in and verified. Two aggregates."""
INCREMENT = 1_000
INCREMENTS = 3
READY_SECONDS, FILL_SECONDS = 60.0, 900.0
PLACE = next(iter(all_places()))
TOLD = BusinessVerified.type_name()
"""Of these facts owners are told; the others of a copy came by an import, which tells nobody."""


@dataclass(frozen=True, slots=True)
class Person:
    """The one who came through the platform's own processes."""

    owner: str
    business: str
    others: tuple[str, ...]
    """Ids of their events and messages."""

    @property
    def ids(self) -> list[str]:
        """Every id that must be another one in a copy."""
        return [self.owner, self.business, *self.others]

    def tables(self, service: str) -> list[Table]:
        """Return the tables of a service that hold what the audit looks at."""
        owner, business = f"'{self.owner}'", f"'{self.business}'"
        both = f"IN ({owner}, {business})"
        found = {
            "registry": [Table("owner", f"id = {owner}"), Table("business", f"id = {business}"), _outbox(both)],
            "projections": [
                Table(name, f"business_id = {business}")
                for name in ("business_timeline", "district_dashboard", "class_history", "class_funnel", "jobs")
            ],
            "notifications": [
                Table("recipient", f"owner_id = {owner}"),
                Table("business_contact", f"business_id = {business}"),
                Table("message", f"business_id = {business} AND event_type = '{TOLD}'"),
            ],
            "partners": [
                Table("event", f"subject = {stream}", values={"position": f"r.position + made.n * {count}"})
                for stream, count in ((owner, 1), (business, EACH - 1))
            ],
        }
        copies = [Table("owner_copy", f"owner_id = {owner}"), Table("business_copy", f"business_id = {business}")]
        positions = [Table("stream_position", f"aggregate_id {both}")] if service in CONSUMING else []
        return found.get(service, copies) + positions


def _outbox(both: str) -> Table:
    values = {"origin": f"CASE r.type WHEN '{TOLD}' THEN r.origin ELSE 'import' END"}
    return Table("outbox", f"partition_key {both}", "t.id", values, frozenset({"xid", "written_at"}))


_APPLIED = "SELECT coalesce(sum(position), 0)::int FROM stream_position WHERE consumer NOT LIKE '%@%'"
_STREAM_ENDS = """
UPDATE stream s SET last = e.last, last_at = e.at FROM (SELECT stream, max(position) AS last, max(recorded_at) AS at FROM event GROUP BY 1) e
WHERE e.stream = s.name
"""


class City:
    """A stack with one person in it, and how to make many."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.people = 1

    @asynccontextmanager
    async def founded(self) -> AsyncIterator[Person]:
        """Start all services, let one person come through them, and stop the consumers: copies come with what they would do."""
        stack, names = self._stack, ["registry-api", "registry-relay", *(f"{name}-worker" for name in CONSUMING)]
        await asyncio.to_thread(stack.start_servers, owned=True)
        try:
            await asyncio.to_thread(stack.start_services, names)
            owner, business = await self._register()
            for name in CONSUMING:
                # A consumer that has not begun at all counts as quiet, and without its rows there is nothing to copy.
                await self._until_applied(name, 0 if name == "projections" else 1)
                await asyncio.to_thread(stack.stop, f"{name}-worker")
            events = await self._fetch("registry", "SELECT event_id::text FROM outbox")
            told = await self._fetch("notifications", f"SELECT id::text FROM message WHERE event_type = '{TOLD}'")
            yield Person(owner, business, (*events, *told))
        finally:
            await asyncio.to_thread(stack.down, wipe=True)

    async def _register(self) -> tuple[str, str]:
        async with httpx2.AsyncClient(base_url=self._stack.api_url("registry"), timeout=30) as client:

            async def post(path: str, officer: str, body: Any = None, version: int | None = None) -> str:
                headers = {"Authorization": f"Bearer {self._stack.token([Role.PETUGAS_DINAS], subject=officer)}"}
                headers |= {"Idempotency-Key": uuid4().hex} | ({} if version is None else {"If-Match": f'"{version}"'})
                answer = await client.post(path, json=body, headers=headers)
                return str(answer.raise_for_status().json()["id"])

            owner = await post("/owners", "a", {"name": "Pemilik", "kelurahan": PLACE})
            business = await post("/businesses", "a", {"owner_ids": [owner], "name": "Warung", "kelurahan": PLACE})
            await post(f"/businesses/{business}/submission", "a", version=1)
            await post(f"/businesses/{business}/verification", "b", version=2)
        return owner, business

    async def grow(self, person: Person, people: int) -> None:
        """Copy the person so often in every database, and wait until the relay has published their facts."""
        first, last = self.people, self.people + people - 1
        try:
            async with asyncio.timeout(FILL_SECONDS):
                await asyncio.gather(*(self._copy(name, person, first, last) for name in CONSUMING))
                await self._copy("registry", person, first, last)
                await self._until_quiet(FILL_SECONDS)
        except TimeoutError:
            raise VoidRunError(f"{people:,} people were not there after {FILL_SECONDS:.0f} s") from None
        self.people += people

    async def _copy(self, service: str, person: Person, first: int, last: int) -> None:
        dsn = in_database(self._stack.servers.superuser_dsn(), service)
        then = _STREAM_ENDS if service == "partners" else "SELECT 1"
        await multiply(dsn, person.tables(service), person.ids, first, last, then)

    async def _fetch(self, service: str, statement: str) -> list[str]:
        async with connected(in_database(self._stack.servers.superuser_dsn(), service)) as connection:
            return [str(row[0]) for row in await connection.fetch(statement)]

    async def _until_applied(self, service: str, of_the_owner: int) -> None:
        wanted = str(of_the_owner + EACH - 1)
        try:
            async with asyncio.timeout(READY_SECONDS):
                while await self._fetch(service, _APPLIED) != [wanted]:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise VoidRunError(f"{service} has not applied what came of one person") from None

    async def _until_quiet(self, seconds: float) -> None:
        if not await wait_until_quiet({name: self._stack.dsn(name, "audit") for name in SERVICES}, seconds):
            raise VoidRunError(f"facts were under way still after {seconds:.0f} s")

    async def audit(self, *words: str) -> tuple[dict[str, Any], float, float]:
        """Run the command in a process of its own: what it reports, seconds from its start to its end, its peak in MB."""
        environment = {**os.environ, "NAIKKELAS_HOME": str(self._stack.home.path)}
        command, began = [sys.executable, "-m", "ops", "audit", "--json", *words], perf_counter()
        process = Popen(command, stdout=PIPE, env=environment)
        said = await asyncio.to_thread(process.stdout.read)  # type: ignore[union-attr]
        _, status, used = await asyncio.to_thread(os.wait4, process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds, report = perf_counter() - began, json.loads(said)
        if process.returncode != 0:
            raise VoidRunError(
                f"the audit says: {report.get('error') or (report.get('total_findings'), report.get('findings', [])[:3])}"
            )
        return report, seconds, used.ru_maxrss / 1_000


def _check(report: dict[str, Any], events: int, aggregates: int, *, continued: bool) -> None:
    """Void the run unless the report is green, counts what there is, and says how it came to that."""
    found = report["ok"], report["events"], report["aggregates"], report["since"] is not None, report["checkpoint"]
    if found != (True, events, aggregates, continued, "kept"):
        raise VoidRunError(f"{found} instead of {events} events of {aggregates} aggregates; {report['fell_back']}")
    effects = report["consumers"]["projections"]["effects"]
    if any(effects[name] != aggregates // 2 for name in ("business_timeline", "district_dashboard", "jobs")):
        raise VoidRunError(f"effects of {aggregates // 2} businesses were to be compared, and were of {effects}")


async def audits(_: Rig, size: Size) -> list[Result]:
    """The audit of 1,000,000 events of 500,000 aggregates, once, in a process of its own; and three of 1,000 events more each."""
    events = size.of(1_000_000) // EACH * EACH
    further = min(INCREMENT, events // EACH * EACH)
    with TemporaryDirectory(prefix="naikkelas-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        city = City(Stack(folder / "stack", environment={**os.environ, "NAIKKELAS_PORTS": "any"}))
        async with city.founded() as person:
            await city.grow(person, events // EACH - 1)
            report, seconds, memory = await city.audit()
            _check(report, events, events // 2, continued=False)
            runs = []
            for _number in range(INCREMENTS):
                await city.grow(person, further // EACH)
                runs.append(await city.audit("--incremental"))
                _check(runs[-1][0], further, further // 2, continued=True)
    text = f"audit of {events:,} events"
    more = f"incremental audit of {further:,} events after {events:,}"
    return [
        Result(text, "s", "≤ 60", [report["seconds"]]),
        Result(f"{text}, the command from start to end", "s", "none", [seconds]),
        Result(f"{text}, peak memory", "MB", "≤ 500", [memory]),
        Result(more, "s", "≤ 2", [told["seconds"] for told, _, _ in runs]),
        Result(f"{more}, the command from start to end", "s", "none", [whole for _, whole, _ in runs]),
    ]
