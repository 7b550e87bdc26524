"""What the tests of the exhibitions tell and ask: by HTTP as officers, by handlers at a time of their own choosing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.events.commands import (
    Apply,
    ConfirmPlace,
    GiveScores,
    Judgement,
    OpenBooth,
    OpenExhibition,
    PlaceApplication,
    Presence,
    RecordPresence,
    ReportSales,
    Timing,
    WithdrawApplication,
)
from services.events.domain.models import Application
from services.events.handlers import Saved, applying, curating, exhibitions, placing, selling
from services.events.handlers.copying import record_facts
from services.events.handlers.curating import Curated
from services.events.store import applications as store
from shared.contracts.exhibitions import ApplicationCause, BoothKind, Criterion, CriterionKind
from shared.contracts.fact import Fact
from shared.contracts.licensing import LicenceKind, LicencePersonal, LicenceSubmitted, LicenceVerified
from shared.contracts.registry import BusinessClosed, ReasonPersonal
from shared.contracts.training import TrainingCompleted
from shared.database import Connection
from shared.envelope import Event
from shared.identifiers import new_id
from shared.sealing import seal
from shared.wita import WITA
from tests.desk import NOON, TODAY, Desk, Member, cause, check_without_gaps

DEADLINE = datetime(2026, 11, 30, 23, 59, 59, tzinfo=WITA)
DECIDED = datetime(2026, 12, 1, 9, 0, tzinfo=WITA)
FIRST_DAY = date(2026, 12, 10)
JURY = (Criterion(code="kemasan", kind=CriterionKind.JURI, weight=1),)
NOBODY_ASKED = (Criterion(code="jarang", kind=CriterionKind.JARANG_DIBANTU, weight=1),)
"""A curation that needs no curator."""


def waves(count: int, first: date = FIRST_DAY) -> tuple[Timing, ...]:
    """Return waves of two days, one after the other."""
    start = datetime(first.year, first.month, first.day, 9, tzinfo=WITA)
    return tuple(
        Timing(start + timedelta(days=2 * n), start + timedelta(days=2 * n + 1, hours=12)) for n in range(count)
    )


@dataclass
class Fair(Desk):
    """The exhibitions, and what registry and trainings tell them."""

    async def record(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply a batch of facts as the consumer does."""
        await record_facts(connection, events, NOON)

    # -- facts of other services ---------------------------------------------------------------------------------

    def trained(self, member: Member, on: date = date(2026, 6, 1)) -> Event:
        """Return the fact that an owner passed a training."""
        fact = TrainingCompleted(
            enrolment_id=uuid4(),
            batch_id=uuid4(),
            course_id=uuid4(),
            owner_id=member.owner_id,
            business_id=member.business_id,
            programme_id=uuid4(),
            year=on.year,
            title="Pemasaran Digital",
            completed_on=on,
            attended=3,
            sessions=3,
        )
        return self.story.event(fact)

    def closed(self, member: Member) -> Event:
        """Return the fact that a business closed for good."""
        reason = seal(self.keys.key(member.owner_id), member.owner_id, ReasonPersonal(reason="tutup"))
        return self.story.event(BusinessClosed(business_id=member.business_id, personal=reason, closed_on=TODAY))

    def licensed(
        self, member: Member, kind: LicenceKind, *, valid_from: date | None = None, expires_on: date | None = None
    ) -> tuple[Event, Event]:
        """Return the facts of a licence: handed in, and verified by somebody else."""
        whose = {
            "licence_id": uuid4(),
            "business_id": member.business_id,
            "owner_id": member.owner_id,
            "kind": kind,
            "valid_from": valid_from,
            "expires_on": expires_on,
        }
        sealed = seal(self.keys.key(member.owner_id), member.owner_id, LicencePersonal(number="2063471010099-28"))
        asked = LicenceSubmitted.model_validate({**whose, "personal": sealed})
        return self.story.event(asked), self.story.event(LicenceVerified.model_validate(whose))

    def of_licence(self, event: Event, fact: type[Fact], **fields: Any) -> Event:
        """Return the next fact of a licence that an event speaks of."""
        whose = event.fact.model_dump(include={"licence_id", "business_id", "owner_id", "kind"})
        return self.story.event(fact.model_validate({**whose, **fields}))

    # -- commands by their handlers ------------------------------------------------------------------------------

    async def exhibition(
        self,
        *,
        criteria: tuple[Criterion, ...] = NOBODY_ASKED,
        wave_count: int = 1,
        pass_score: int = 0,
        curators: int = 1,
        held_by: Any = "dinas",
    ) -> UUID:
        """Open an exhibition and return its id."""
        partner = "IPEMI Balikpapan" if held_by == "mitra" else None
        command = OpenExhibition(
            new_id(), "Bazar", held_by, partner, "Lapangan Merdeka", "Asia/Makassar", FIRST_DAY,
            FIRST_DAY + timedelta(days=30), DEADLINE, waves(wave_count), criteria, pass_score, curators, 48,
        )  # fmt: skip
        return (await self.do(lambda c: exhibitions.open_exhibition(c, command, cause()))).id

    async def booth(
        self, exhibition: UUID, capacity: int, kind: BoothKind = BoothKind.UMUM, now: datetime = NOON
    ) -> UUID:
        """Set up a booth and return its id."""
        command = OpenBooth(new_id(), exhibition, kind, capacity)
        return (await self.do(lambda c: exhibitions.open_booth(c, command, cause(now)))).id

    async def apply(
        self, exhibition: UUID, member: Member, now: datetime = NOON, kind: BoothKind = BoothKind.UMUM
    ) -> UUID:
        """Apply and return the application's id."""
        command = Apply(new_id(), exhibition, member.owner_id, member.business_id, kind)
        saved: Saved = await self.do(lambda c: applying.apply(c, command, cause(now), None))
        return saved.id

    async def score(self, exhibition: UUID, curator: str, given: dict[UUID, int], criterion: str = "kemasan") -> None:
        """Give scores as a curator."""
        judgements = tuple(Judgement(item, ((criterion, score),)) for item, score in sorted(given.items()))
        command = GiveScores(exhibition, curator, judgements)
        await self.do(lambda c: curating.give_scores(c, command, cause(NOON, curator)))

    async def curate(self, exhibition: UUID, now: datetime = DECIDED) -> Curated:
        """Make the curation."""
        version = int(await self.pool.fetchval("SELECT version FROM exhibition WHERE id = $1", exhibition))
        return await self.do(lambda c: curating.curate(c, exhibition, version, cause(now)))

    async def curated(self, capacity: int, count: int, *, wave_count: int = 1) -> tuple[UUID, UUID, list[UUID]]:
        """Return an exhibition with one booth, that booth, and so many applications by rank, the first with a place."""
        exhibition = await self.exhibition(wave_count=wave_count)
        booth = await self.booth(exhibition, capacity)
        applications = []
        for number, member in enumerate(await self.members(count)):
            applications.append(await self.apply(exhibition, member, NOON + timedelta(seconds=number)))
        await self.curate(exhibition)
        return exhibition, booth, applications

    async def version(self, application: UUID) -> int:
        """Return the version of an application."""
        return (await self.application(application)).version

    async def place(
        self, application: UUID, booth: UUID, wave: int = 1, now: datetime = DECIDED, version: int | None = None
    ) -> None:
        """Give a place."""
        command = PlaceApplication(application, version or await self.version(application), booth, wave)
        await self.do(lambda c: placing.place(c, command, cause(now)))

    async def confirm(self, application: UUID, now: datetime = DECIDED, version: int | None = None) -> None:
        """Confirm a place."""
        command = ConfirmPlace(application, version or await self.version(application))
        await self.do(lambda c: placing.confirm(c, command, cause(now), None))

    async def withdraw(self, application: UUID, now: datetime = DECIDED, version: int | None = None) -> None:
        """Give an application up."""
        command = WithdrawApplication(
            application, version or await self.version(application), ApplicationCause.PERMINTAAN_PESERTA
        )
        await self.do(lambda c: applying.withdraw(c, command, cause(now), None))

    async def attend(self, exhibition: UUID, present: dict[UUID, bool], now: datetime) -> None:
        """Record who came."""
        command = RecordPresence(exhibition, tuple(Presence(*item) for item in present.items()))
        await self.do(lambda c: selling.record_presence(c, command, cause(now)))

    async def report(self, application: UUID, day: date, amount: int, now: datetime) -> None:
        """Report the sales of a day."""
        command = ReportSales(application, await self.version(application), day, amount)
        await self.do(lambda c: selling.report_sales(c, command, cause(now), None))

    # -- what came of it -----------------------------------------------------------------------------------------

    async def application(self, application: UUID) -> Application:
        """Return an application as it stands."""
        found = await store.find_application(self.pool, application)
        assert found is not None
        return found

    async def states(self, exhibition: UUID) -> Counter[str]:
        """Return how many applications of an exhibition stand how."""
        rows = await self.pool.fetch("SELECT state FROM application WHERE exhibition_id = $1", exhibition)
        return Counter(row["state"] for row in rows)

    async def state_of(self, applications: Sequence[UUID]) -> list[str]:
        """Return how some applications stand."""
        return [(await self.application(item)).state.value for item in applications]

    async def check_whole(self) -> None:
        """Check what holds at every moment: places, one live application, nobody chosen too many, facts without gaps."""
        await check_whole(self.pool)


