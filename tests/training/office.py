"""What the tests of the trainings tell and ask: by HTTP as officers, by handlers at a time of their own choosing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import httpx2

from services.training.commands import Enrol, OpenBatch, OpenCourse, OpenProgramme, Timing
from services.training.domain.models import Enrolment
from services.training.handlers import Saved, courses, enrolling
from services.training.handlers.copying import record_facts
from services.training.store import enrolments as store
from shared.auth import Role, sign_token
from shared.contracts.registry import BusinessClass, BusinessPersonal, BusinessRegistered, BusinessStatus, ClassRecord
from shared.contracts.training import Requirement, RequirementKind, Selection
from shared.database import Connection, Pool
from shared.envelope import Event
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.sealing import seal
from shared.wita import WITA
from tests.notifications.story import Registry, Story
from tests.stack.servers import Database

ISSUER, AUDIENCE = "https://uji.example", "naikkelas"
MANGGAR, PRAPATAN = "64.71.01.1001", "64.71.06.1001"
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
"""12:00 WITA."""
DEADLINE = datetime(2026, 11, 30, 23, 59, 59, tzinfo=WITA)
FIRST_SESSION = datetime(2026, 12, 3, 9, 0, tzinfo=WITA)
SESSION_HOURS = 6
UNSERVED_FIRST = (Requirement(kind=RequirementKind.UTAMAKAN_BELUM_DILAYANI),)

T = TypeVar("T")


def cause(now: datetime = NOON, actor: str = "petugas-a") -> Cause:
    """Return the cause of a command at a time."""
    return Cause("c", None, actor, "command", None, now)


def sessions(count: int, first: datetime = FIRST_SESSION) -> tuple[Timing, ...]:
    """Return sessions on days that follow one another."""
    return tuple(
        Timing(first + timedelta(days=day), first + timedelta(days=day, hours=SESSION_HOURS)) for day in range(count)
    )


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


@dataclass(frozen=True)
class Member:
    """An owner with a business, as the registry told of them."""

    owner_id: UUID
    business_id: UUID

    def form(self) -> dict[str, str]:
        """Return the body of an enrolment."""
        return {"owner_id": str(self.owner_id), "business_id": str(self.business_id)}


@dataclass
class Office:
    """The app, its database, its signing key, and what the registry tells."""

    app: Any
    pool: Pool
    key: Any
    keys: Registry
    story: Story
    database: Database
    _codes: Counter[str] = field(default_factory=Counter)

    def caller(self, *roles: Role, subject: str = "petugas-a", kelurahan: str | None = None) -> Caller:
        """Return a caller with these roles; without any, somebody without a token."""
        headers = {}
        if roles:
            token = sign_token(
                self.key, issuer=ISSUER, audience=AUDIENCE, subject=subject, roles=list(roles), kelurahan=kelurahan
            )
            headers = {"Authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(self.app, raise_app_exceptions=False)
        return Caller(httpx2.AsyncClient(transport=transport, base_url="http://uji", headers=headers, timeout=60))

    # -- the registry's facts ------------------------------------------------------------------------------------

    async def tell(self, *events: Event) -> None:
        """Apply a batch as the consumer does."""
        async with self.pool.acquire() as connection, connection.transaction():
            await record_facts(connection, events, NOON)

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
        day = date(2026, 11, 25)
        fact = BusinessRegistered(
            business_id=uuid4(),
            owner_ids=(owner_id,),
            personal=seal(self.keys.key(owner_id), owner_id, BusinessPersonal(name="Warung", nib=nib)),
            kelurahan=kelurahan,
            status=status,
            source="petugas",
            as_of=day,
            kelas=ClassRecord(kelas=kelas, source="petugas", as_of=day),
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

    # -- commands by their handlers ------------------------------------------------------------------------------

    async def do(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a handler in a transaction."""
        async with self.pool.acquire() as connection, connection.transaction():
            return await work(connection)

    async def course(
        self,
        *,
        requirements: tuple[Requirement, ...] = (),
        held_by: Any = "dinas",
        pass_score: int | None = None,
        programme: UUID | None = None,
        starts_on: date = date(2026, 11, 1),
        ends_on: date = date(2027, 1, 31),
    ) -> UUID:
        """Open a course of a programme of its own, unless one is given, and return its id."""
        if programme is None:
            programme = await self.programme()
        partner = "IPEMI Balikpapan" if held_by == "mitra" else None
        command = OpenCourse(
            new_id(), programme, "Pemasaran Digital", held_by, partner, starts_on, ends_on, 80, pass_score, requirements
        )
        return (await self.do(lambda connection: courses.open_course(connection, command, cause()))).id

    async def programme(self) -> UUID:
        """Open a programme and return its id."""
        self._codes["programme"] += 1
        command = OpenProgramme(new_id(), f"P{self._codes['programme']:03}", "Digitalisasi UMKM")
        return (await self.do(lambda connection: courses.open_programme(connection, command, cause()))).id

    async def batch(
        self,
        quota: int,
        *,
        course: UUID | None = None,
        requirements: tuple[Requirement, ...] = (),
        selection: Selection = Selection.LANGSUNG,
        timings: Sequence[Timing] = (),
        offer_hours: int = 48,
    ) -> UUID:
        """Open a batch of a course of its own, unless one is given, and return its id."""
        course = course or await self.course(requirements=requirements)
        command = OpenBatch(
            new_id(), course, "Aula DKUMKMP", quota, DEADLINE, selection, offer_hours, tuple(timings or sessions(3))
        )
        return (await self.do(lambda connection: courses.open_batch(connection, command, cause()))).id

    async def enrol(self, batch_id: UUID, member: Member, now: datetime = NOON) -> UUID:
        """Enrol somebody and return the enrolment's id."""
        command = Enrol(new_id(), batch_id, member.owner_id, member.business_id)
        saved: Saved = await self.do(lambda connection: enrolling.enrol(connection, command, None, cause(now), None))
        return saved.id

    # -- what came of it -----------------------------------------------------------------------------------------

    async def enrolment(self, enrolment_id: UUID) -> Enrolment:
        """Return an enrolment as it stands."""
        found = await store.find_enrolment(self.pool, enrolment_id)
        assert found is not None
        return found

    async def states(self, batch_id: UUID) -> Counter[str]:
        """Return how many enrolments of a batch stand how."""
        rows = await self.pool.fetch("SELECT state FROM enrolment WHERE batch_id = $1", batch_id)
        return Counter(row["state"] for row in rows)

    async def held(self, batch_id: UUID) -> int:
        """Return the seats that the batch counts as held."""
        return int(await self.pool.fetchval("SELECT held FROM batch WHERE id = $1", batch_id))

    async def facts(self, subject: UUID | None = None) -> list[tuple[str, int]]:
        """Return name and sequence of every fact, or of those of one aggregate, in order."""
        rows = await self.pool.fetch(
            "SELECT type, sequence FROM outbox WHERE $1::uuid IS NULL OR partition_key = $1 ORDER BY id", subject
        )
        return [
            (row["type"].removeprefix("id.go.balikpapan.umkm.").removesuffix(".v1"), row["sequence"]) for row in rows
        ]

    async def check_whole(self) -> None:
        """Check what holds at every moment: seats, one live enrolment, offers within seats, facts without gaps."""
        await check_whole(self.pool)


