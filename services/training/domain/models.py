"""Courses, batches, enrolments and certificates as the rules see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from shared.contracts.fact import Fact
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.contracts.training import EnrolmentState, LeavingCause, Requirement, Selection, SessionTime

S = EnrolmentState
SEATED = frozenset({S.DITERIMA, S.DITAWARI, S.HADIR, S.LULUS, S.TIDAK_LULUS})
"""These hold a seat; an offer keeps one too, so that a seat is offered once at a time."""
QUEUED = frozenset({S.DIAJUKAN, S.DAFTAR_TUNGGU})
LIVE = SEATED | QUEUED
"""One of these for an owner in a batch, never two."""
ATTENDING = frozenset({S.DITERIMA, S.HADIR})


@dataclass(frozen=True, slots=True)
class Programme:
    """What courses belong to, and what one may follow once a year where a course says so."""

    id: UUID
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Course:
    """A course; its version counts its own facts and those of its batches."""

    id: UUID
    version: int
    programme: Programme
    title: str
    held_by: Literal["dinas", "mitra"]
    partner: str | None
    starts_on: date
    ends_on: date
    attendance_percent: int
    pass_score: int | None
    requirements: tuple[Requirement, ...]
    opened_by: str
    partner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch. ``held`` counts the seats that somebody has or is offered; ``arrivals`` who ever enrolled."""

    id: UUID
    version: int
    course_id: UUID
    title: str
    """Of the course."""
    number: int
    place: str
    quota: int
    held: int
    arrivals: int
    closes_at: datetime
    selection: Selection
    selected: bool
    """The selection after the deadline has been made (always, where seats go to who comes first)."""
    offer_hours: int
    cancelled: bool
    sessions: tuple[SessionTime, ...]

    def seat_fields(self) -> dict[str, Any]:
        """Return what facts of seats say of the batch, so that whoever tells the participant needs nothing else."""
        return {"title": self.title, "place": self.place, "starts_at": self.starts_at}

    @property
    def free(self) -> int:
        """Seats that nobody has and nobody is offered."""
        return self.quota - self.held

    @property
    def starts_at(self) -> datetime:
        """When the first session begins."""
        return min(session.starts_at for session in self.sessions)

    @property
    def ends_at(self) -> datetime:
        """When the last session ends."""
        return max(session.ends_at for session in self.sessions)


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the rules look at of who wants to enrol, from the copy of the registry and from our own history."""

    owner_id: UUID
    owner_ids: tuple[UUID, ...]
    """All owners of the business."""
    erased: bool
    status: BusinessStatus
    kelas: BusinessClass
    kelurahan: str
    has_nib: bool | None
    """``None``: no course asks, so nobody looked."""
    enrolled: bool
    """Has a live enrolment in this batch."""
    served: bool
    """Has passed a training before."""
    this_year: bool
    """Has a seat, or may still get one, in another batch of the same programme in the same year."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One owner in one batch."""

    id: UUID
    version: int
    batch_id: UUID
    course_id: UUID
    owner_id: UUID
    business_id: UUID
    kelurahan: str
    """Of the business when it enrolled: whose officers see the enrolment."""
    state: EnrolmentState
    priority: int
    arrival: int
    offer_until: datetime | None
    cause: LeavingCause | None
    score: int | None

    def fact_fields(self) -> dict[str, Any]:
        """Return what every fact of an enrolment says."""
        return {
            "enrolment_id": self.id,
            "batch_id": self.batch_id,
            "course_id": self.course_id,
            "owner_id": self.owner_id,
            "business_id": self.business_id,
        }


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate: a number for ever, editions one after the other."""

    id: UUID
    version: int
    enrolment_id: UUID
    batch_id: UUID
    owner_id: UUID
    business_id: UUID
    number: str
    code: str
    edition: int
    revoked: bool

    def fact_fields(self) -> dict[str, Any]:
        """Return what every fact of a certificate says."""
        return {
            "certificate_id": self.id,
            "enrolment_id": self.enrolment_id,
            "batch_id": self.batch_id,
            "owner_id": self.owner_id,
            "business_id": self.business_id,
            "number": self.number,
            "edition": self.edition,
        }


@dataclass(frozen=True, slots=True)
class Listed:
    """An enrolment as lists show it."""

    enrolment: Enrolment
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class Printed:
    """What stands on one edition of a certificate; the name sealed, ``None`` if its owner was erased."""

    id: UUID
    version: int
    number: str
    code: str
    edition: int
    newest: int
    revoked: bool
    owner_id: UUID
    personal: str | None
    issued_on: date
    title: str
    held_by: str
    partner: str | None
    programme: str
    batch: int
    place: str
    sessions: tuple[SessionTime, ...]
    score: int | None
    attended: int
    kelurahan: str


Thing = TypeVar("Thing", Course, Enrolment, Certificate)


@dataclass(frozen=True, slots=True)
class Changed(Generic[Thing]):
    """An aggregate after a deed, with what happened; no fact: nothing changed."""

    after: Thing
    facts: tuple[Fact, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Seats:
    """A batch after a deed on its seats, and the enrolments that changed with it, each with its fact, in order."""

    batch: Batch
    changes: tuple[Changed[Enrolment], ...] = field(default=())
