"""What the exhibitions can be told to do. Names say the deed; ids, time and actor come in, nothing is looked up here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts.exhibitions import ApplicationCause, BoothKind, Criterion

HeldBy = Literal["dinas", "mitra"]


@dataclass(frozen=True, slots=True)
class Timing:
    """From when to when a wave sells; aware."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpenExhibition:
    """Open an exhibition for applications. ``closes_at`` is the last second of the deadline, aware."""

    exhibition_id: UUID
    title: str
    held_by: HeldBy
    partner: str | None
    place: str
    zone: str
    starts_on: date
    ends_on: date
    closes_at: datetime
    waves: tuple[Timing, ...]
    criteria: tuple[Criterion, ...]
    pass_score: int
    curators: int
    confirm_hours: int
    partner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OpenBooth:
    """Set up a booth, with so many places in each wave."""

    booth_id: UUID
    exhibition_id: UUID
    kind: BoothKind
    capacity: int


@dataclass(frozen=True, slots=True)
class ChangeCapacity:
    """Give a booth more places in each wave, or fewer."""

    booth_id: UUID
    expected_version: int
    capacity: int


@dataclass(frozen=True, slots=True)
class OnExhibition:
    """A deed on one exhibition, in the version that its actor has seen."""

    exhibition_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class CancelExhibition(OnExhibition):
    """Do not hold an exhibition."""


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply for a place of a kind, with a business of an owner."""

    application_id: UUID
    exhibition_id: UUID
    owner_id: UUID
    business_id: UUID
    kind: BoothKind


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a curator gives one application: criterion and score, 0 to 100."""

    application_id: UUID
    scores: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class GiveScores:
    """Give scores as one curator; given again, they count instead of those before."""

    exhibition_id: UUID
    curator: str
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True, slots=True)
class OnApplication:
    """A deed on one application, in the version that its actor has seen."""

    application_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class WithdrawApplication(OnApplication):
    """Give an application up, with its place."""

    cause: ApplicationCause


@dataclass(frozen=True, slots=True)
class RejectApplication(OnApplication):
    """Refuse somebody who was promised nothing yet."""

    cause: ApplicationCause


@dataclass(frozen=True, slots=True)
class PlaceApplication(OnApplication):
    """Give one who was chosen a place."""

    booth_id: UUID
    wave: int


@dataclass(frozen=True, slots=True)
class MoveApplication(OnApplication):
    """Give one who has a place another one."""

    booth_id: UUID
    wave: int


@dataclass(frozen=True, slots=True)
class ConfirmPlace(OnApplication):
    """Say that they will come."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether one who had a place came."""

    application_id: UUID
    present: bool


@dataclass(frozen=True, slots=True)
class RecordPresence:
    """Record who came; said again, it corrects."""

    exhibition_id: UUID
    presences: tuple[Presence, ...]


@dataclass(frozen=True, slots=True)
class ReportSales(OnApplication):
    """Report what was sold on a day, in rupiah; said again with another amount, it corrects."""

    day: date
    amount: int


@dataclass(frozen=True, slots=True)
class OpenOutlet:
    """Open a fixed selling place with so many stalls in each turn."""

    outlet_id: UUID
    title: str
    held_by: HeldBy
    partner: str | None
    place: str
    stalls: int
    partner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class JoinOutlet:
    """Let a business take part in the rota."""

    outlet_id: UUID
    owner_id: UUID
    business_id: UUID


@dataclass(frozen=True, slots=True)
class LeaveOutlet:
    """Let a business take part no more; a turn that has not ended goes to the next."""

    outlet_id: UUID
    business_id: UUID
    cause: ApplicationCause


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """Open the next turn of a rota: the rota says whose turn it is."""

    outlet_id: UUID
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class PassTurnOn:
    """Give up a turn; the next in the rota has it."""

    outlet_id: UUID
    turn: int
    business_id: UUID
