"""What requests look like. They forbid unknown fields; every refusal names field and rule."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from services.events.commands import (
    HeldBy,
    Judgement,
    OpenExhibition,
    OpenOutlet,
    Presence,
    Timing,
)
from services.events.domain.clock import end_of_day_in, is_zone
from shared.contracts.exhibitions import ApplicationCause, BoothKind, Criterion, CriterionKind
from shared.identifiers import new_id
from shared.web.app import RequestModel
from shared.web.fields import Day, Moment, one_line

MOST_AT_ONCE = 1_000
C = ApplicationCause


def _known_zone(zone: str) -> str:
    if not is_zone(zone):
        raise ValueError("zona waktu tidak dikenal; contoh: Asia/Jakarta")
    return zone


def _all_different(ids: list[UUID]) -> None:
    if len(set(ids)) != len(ids):
        raise ValueError("pendaftaran yang sama disebut dua kali")


Title = Annotated[str, Field(min_length=3, max_length=120, examples=["Bazar Ramadan"]), AfterValidator(one_line)]
Place = Annotated[str, Field(min_length=3, max_length=120, examples=["Lapangan Merdeka"]), AfterValidator(one_line)]
Zone = Annotated[str, Field(max_length=40, examples=["Asia/Jakarta"]), AfterValidator(_known_zone)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,29}$", examples=["kemasan"])]
WideScore = Annotated[int, Field(ge=-1_000_000, le=1_000_000, strict=True, description="0 sampai 100")]


class WaveForm(RequestModel):
    """Waktu satu gelombang, dengan zona."""

    starts_at: Moment
    ends_at: Moment


class CriterionForm(RequestModel):
    """Satu kriteria kurasi: dinilai kurator (`juri`), atau dari riwayat usaha; `values` untuk kelas, atau jenis izin bagi `legalitas`."""

    code: Code
    kind: CriterionKind
    weight: Annotated[int, Field(ge=-1_000, le=1_000, strict=True)]
    values: tuple[Annotated[str, Field(max_length=40)], ...] = Field(default=(), max_length=10)


class ExhibitionForm(RequestModel):
    """Pameran atau bazar baru. Batas pendaftaran: hari (sampai 23.59.59 di zonanya), atau saat dengan zona.

    Mitra disebut dengan `partner_id`, atau `partner` (nama) bila belum terdaftar.
    """

    title: Title
    held_by: HeldBy = "dinas"
    partner: Title | None = None
    partner_id: UUID | None = None
    place: Place
    zone: Zone = "Asia/Makassar"
    starts_on: Day
    ends_on: Day
    closes_on: Day | None = None
    closes_at: Moment | None = None
    waves: tuple[WaveForm, ...] = Field(max_length=100)
    criteria: tuple[CriterionForm, ...] = Field(max_length=20)
    pass_score: Annotated[int, Field(ge=0, le=100, strict=True)] = 0
    curators: Annotated[int, Field(ge=1, le=20, strict=True)] = 1
    confirm_hours: Annotated[int, Field(ge=1, le=720, strict=True)] = 48

    @model_validator(mode="after")
    def _one_deadline(self) -> ExhibitionForm:
        if (self.closes_on is None) == (self.closes_at is None):
            raise ValueError("isi salah satu: closes_on (hari) atau closes_at (saat dengan zona)")
        return self

    def _deadline(self) -> datetime:
        if self.closes_at is not None:
            return self.closes_at.replace(microsecond=0)
        if self.closes_on is None:  # refused above
            raise ValueError("no deadline")
        return end_of_day_in(self.zone, self.closes_on)

    def to_command(self) -> OpenExhibition:
        """Return the command, with a fresh id."""
        return OpenExhibition(
            new_id(),
            self.title,
            self.held_by,
            self.partner,
            self.place,
            self.zone,
            self.starts_on,
            self.ends_on,
            self._deadline(),
            tuple(Timing(wave.starts_at, wave.ends_at) for wave in self.waves),
            tuple(Criterion(**item.model_dump()) for item in self.criteria),
            self.pass_score,
            self.curators,
            self.confirm_hours,
            self.partner_id,
        )


class BoothForm(RequestModel):
    """Stan baru; `capacity` tempat pada setiap gelombang."""

    kind: BoothKind = BoothKind.UMUM
    capacity: Annotated[int, Field(ge=-100_000, le=100_000, strict=True, examples=[2])]


class CapacityForm(RequestModel):
    """Kapasitas baru."""

    capacity: Annotated[int, Field(ge=-100_000, le=100_000, strict=True)]


class ApplicationForm(RequestModel):
    """Usaha yang mendaftar, oleh salah satu pemiliknya."""

    owner_id: UUID
    business_id: UUID
    kind: BoothKind = BoothKind.UMUM


class JudgementForm(RequestModel):
    """Nilai satu pendaftaran, per kriteria juri."""

    application_id: UUID
    scores: dict[Code, WideScore] = Field(min_length=1, max_length=20)


class ScoresForm(RequestModel):
    """Nilai dari seorang kurator."""

    judgements: tuple[JudgementForm, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)

    @model_validator(mode="after")
    def _each_once(self) -> ScoresForm:
        _all_different([item.application_id for item in self.judgements])
        return self

    def to_judgements(self) -> tuple[Judgement, ...]:
        """Return the judgements, in the order of their applications, as the database locks them."""
        ordered = sorted(self.judgements, key=lambda item: item.application_id)
        return tuple(Judgement(item.application_id, tuple(sorted(item.scores.items()))) for item in ordered)


class WithdrawalForm(RequestModel):
    """Mengapa mengundurkan diri."""

    cause: Literal[C.PERMINTAAN_PESERTA, C.LAINNYA] = C.PERMINTAAN_PESERTA


class RejectionForm(RequestModel):
    """Mengapa ditolak."""

    cause: Literal[C.TIDAK_MEMENUHI_SYARAT, C.LAINNYA]


class PlacementForm(RequestModel):
    """Stan dan gelombang."""

    booth_id: UUID
    wave: Annotated[int, Field(ge=1, le=1_000, strict=True)]


class PresenceForm(RequestModel):
    """Kehadiran satu peserta."""

    application_id: UUID
    present: bool


class AttendanceForm(RequestModel):
    """Siapa yang hadir."""

    presences: tuple[PresenceForm, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)

    @model_validator(mode="after")
    def _each_once(self) -> AttendanceForm:
        _all_different([item.application_id for item in self.presences])
        return self

    def to_presences(self) -> tuple[Presence, ...]:
        """Return the presences."""
        return tuple(Presence(item.application_id, item.present) for item in self.presences)


class SalesForm(RequestModel):
    """Penjualan satu hari, dalam rupiah."""

    day: Day
    amount: Annotated[int, Field(ge=-(10**15), le=10**15, strict=True, examples=[1_250_000])]


class OutletForm(RequestModel):
    """Gerai tetap baru; `stalls` usaha pada setiap giliran. Mitra disebut dengan `partner_id`, atau `partner` (nama)."""

    title: Title
    held_by: HeldBy = "dinas"
    partner: Title | None = None
    partner_id: UUID | None = None
    place: Place
    stalls: Annotated[int, Field(ge=-10_000, le=10_000, strict=True)]

    def to_command(self) -> OpenOutlet:
        """Return the command, with a fresh id."""
        return OpenOutlet(new_id(), self.title, self.held_by, self.partner, self.place, self.stalls, self.partner_id)


class MemberForm(RequestModel):
    """Usaha yang ikut giliran."""

    owner_id: UUID
    business_id: UUID


class TurnForm(RequestModel):
    """Masa satu giliran."""

    starts_on: Day
    ends_on: Day


class BusinessForm(RequestModel):
    """Satu usaha."""

    business_id: UUID
