"""What the tests of trainings and exhibitions share: callers with any role, what the registry tells, crowds of clients.

``Desk`` is one service on a fresh database. A service's own tests derive from it what only they ask (``tests/training/office.py``,
``tests/events/fair.py``).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx2

from shared.auth import Role, new_signing_key, public_jwks, sign_token
from shared.consumer import Definition, apply_batch
from shared.consumer.records import Item, read_item
from shared.contracts.organisations import (
    OrganisationEnded,
    OrganisationKind,
    OrganisationRegistered,
    OrganisationRole,
)
from shared.contracts.registry import BusinessClass, BusinessPersonal, BusinessRegistered, BusinessStatus, ClassRecord
from shared.database import Connection, Pool, create_pool
from shared.envelope import Event
from shared.outbox import Cause
from shared.refusals import DeedRefusedError
from shared.sealing import seal
from tests.notifications.records import Record
from tests.notifications.story import Registry, Story
from tests.stack.servers import Database

ISSUER, AUDIENCE = "https://uji.example", "naikkelas"
MANGGAR, PRAPATAN = "64.71.01.1001", "64.71.06.1001"
TODAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
"""12:00 WITA of that day."""
CLIENTS = 200
CONNECTIONS = 90
"""As many as the server of the tests gives one test; the others wait for one, as behind an API's pool."""

T = TypeVar("T")


def cause(now: datetime = NOON, actor: str = "petugas-a") -> Cause:
    """Return the cause of a command at a time."""
    return Cause("c", None, actor, "command", None, now)


def make_signing(folder: Path) -> tuple[Any, str]:
    """Return a signing key, and where its public half stands."""
    signing, jwks = new_signing_key(), folder / "jwks.json"
    jwks.write_text(json.dumps(public_jwks(signing)))
    return signing, str(jwks)


@dataclass
class Caller:
    """One caller with a token."""

    client: httpx2.AsyncClient

    async def get(self, path: str) -> httpx2.Response:
        """Read."""
        return await self.client.get(path)

    async def post(
        self, path: str, body: Any = None, version: int | None = None, key: str | None = None
    ) -> httpx2.Response:
        """Give a command under a key of its own, unless one is given."""
        headers = {"Idempotency-Key": key or uuid4().hex}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self.client.post(path, json=body, headers=headers)

    async def put(self, path: str, body: Any, version: int) -> httpx2.Response:
        """Replace."""
        return await self.client.put(path, json=body, headers={"If-Match": f'"{version}"'})

    async def new(self, path: str, body: Any) -> str:
        """Give a command that makes something, and return its id."""
        return str((await self.post(path, body)).raise_for_status().json()["id"])


