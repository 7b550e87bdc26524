"""What requests look like. They forbid unknown fields; every refusal names field and rule."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from services.training.commands import (
    Mark,
    OpenBatch,
    OpenCourse,
    Presence,
    Timing,
)
from shared.contracts.training import (
    LeavingCause,
    Requirement,
    RequirementKind,
    RevocationCause,
    Selection,
)
from shared.identifiers import new_id
from shared.web.app import RequestModel
from shared.web.fields import Day, Moment, one_line
from shared.wita import end_of_day

MOST_AT_ONCE = 1_000


Title = Annotated[str, Field(min_length=3, max_length=120, examples=["Pemasaran Digital"]), AfterValidator(one_line)]
Place = Annotated[str, Field(min_length=3, max_length=120, examples=["Aula DKUMKMP"]), AfterValidator(one_line)]
Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9-]{1,11}$", examples=["DIGI"])]


class ProgrammeForm(RequestModel):
    """Program baru."""

    code: Code
    title: Title


class RequirementForm(RequestModel):
    """Satu syarat; `values` untuk kelas dan kelurahan."""

    kind: RequirementKind
    values: tuple[Annotated[str, Field(max_length=40)], ...] = Field(default=(), max_length=40)


class CourseForm(RequestModel):
    """Pelatihan baru dari sebuah program. Mitra disebut dengan `partner_id`, atau `partner` (nama) bila belum terdaftar."""

    programme_id: UUID
    title: Title
    held_by: Literal["dinas", "mitra"] = "dinas"
    partner: Title | None = None
    partner_id: UUID | None = None
    starts_on: Day
    ends_on: Day
    attendance_percent: Annotated[int, Field(ge=1, le=100, strict=True)] = 80
    pass_score: Annotated[int, Field(ge=0, le=100, strict=True)] | None = None
    requirements: tuple[RequirementForm, ...] = Field(default=(), max_length=10)

    def to_command(self) -> OpenCourse:
        """Return the command, with a fresh id."""
        return OpenCourse(
            new_id(),
            self.programme_id,
            self.title,
            self.held_by,
            self.partner,
            self.starts_on,
            self.ends_on,
            self.attendance_percent,
            self.pass_score,
            tuple(Requirement(kind=item.kind, values=item.values) for item in self.requirements),
            self.partner_id,
        )


class SessionForm(RequestModel):
    """Waktu satu sesi, dengan zona."""

    starts_at: Moment
    ends_at: Moment

    def to_timing(self) -> Timing:
        """Return the timing."""
        return Timing(self.starts_at, self.ends_at)


class BatchForm(RequestModel):
    """Angkatan baru. Batas pendaftaran: hari (sampai 23.59.59 WITA), atau saat dengan zona."""

    place: Place
    quota: Annotated[int, Field(le=100_000, strict=True, examples=[50])]
    closes_on: Day | None = None
    closes_at: Moment | None = None
    selection: Selection = Selection.LANGSUNG
    offer_hours: Annotated[int, Field(ge=1, le=720, strict=True)] = 48
    sessions: tuple[SessionForm, ...] = Field(max_length=100)

    @model_validator(mode="after")
    def _one_deadline(self) -> BatchForm:
        if (self.closes_on is None) == (self.closes_at is None):
            raise ValueError("isi salah satu: closes_on (hari) atau closes_at (saat dengan zona)")
        return self

    def _deadline(self) -> datetime:
        if self.closes_at is not None:
            return self.closes_at.replace(microsecond=0)
        if self.closes_on is None:  # refused above
            raise ValueError("no deadline")
        return end_of_day(self.closes_on)

    def to_command(self, course_id: UUID) -> OpenBatch:
        """Return the command, with a fresh id."""
        return OpenBatch(
            new_id(),
            course_id,
            self.place,
            self.quota,
            self._deadline(),
            self.selection,
            self.offer_hours,
            tuple(session.to_timing() for session in self.sessions),
        )


class QuotaForm(RequestModel):
    """Kuota baru."""

    quota: Annotated[int, Field(le=100_000, strict=True)]


class EnrolmentForm(RequestModel):
    """Pemilik yang mendaftar, dengan usahanya."""

    owner_id: UUID
    business_id: UUID


class WithdrawalForm(RequestModel):
    """Mengapa mengundurkan diri."""

    cause: Literal[LeavingCause.PERMINTAAN_PESERTA, LeavingCause.MENOLAK_TAWARAN, LeavingCause.LAINNYA] = (
        LeavingCause.PERMINTAAN_PESERTA
    )


class RejectionForm(RequestModel):
    """Mengapa ditolak."""

    cause: Literal[LeavingCause.TIDAK_MEMENUHI_SYARAT, LeavingCause.LAINNYA]


class PresenceForm(RequestModel):
    """Kehadiran seorang peserta."""

    enrolment_id: UUID
    present: bool


def _all_different(enrolment_ids: list[UUID]) -> None:
    if len(set(enrolment_ids)) != len(enrolment_ids):
        raise ValueError("peserta yang sama disebut dua kali")


class AttendanceForm(RequestModel):
    """Daftar hadir satu sesi."""

    presences: tuple[PresenceForm, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)

    @model_validator(mode="after")
    def _each_once(self) -> AttendanceForm:
        _all_different([item.enrolment_id for item in self.presences])
        return self

    def to_presences(self) -> tuple[Presence, ...]:
        """Return the presences."""
        return tuple(Presence(item.enrolment_id, item.present) for item in self.presences)


class MarkForm(RequestModel):
    """Hasil seorang peserta; nilai hanya bila pelatihan dinilai."""

    enrolment_id: UUID
    score: Annotated[int, Field(ge=-1_000_000, le=1_000_000, strict=True, description="0 sampai 100")] | None = None


class ResultsForm(RequestModel):
    """Hasil beberapa peserta."""

    marks: tuple[MarkForm, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)

    @model_validator(mode="after")
    def _each_once(self) -> ResultsForm:
        _all_different([item.enrolment_id for item in self.marks])
        return self

    def to_marks(self) -> tuple[Mark, ...]:
        """Return the marks."""
        return tuple(Mark(item.enrolment_id, item.score) for item in self.marks)


class RevocationForm(RequestModel):
    """Mengapa sertifikat dicabut."""

    cause: RevocationCause
