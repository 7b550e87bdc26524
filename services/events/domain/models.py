"""Exhibitions, booths, applications and outlets as the rules see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from services.events.commands import HeldBy
from services.events.domain.clock import day_in
from shared.contracts.exhibitions import ApplicationCause, ApplicationState, BoothKind, Criterion, Wave
from shared.contracts.fact import Fact
from shared.contracts.registry import BusinessClass, BusinessStatus

S = ApplicationState
PLACED = frozenset({S.DITEMPATKAN, S.DIKONFIRMASI, S.IKUT, S.TIDAK_HADIR})
"""These have a place at a booth in a wave."""
CHOSEN = PLACED | {S.LOLOS}
"""For each of these there is a place."""
SCORABLE = frozenset({S.DIAJUKAN, S.KURASI})
OVER = frozenset({S.DITOLAK, S.MENGUNDURKAN_DIRI})
LEAVABLE = frozenset(S) - OVER - {S.IKUT, S.TIDAK_HADIR}


@dataclass(frozen=True, slots=True)
class Exhibition:
    """An exhibition; its version counts its own facts and those of its booths. Its row is the lock of all its places."""

    id: UUID
    version: int
    title: str
    held_by: HeldBy
    partner: str | None
    place: str
    zone: str
    starts_on: date
    ends_on: date
    closes_at: datetime
    waves: tuple[Wave, ...]
    criteria: tuple[Criterion, ...]
    pass_score: int
    curators: int
    """How many curators must have scored an application."""
    confirm_hours: int
    curated: bool
    cancelled: bool
    opened_by: str
    partner_id: UUID | None = None

    @property
    def recorded(self) -> bool:
        """Another body holds it, whose lists come when they come: often after the last day."""
        return self.held_by == "mitra"

    def told(self) -> dict[str, Any]:
        """Return what a fact says of the exhibition, if somebody is told of it."""
        return {"title": self.title, "place": self.place, "zone": self.zone}

    def days(self, wave: Wave) -> tuple[date, ...]:
        """Return the days on which a wave sells, in the exhibition's zone."""
        first, last = day_in(self.zone, wave.starts_at), day_in(self.zone, wave.ends_at)
        return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


@dataclass(frozen=True, slots=True)
class Booth:
    """A booth. ``placed`` counts who has a place, for each wave in turn; never more than ``capacity``."""

    id: UUID
    version: int
    exhibition_id: UUID
    number: int
    kind: BoothKind
    capacity: int
    placed: tuple[int, ...]

    def free(self, wave: int) -> int:
        """Return the places in a wave (from 1) that nobody has."""
        return self.capacity - self.placed[wave - 1]


@dataclass(frozen=True, slots=True)
class History:
    """What a curation reads of a business: from the copy of registry and trainings, and from our own past."""

    status: BusinessStatus
    kelas: BusinessClass
    trainings: int
    """Trainings that one of its owners passed in the two years before the exhibition."""
    helped: int
    """Exhibitions that it took part in before."""
    licences: frozenset[str] = frozenset()
    """Kinds of its licences that are valid on the exhibition's first day."""


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the rules look at of who applies."""

    owner_ids: tuple[UUID, ...]
    erased: bool
    status: BusinessStatus
    kelurahan: str
    applied: bool
    """Has a live application to this exhibition."""


@dataclass(frozen=True, slots=True)
class Application:
    """One business at one exhibition."""

    id: UUID
    version: int
    exhibition_id: UUID
    owner_id: UUID
    business_id: UUID
    kelurahan: str
    """Of the business when it applied: whose officers see the application."""
    kind: BoothKind
    state: ApplicationState
    applied_at: datetime
    scores: Mapping[str, int] | None = None
    """Hundredths for each criterion, as the curation counted them."""
    total: int | None = None
    rank: int | None = None
    booth_id: UUID | None = None
    wave: int | None = None
    confirm_by: datetime | None = None
    cause: ApplicationCause | None = None

    def fact_fields(self) -> dict[str, Any]:
        """Return what every fact of an application says."""
        return {
            "application_id": self.id,
            "exhibition_id": self.exhibition_id,
            "owner_id": self.owner_id,
            "business_id": self.business_id,
        }


@dataclass(frozen=True, slots=True)
class Turnover:
    """A total that anybody may see."""

    participants: int
    reported: int
    total: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """A business in the rota of an outlet."""

    business_id: UUID
    owner_id: UUID
    joined: int
    """Place in the order of joining, from 1."""
    turns: int
    """Turns it has had."""
    last_turn: int
    """Number of the last turn it had; 0: none."""
    active: bool = True
    goes_on_as: UUID | None = None
    """The business that goes on for it if it was merged, else itself; ``None``: as little known as its status."""
    status: BusinessStatus | None = None
    """Of the business that goes on for it."""

    @property
    def counts_as(self) -> UUID:
        """The business whose turns its turns are."""
        return self.goes_on_as or self.business_id


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a rota with the businesses whose turn it is, days inclusive."""

    number: int
    starts_on: date
    ends_on: date
    business_ids: tuple[UUID, ...]


Turns = list[tuple[Turn, frozenset[UUID]]]
"""Turns, each with who gave it up."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """A fixed selling place; its row is the lock of its rota."""

    id: UUID
    version: int
    title: str
    held_by: HeldBy
    partner: str | None
    place: str
    stalls: int
    opened_by: str
    partner_id: UUID | None = None


Thing = TypeVar("Thing", Exhibition, Application, Outlet)


@dataclass(frozen=True, slots=True)
class Changed(Generic[Thing]):
    """An aggregate after a deed, with what happened; no fact: nothing changed."""

    after: Thing
    facts: tuple[Fact, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Places:
    """What a deed on places came to: booths whose places moved, and applications, each with its facts, in order."""

    booths: tuple[Booth, ...] = ()
    changes: tuple[Changed[Application], ...] = ()
