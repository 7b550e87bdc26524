"""What answers look like. Nothing personal: owners and businesses by their ids."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.training.domain.models import Batch, Course, Listed, Printed, Programme
from shared.contracts.training import EnrolmentState, LeavingCause, Requirement, Selection, SessionTime
from shared.web.deeds import SavedOut


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProgrammeOut(_Out):
    """Satu program."""

    id: UUID
    code: str
    title: str

    @classmethod
    def of(cls, programme: Programme) -> ProgrammeOut:
        """Return the answer for a programme."""
        return cls(id=programme.id, code=programme.code, title=programme.title)


class ProgrammePage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[ProgrammeOut]
    next: UUID | None


class BatchOut(_Out):
    """Satu angkatan; ``held`` kursi yang diberikan atau ditawarkan."""

    id: UUID
    version: int
    course_id: UUID
    title: str
    number: int
    place: str
    quota: int
    held: int
    free: int
    arrivals: int
    closes_at: datetime
    selection: Selection
    selected: bool
    offer_hours: int
    cancelled: bool
    sessions: tuple[SessionTime, ...]

    @classmethod
    def of(cls, batch: Batch) -> BatchOut:
        """Return the answer for a batch."""
        return cls(**{name: getattr(batch, name) for name in cls.model_fields})


class CourseOut(_Out):
    """Satu pelatihan."""

    id: UUID
    version: int
    programme: ProgrammeOut
    title: str
    held_by: str
    partner: str | None
    partner_id: UUID | None
    starts_on: date
    ends_on: date
    attendance_percent: int
    pass_score: int | None
    requirements: tuple[Requirement, ...]

    @classmethod
    def of(cls, course: Course) -> CourseOut:
        """Return the answer for a course."""
        own = {name: getattr(course, name) for name in cls.model_fields if name != "programme"}
        return cls(programme=ProgrammeOut.of(course.programme), **own)


class CourseDetail(CourseOut):
    """Satu pelatihan dengan angkatannya."""

    batches: list[BatchOut]


class CoursePage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[CourseOut]
    next: UUID | None


class EnrolmentOut(_Out):
    """Satu pendaftaran; urutan tunggu menurut ``priority``, lalu ``arrival``."""

    id: UUID
    version: int
    batch_id: UUID
    course_id: UUID
    owner_id: UUID
    business_id: UUID
    kelurahan: str
    state: EnrolmentState
    priority: int
    arrival: int
    offer_until: datetime | None
    cause: LeavingCause | None
    score: int | None
    enrolled_at: datetime

    @classmethod
    def of(cls, listed: Listed) -> EnrolmentOut:
        """Return the answer for an enrolment."""
        own = {name: getattr(listed.enrolment, name) for name in cls.model_fields if name != "enrolled_at"}
        return cls(enrolled_at=listed.enrolled_at, **own)


class EnrolmentDetail(EnrolmentOut):
    """Satu pendaftaran dengan kehadirannya per sesi."""

    attendance: dict[int, bool]


class EnrolmentPage(_Out):
    """Satu halaman; ``next`` adalah nilai ``after`` halaman berikutnya."""

    items: list[EnrolmentOut]
    next: int | None


class ChangedOut(_Out):
    """Yang berubah."""

    items: list[SavedOut]


class ResultOut(SavedOut):
    """Hasil seorang peserta."""

    state: EnrolmentState


class ResultsOut(_Out):
    """Hasil beberapa peserta."""

    items: list[ResultOut]


class CertificateOut(_Out):
    """Satu sertifikat, tanpa nama."""

    id: UUID
    version: int
    number: str
    code: str
    edition: int
    revoked: bool
    owner_id: UUID
    issued_on: date
    title: str
    check_url: str

    @classmethod
    def of(cls, printed: Printed, check_url: str) -> CertificateOut:
        """Return the answer for a certificate."""
        own = {name: getattr(printed, name) for name in cls.model_fields if name != "check_url"}
        return cls(check_url=check_url, **own)


class CheckedOut(_Out):
    """Yang tertulis pada sertifikat, dan apakah masih berlaku."""

    valid: bool
    number: str
    edition: int
    holder: str | None
    """Nama pada sertifikat; kosong bila data pemilik dihapus atau sedang tidak dapat dibuka."""
    title: str
    programme: str
    held_by: str
    days: str
    issued_on: date
