"""What the trainings can be told to do. Names say the deed; ids, time and actor come in, nothing is looked up here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.contracts.training import LeavingCause, Requirement, RevocationCause, Selection


@dataclass(frozen=True, slots=True)
class OpenProgramme:
    """Make a programme that courses belong to. ``code`` is short, and unique."""

    programme_id: UUID
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class OpenCourse:
    """Plan a course of a programme."""

    course_id: UUID
    programme_id: UUID
    title: str
    held_by: Literal["dinas", "mitra"]
    partner: str | None
    starts_on: date
    ends_on: date
    attendance_percent: int
    pass_score: int | None
    requirements: tuple[Requirement, ...]
    partner_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """From when to when a session is held; aware."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """Open a batch of a course for enrolments. ``closes_at`` is the last second of the deadline, aware."""

    batch_id: UUID
    course_id: UUID
    place: str
    quota: int
    closes_at: datetime
    selection: Selection
    offer_hours: int
    sessions: tuple[Timing, ...]


@dataclass(frozen=True, slots=True)
class OnBatch:
    """A deed on one batch, in the version that its actor has seen."""

    batch_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class ChangeQuota(OnBatch):
    """Give a batch more seats, or fewer."""

    quota: int


@dataclass(frozen=True, slots=True)
class MoveSession(OnBatch):
    """Hold a session at another time."""

    number: int
    timing: Timing


@dataclass(frozen=True, slots=True)
class CancelBatch(OnBatch):
    """Do not hold a batch."""


@dataclass(frozen=True, slots=True)
class Enrol:
    """Enrol an owner with a business in a batch."""

    enrolment_id: UUID
    batch_id: UUID
    owner_id: UUID
    business_id: UUID


@dataclass(frozen=True, slots=True)
class OnEnrolment:
    """A deed on one enrolment, in the version that its actor has seen."""

    enrolment_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class WithdrawEnrolment(OnEnrolment):
    """Give an enrolment up, with its seat or its offer."""

    cause: LeavingCause


@dataclass(frozen=True, slots=True)
class AcceptOffer(OnEnrolment):
    """Take the seat that is kept."""


@dataclass(frozen=True, slots=True)
class RejectEnrolment(OnEnrolment):
    """Refuse somebody who has no seat yet."""

    cause: LeavingCause


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a participant was there."""

    enrolment_id: UUID
    present: bool


@dataclass(frozen=True, slots=True)
class RecordAttendance:
    """Record who was at a session; said again, it corrects."""

    batch_id: UUID
    session: int
    presences: tuple[Presence, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """The score of a participant, 0 to 100, where one is asked."""

    enrolment_id: UUID
    score: int | None


@dataclass(frozen=True, slots=True)
class RecordResults:
    """Say of participants whether they passed, by the rules of the course."""

    batch_id: UUID
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class IssueCertificate:
    """Issue the certificate of one who passed. ``code`` is what anybody may check it by: random, not to be guessed."""

    certificate_id: UUID
    enrolment_id: UUID
    code: str


@dataclass(frozen=True, slots=True)
class OnCertificate:
    """A deed on one certificate, in the version that its actor has seen."""

    certificate_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class ReissueCertificate(OnCertificate):
    """Issue the same number anew, with the name as it is now."""


@dataclass(frozen=True, slots=True)
class RevokeCertificate(OnCertificate):
    """Take a certificate back."""

    cause: RevocationCause
