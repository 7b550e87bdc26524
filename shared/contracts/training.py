"""Facts that ``services/training`` publishes: courses with their batches, enrolments with attendance, certificates.

Owners and businesses are named by their ids alone, and why something happened by a code, never by free text: so no fact
here has anything to seal. What a participant is called stands sealed in the registry's facts.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.contracts.fact import Fact
from shared.contracts.privacy import AGENCY, PUBLIC

COURSE_TOPIC = "umkm.course"
ENROLMENT_TOPIC = "umkm.enrolment"
CERTIFICATE_TOPIC = "umkm.certificate"


class EnrolmentState(StrEnum):
    """States of an enrolment, as the office names them."""

    DIAJUKAN = "diajukan"
    DITERIMA = "diterima"
    DAFTAR_TUNGGU = "daftar_tunggu"
    DITAWARI = "ditawari"
    MENGUNDURKAN_DIRI = "mengundurkan_diri"
    HADIR = "hadir"
    LULUS = "lulus"
    TIDAK_LULUS = "tidak_lulus"
    KEDALUWARSA = "kedaluwarsa"
    DITOLAK = "ditolak"


class RequirementKind(StrEnum):
    """What a course may ask of who enrols. The last one refuses nobody; it orders the queue."""

    PUNYA_NIB = "punya_nib"
    TERVERIFIKASI = "terverifikasi"
    KELAS = "kelas"
    KELURAHAN = "kelurahan"
    SEKALI_SETAHUN = "sekali_setahun"
    UTAMAKAN_BELUM_DILAYANI = "utamakan_belum_dilayani"


class Selection(StrEnum):
    """How seats are given: to who comes first, or after the deadline to those with priority first."""

    LANGSUNG = "langsung"
    SETELAH_BATAS = "setelah_batas"


class LeavingCause(StrEnum):
    """Why somebody gave up an enrolment, or was refused. Codes, because free text may name people."""

    PERMINTAAN_PESERTA = "permintaan_peserta"
    MENOLAK_TAWARAN = "menolak_tawaran"
    TIDAK_MEMENUHI_SYARAT = "tidak_memenuhi_syarat"
    ANGKATAN_DIBATALKAN = "angkatan_dibatalkan"
    PEMILIK_DIHAPUS = "pemilik_dihapus"
    LAINNYA = "lainnya"


class FailureCause(StrEnum):
    """Why a training was not passed."""

    KEHADIRAN = "kehadiran"
    NILAI = "nilai"


class RevocationCause(StrEnum):
    """Why a certificate was taken back."""

    SALAH_DATA = "salah_data"
    KECURANGAN = "kecurangan"
    PERMINTAAN_PESERTA = "permintaan_peserta"
    LAINNYA = "lainnya"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Requirement(_Part):
    """One requirement; ``values`` are classes or kelurahan where the kind takes them."""

    kind: Annotated[RequirementKind, PUBLIC]
    values: Annotated[tuple[str, ...], PUBLIC] = ()


class SessionTime(_Part):
    """When one session is held; instants with their zone."""

    number: Annotated[int, PUBLIC]
    starts_at: Annotated[datetime, PUBLIC]
    ends_at: Annotated[datetime, PUBLIC]


class _CourseFact(Fact):
    TOPIC: ClassVar[str] = COURSE_TOPIC
    AGGREGATE: ClassVar[str] = "course_id"
    course_id: Annotated[UUID, PUBLIC]


class CourseOpened(_CourseFact):
    """A course (*pelatihan*) of a programme is planned, by the office or by a partner."""

    NAME: ClassVar[str] = "course.opened"
    programme_id: Annotated[UUID, PUBLIC]
    programme: Annotated[str, PUBLIC]
    title: Annotated[str, PUBLIC]
    held_by: Annotated[Literal["dinas", "mitra"], PUBLIC]
    partner: Annotated[str | None, PUBLIC] = None
    """The organisation that holds it, such as IPEMI; ``None`` for the office itself."""
    starts_on: Annotated[date, PUBLIC]
    ends_on: Annotated[date, PUBLIC]
    attendance_percent: Annotated[int, PUBLIC]
    """Share of the sessions that a participant must have been at."""
    pass_score: Annotated[int | None, PUBLIC] = None
    """The least score, 0 to 100; ``None``: no score is asked."""
    requirements: Annotated[tuple[Requirement, ...], PUBLIC] = ()
    partner_id: Annotated[UUID | None, PUBLIC] = None
    """The organisation that holds it, if the registry knows it; ``partner`` is then what it was called."""


class _BatchFact(_CourseFact):
    batch_id: Annotated[UUID, PUBLIC]


class BatchOpened(_BatchFact):
    """A batch (*angkatan*) of a course takes enrolments."""

    NAME: ClassVar[str] = "course.batch_opened"
    number: Annotated[int, PUBLIC]
    place: Annotated[str, PUBLIC]
    quota: Annotated[int, PUBLIC]
    closes_at: Annotated[datetime, PUBLIC]
    """The last second in which one may enrol."""
    selection: Annotated[Selection, PUBLIC]
    sessions: Annotated[tuple[SessionTime, ...], PUBLIC]


class QuotaChanged(_BatchFact):
    """A batch has more seats, or fewer; never fewer than are held."""

    NAME: ClassVar[str] = "course.quota_changed"
    previous: Annotated[int, PUBLIC]
    quota: Annotated[int, PUBLIC]


class SessionMoved(_BatchFact):
    """A session is held at another time."""

    NAME: ClassVar[str] = "course.session_moved"
    previous: Annotated[SessionTime, PUBLIC]
    session: Annotated[SessionTime, PUBLIC]


class BatchCancelled(_BatchFact):
    """A batch is not held; every enrolment of it is closed by a fact of its own."""

    NAME: ClassVar[str] = "course.batch_cancelled"


class _EnrolmentFact(Fact):
    TOPIC: ClassVar[str] = ENROLMENT_TOPIC
    AGGREGATE: ClassVar[str] = "enrolment_id"
    enrolment_id: Annotated[UUID, AGENCY]
    batch_id: Annotated[UUID, PUBLIC]
    course_id: Annotated[UUID, PUBLIC]
    owner_id: Annotated[UUID, AGENCY]
    business_id: Annotated[UUID, AGENCY]


class _SeatFact(_EnrolmentFact):
    """What somebody is told of: so it says for itself what for and when, and nobody has to keep a copy of the courses."""

    title: Annotated[str, PUBLIC]
    place: Annotated[str, PUBLIC]
    starts_at: Annotated[datetime, PUBLIC]
    """When the first session begins."""


class EnrolmentRegistered(_SeatFact):
    """Somebody enrolled, and is in, waiting, or to be selected."""

    NAME: ClassVar[str] = "enrolment.registered"
    state: Annotated[EnrolmentState, AGENCY]
    priority: Annotated[int, AGENCY]
    """0 comes before 1; within, who came first."""
    arrival: Annotated[int, AGENCY]
    """The place in the order of coming, from 1, without gaps in a batch."""


class EnrolmentAccepted(_SeatFact):
    """A seat is theirs: by selection, or because they took an offer."""

    NAME: ClassVar[str] = "enrolment.accepted"


class EnrolmentWaitlisted(_SeatFact):
    """The selection left no seat; they wait."""

    NAME: ClassVar[str] = "enrolment.waitlisted"


class EnrolmentOffered(_SeatFact):
    """A seat is kept for them until an instant."""

    NAME: ClassVar[str] = "enrolment.offered"
    until: Annotated[datetime, AGENCY]


class EnrolmentWithdrawn(_SeatFact):
    """They gave it up; the seat, if they held one, is free."""

    NAME: ClassVar[str] = "enrolment.withdrawn"
    cause: Annotated[LeavingCause, AGENCY]


class EnrolmentExpired(_SeatFact):
    """They did not take the offer in time."""

    NAME: ClassVar[str] = "enrolment.expired"


class EnrolmentRejected(_EnrolmentFact):
    """The office refused it. For what and when is ``None`` in facts from before that was said."""

    NAME: ClassVar[str] = "enrolment.rejected"
    cause: Annotated[LeavingCause, AGENCY]
    title: Annotated[str | None, PUBLIC] = None
    place: Annotated[str | None, PUBLIC] = None
    starts_at: Annotated[datetime | None, PUBLIC] = None
    """When the first session begins."""


class EnrolmentFailed(_EnrolmentFact):
    """The training is over and was not passed."""

    NAME: ClassVar[str] = "enrolment.failed"
    cause: Annotated[FailureCause, AGENCY]
    attended: Annotated[int, AGENCY]
    sessions: Annotated[int, AGENCY]
    score: Annotated[int | None, AGENCY] = None


class AttendanceRecorded(_EnrolmentFact):
    """Whether a participant was at a session; a correction is recorded anew."""

    NAME: ClassVar[str] = "attendance.recorded"
    session: Annotated[int, AGENCY]
    present: Annotated[bool, AGENCY]


class TrainingCompleted(_EnrolmentFact):
    """A participant passed: the attendance rule holds, and the score where one is asked."""

    NAME: ClassVar[str] = "training.completed"
    programme_id: Annotated[UUID, PUBLIC]
    year: Annotated[int, PUBLIC]
    title: Annotated[str, PUBLIC]
    completed_on: Annotated[date, PUBLIC]
    """The day of the last session (WITA)."""
    attended: Annotated[int, AGENCY]
    sessions: Annotated[int, AGENCY]
    score: Annotated[int | None, AGENCY] = None


class _CertificateFact(Fact):
    TOPIC: ClassVar[str] = CERTIFICATE_TOPIC
    AGGREGATE: ClassVar[str] = "certificate_id"
    certificate_id: Annotated[UUID, AGENCY]
    enrolment_id: Annotated[UUID, AGENCY]
    batch_id: Annotated[UUID, PUBLIC]
    owner_id: Annotated[UUID, AGENCY]
    business_id: Annotated[UUID, AGENCY]
    number: Annotated[str, AGENCY]
    edition: Annotated[int, AGENCY]


class CertificateIssued(_CertificateFact):
    """A participant has a certificate: one number for ever, edition 1."""

    NAME: ClassVar[str] = "certificate.issued"
    title: Annotated[str, PUBLIC]
    issued_on: Annotated[date, PUBLIC]


class CertificateReissued(_CertificateFact):
    """The same certificate in a new edition, for example with the name corrected."""

    NAME: ClassVar[str] = "certificate.reissued"
    issued_on: Annotated[date, PUBLIC]


class CertificateRevoked(_CertificateFact):
    """The certificate is not valid any more, in any edition."""

    NAME: ClassVar[str] = "certificate.revoked"
    cause: Annotated[RevocationCause, AGENCY]
