"""What the tests of the trainings tell and ask: by HTTP as officers, by handlers at a time of their own choosing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from services.training.commands import Enrol, OpenBatch, OpenCourse, OpenProgramme, Timing
from services.training.domain.models import Enrolment
from services.training.handlers import Saved, courses, enrolling
from services.training.handlers.copying import record_facts
from services.training.store import enrolments as store
from shared.contracts.training import Requirement, RequirementKind, Selection
from shared.database import Connection
from shared.envelope import Event
from shared.identifiers import new_id
from shared.wita import WITA
from tests.desk import NOON, Desk, Member, cause, check_without_gaps

DEADLINE = datetime(2026, 11, 30, 23, 59, 59, tzinfo=WITA)
FIRST_SESSION = datetime(2026, 12, 3, 9, 0, tzinfo=WITA)
SESSION_HOURS = 6
UNSERVED_FIRST = (Requirement(kind=RequirementKind.UTAMAKAN_BELUM_DILAYANI),)


def sessions(count: int, first: datetime = FIRST_SESSION) -> tuple[Timing, ...]:
    """Return sessions on days that follow one another."""
    return tuple(
        Timing(first + timedelta(days=day), first + timedelta(days=day, hours=SESSION_HOURS)) for day in range(count)
    )


@dataclass
class Office(Desk):
    """The trainings, and what the registry tells them."""

    _codes: Counter[str] = field(default_factory=Counter)

    async def record(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply a batch of facts as the consumer does."""
        await record_facts(connection, events, NOON)

    # -- commands by their handlers ------------------------------------------------------------------------------

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
        closes_at: datetime = DEADLINE,
    ) -> UUID:
        """Open a batch of a course of its own, unless one is given, and return its id."""
        course = course or await self.course(requirements=requirements)
        command = OpenBatch(
            new_id(), course, "Aula DKUMKMP", quota, closes_at, selection, offer_hours, tuple(timings or sessions(3))
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
TABLES = {"umkm.course": "course", "umkm.enrolment": "enrolment", "umkm.certificate": "certificate"}


async def check_whole(pool: asyncpg.Pool) -> None:
    """Check what holds at every moment in the whole database."""
    for row in await pool.fetch(SEATS):
        assert row["seated"] == row["held"] <= row["quota"], dict(row)
        assert row["enrolments"] == row["arrivals"] == (row["last"] or 0), dict(row)
    assert await pool.fetch(DOUBLES) == []
    await check_without_gaps(pool, TABLES)