PLACES = """
SELECT b.id, b.capacity, w.wave, w.placed, count(a.id) AS there
FROM booth b CROSS JOIN unnest(b.placed) WITH ORDINALITY AS w(placed, wave)
LEFT JOIN application a ON a.booth_id = b.id AND a.wave = w.wave
GROUP BY b.id, w.wave, w.placed
"""
CHOSEN = """
SELECT p.exhibition_id, p.kind, p.places, count(a.id) AS chosen
FROM (SELECT exhibition_id, kind, sum(capacity * cardinality(placed)) AS places FROM booth GROUP BY 1, 2) p
LEFT JOIN application a ON a.exhibition_id = p.exhibition_id AND a.kind = p.kind
    AND a.state IN ('lolos', 'ditempatkan', 'dikonfirmasi', 'ikut', 'tidak_hadir')
    AND (a.state <> 'lolos' OR coalesce(status_of(a.business_id), '') NOT IN ('tutup', 'ditolak', 'digabung'))  -- kept nothing
GROUP BY 1, 2, 3
"""
DOUBLES = """
SELECT exhibition_id, business_id FROM application WHERE state NOT IN ('ditolak', 'mengundurkan_diri')
GROUP BY 1, 2 HAVING count(*) > 1
"""
TABLES = {"umkm.exhibition": "exhibition", "umkm.application": "application", "umkm.outlet": "outlet"}


async def check_whole(pool: asyncpg.Pool) -> None:
    """Check what holds at every moment in the whole database."""
    for row in await pool.fetch(PLACES):
        assert row["there"] == row["placed"] <= row["capacity"], dict(row)
    for row in await pool.fetch(CHOSEN):
        assert row["chosen"] <= row["places"], dict(row)
    assert await pool.fetch(DOUBLES) == []
    await check_without_gaps(pool, TABLES)