def rule_of(answer: httpx2.Response) -> tuple[int, str]:
    """Return the status of a refusal, and its rule."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


@dataclass(frozen=True)
class Member:
    """An owner with a business, as the registry told of them."""

    owner_id: UUID
    business_id: UUID

    def form(self) -> dict[str, str]:
        """Return the body of an enrolment or application."""
        return {"owner_id": str(self.owner_id), "business_id": str(self.business_id)}


@dataclass
class Desk:
    """The app of a service, its database, its signing key, and what other services tell it."""

    app: Any
    pool: Pool
    key: Any
    keys: Registry
    story: Story
    database: Database

    def caller(
        self, *roles: Role, subject: str = "petugas-a", kelurahan: str | None = None, agency: str | None = None
    ) -> Caller:
        """Return a caller with these roles; without any, somebody without a token."""
        headers = {}
        if roles:
            token = sign_token(
                self.key,
                issuer=ISSUER,
                audience=AUDIENCE,
                subject=subject,
                roles=list(roles),
                kelurahan=kelurahan,
                agency=agency,
            )
            headers = {"Authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        return Caller(httpx2.AsyncClient(transport=transport, base_url="http://uji", headers=headers, timeout=60))

    async def record(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply a batch of facts as the service's consumer does."""
        raise NotImplementedError

    async def tell(self, *events: Event) -> None:
        """Let the service hear facts, in one transaction."""
        await self.do(lambda connection: self.record(connection, events))

    def business(
        self,
        owner_id: UUID,
        *,
        nib: str | None = None,
        kelurahan: str = MANGGAR,
        kelas: BusinessClass = BusinessClass.MIKRO,
        status: BusinessStatus = BusinessStatus.TERVERIFIKASI,
    ) -> Event:
        """Return the fact that a business is registered."""
        fact = BusinessRegistered(
            business_id=uuid4(),
            owner_ids=(owner_id,),
            personal=seal(self.keys.key(owner_id), owner_id, BusinessPersonal(name="Warung", nib=nib)),
            kelurahan=kelurahan,
            status=status,
            source="petugas",
            as_of=TODAY,
            kelas=ClassRecord(kelas=kelas, source="petugas", as_of=TODAY),
        )
        return self.story.event(fact)

    async def members(self, count: int, **business: Any) -> list[Member]:
        """Let the registry tell of so many owners, each with a business."""
        owners = [self.story.owner(name=f"Peserta {number}") for number in range(count)]
        businesses = [self.business(owner.fact.aggregate_id, **business) for owner in owners]
        await self.tell(*owners, *businesses)
        return [
            Member(owner.fact.aggregate_id, business.fact.aggregate_id)
            for owner, business in zip(owners, businesses, strict=True)
        ]

    async def member(self, **business: Any) -> Member:
        """Let the registry tell of one owner with a business."""
        return (await self.members(1, **business))[0]

    async def organisation(self, *roles: OrganisationRole, ended: bool = False) -> UUID:
        """Let the registry tell of an organisation with these roles, and that it ended."""
        kind = OrganisationKind.ASOSIASI
        made = OrganisationRegistered(organisation_id=uuid4(), title="IPEMI Balikpapan", kind=kind, roles=roles)
        events = [self.story.event(made)]
        if ended:
            events.append(self.story.event(OrganisationEnded(organisation_id=made.organisation_id, ended_on=TODAY)))
        await self.tell(*events)
        return made.organisation_id

    async def do(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a handler in a transaction."""
        async with self.pool.acquire() as connection, connection.transaction():
            return await work(connection)

    async def facts(self, subject: UUID | None = None) -> list[tuple[str, int]]:
        """Return name and sequence of every fact, or of those of one aggregate, in order."""
        rows = await self.pool.fetch(
            "SELECT type, sequence FROM outbox WHERE $1::uuid IS NULL OR partition_key = $1 ORDER BY id", subject
        )
        return [
            (row["type"].removeprefix("id.go.balikpapan.umkm.").removesuffix(".v1"), row["sequence"]) for row in rows
        ]

    async def deliver(self, definition: Definition, batch: Sequence[Item]) -> None:
        """Apply records as the consumer layer does: with positions, parking what cannot be applied."""
        async with self.pool.acquire() as connection:
            await apply_batch(connection, definition, batch)


def items(*events: Event) -> list[Item]:
    """Return the records that carry the events."""
    return [read_item(Record.of(event, offset)) for offset, event in enumerate(events)]


# -- crowds ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def crowded(desk: Desk) -> AsyncIterator[None]:
    """Give the service a connection for nearly every client."""
    async with await create_pool(desk.database.dsn, min_size=0, max_size=CONNECTIONS) as pool:
        # One after the other: a server that is asked for ninety at once may let some wait beyond their time.
        held = [await pool.acquire() for _ in range(CONNECTIONS)]
        for connection in held:
            await pool.release(connection)
        desk.pool = desk.app.state.pool = pool
        yield


async def until_answered(ask: Callable[..., Awaitable[httpx2.Response]], *order: Any) -> httpx2.Response:
    """Ask, and come again as long as it is told to, as a client does: a full machine may let some of a crowd wait beyond their time."""
    for _ in range(CLIENTS):
        answer = await ask(*order)
        if answer.status_code != 503 or "Retry-After" not in answer.headers:
            break
    return answer


async def tried(work: Awaitable[Any]) -> str:
    """Return ``ok``, or the rule that refused."""
    try:
        await work
    except DeedRefusedError as refusal:
        return refusal.slug
    return "ok"


async def at_once(works: Iterable[Callable[[], Awaitable[Any]]]) -> Counter[str]:
    """Start all of them together and return what came of them."""
    return Counter(await asyncio.gather(*(tried(work()) for work in works)))


ZONES = ("UTC", "America/New_York", "Asia/Tokyo")
"""Zones of servers that are not ours: behind it, and ahead."""


@contextmanager
def process_zone(zone: str) -> Iterator[None]:
    """Let this process stand in another zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


async def database_zone(desk: Desk, zone: str) -> None:
    """Let every connection of the service, also those that are open, take the server's times in another zone."""
    role = f"ALTER ROLE CURRENT_USER IN DATABASE {desk.database.name} SET TimeZone = '{zone}'"
    await desk.pool.execute(role)
    await desk.pool.expire_connections()
    assert await desk.pool.fetchval("SHOW TimeZone") == zone


# -- what holds at every moment ----------------------------------------------------------------------------------------


async def check_without_gaps(pool: Pool, tables: dict[str, str]) -> None:
    """Check that each aggregate of ``tables`` (topic → table) has told as many facts as its version, numbered from 1."""
    versions = " UNION ALL ".join(
        f"SELECT '{topic}' AS topic, id AS aggregate_id, version FROM {table}" for topic, table in tables.items()
    )
    gaps = await pool.fetch(
        f"SELECT s.topic, s.aggregate_id FROM ({versions}) s"
        " LEFT JOIN outbox o ON o.topic = s.topic AND o.partition_key = s.aggregate_id"
        " GROUP BY s.topic, s.aggregate_id, s.version"
        " HAVING count(*) <> s.version OR min(o.sequence) <> 1 OR max(o.sequence) <> s.version"
    )
    assert gaps == []


# -- bad input ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """One request that must be refused, and how: status, rule, the values that were compared, and what the sentence says.

    ``{name}`` in path, body and values stands for an id of the scene. For ``isi-tidak-sah`` the values are field → message.
    """

    call: str
    body: Any
    status: int
    rule: str
    values: dict[str, Any]
    says: str
    version: int | None = None


def fill(template: Any, scene: dict[str, str]) -> Any:
    """Return a template with the ids of the scene in it."""
    if isinstance(template, str) and template[:1] == "{" and template[-1:] == "}":
        return scene[template[1:-1]]
    if isinstance(template, dict):
        return {key: fill(value, scene) for key, value in template.items()}
    if isinstance(template, list | tuple):
        return [fill(value, scene) for value in template]
    return template


def _values_of(problem: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    if problem.get("errors") is None:
        return {name: problem.get(name) for name in wanted}
    told = {error["field"].rpartition(".")[2]: error["message"] for error in problem["errors"]}
    return {name: told.get(name) for name in wanted}


async def how_refused(caller: Caller, wrong: Wrong, scene: dict[str, str]) -> dict[str, Any]:
    """Send a bad request, and return where the answer differs from what it must be; nothing: it is as it must be."""
    method, path = wrong.call.split()
    headers = {"Idempotency-Key": uuid4().hex}
    if wrong.version is not None:
        headers["If-Match"] = f'"{wrong.version}"'
    body = fill(wrong.body, scene)
    answer = await caller.client.request(method, path.format(**scene), json=body, headers=headers)
    problem, values = answer.json(), fill(wrong.values, scene)
    found = {
        "kind": (answer.headers["content-type"], "application/problem+json"),
        "rule": (rule_of(answer) if "type" in problem else (answer.status_code, None), (wrong.status, wrong.rule)),
        "status": (problem.get("status"), wrong.status),
        "values": (_values_of(problem, values), values),
        "titled": (bool(problem.get("title")), True),
        "says": (wrong.says in str(problem.get("detail")), True),
    }
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}