SEATS = """
SELECT b.id, b.quota, b.held, b.arrivals,
       count(e.id) FILTER (WHERE e.state IN ('diterima', 'ditawari', 'hadir', 'lulus', 'tidak_lulus')) AS seated,
       count(e.id) AS enrolments, max(e.arrival) AS last
FROM batch b LEFT JOIN enrolment e ON e.batch_id = b.id GROUP BY b.id
"""
DOUBLES = """
SELECT batch_id, owner_id FROM enrolment WHERE state NOT IN ('mengundurkan_diri', 'kedaluwarsa', 'ditolak')
GROUP BY 1, 2 HAVING count(*) > 1
"""
GAPS = """
SELECT s.topic, s.aggregate_id FROM (
    SELECT 'umkm.course' AS topic, id AS aggregate_id, version FROM course
    UNION ALL SELECT 'umkm.enrolment', id, version FROM enrolment
    UNION ALL SELECT 'umkm.certificate', id, version FROM certificate) s
LEFT JOIN outbox o ON o.topic = s.topic AND o.partition_key = s.aggregate_id
GROUP BY s.topic, s.aggregate_id, s.version
HAVING count(*) <> s.version OR min(o.sequence) <> 1 OR max(o.sequence) <> s.version
"""


async def check_whole(pool: asyncpg.Pool) -> None:
    """Check what holds at every moment in the whole database."""
    for row in await pool.fetch(SEATS):
        assert row["seated"] == row["held"] <= row["quota"], dict(row)
        assert row["enrolments"] == row["arrivals"] == (row["last"] or 0), dict(row)
    assert await pool.fetch(DOUBLES) == []
    assert await pool.fetch(GAPS) == []
