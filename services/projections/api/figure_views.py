"""The shapes of the counts over trainings, exhibitions, mentoring and help, as the OpenAPI document shows them."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.projections.domain import service_cells
from services.projections.domain.figures import (
    WITHHELD,
    EquityDimension,
    Fair,
    MentorWeek,
    OutcomeDimension,
    Table,
    Tally,
)

TRAINING_SOURCE = "Layanan pelatihan dan registri UMKM, DKUMKMP Kota Balikpapan"
EQUITY_SOURCE = "Registri UMKM, layanan pelatihan dan layanan pameran, DKUMKMP Kota Balikpapan"


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class OutcomeBucket(_View):
    """Pendaftaran dari satu kelompok. Satuannya pendaftaran: satu orang dapat mengikuti beberapa angkatan."""

    code: str = Field(examples=["64.71.01"])
    label: str = Field(examples=["Balikpapan Timur"])
    enrolled: int = Field(description="Semua pendaftaran.")
    accepted: int = Field(description="Pernah mendapat kursi.")
    attended: int = Field(description="Hadir pada sedikitnya satu sesi, atau lulus.")
    passed: int = Field(description="Lulus.")
    failed: int = Field(description="Tidak lulus.")
    withdrawn: int = Field(description="Mengundurkan diri.")
    cancelled: int = Field(description="Angkatannya dibatalkan dinas; bukan pengunduran diri.")
    certificates: int = Field(description="Mempunyai sertifikat yang berlaku.")
    addresses: dict[str, str] = Field(description="Alamat setiap angka, untuk `/explain/{address}`.")


class OutcomeView(_View):
    """Hasil pelatihan menurut satu dimensi. `buckets` + `unknown` = `total`, di setiap kolom."""

    by: OutcomeDimension
    unit: str = "pendaftaran"
    source: str = TRAINING_SOURCE
    changed_at: datetime | None = Field(description="Waktu peristiwa terakhir yang terhitung.")
    buckets: list[OutcomeBucket]
    unknown: OutcomeBucket
    total: OutcomeBucket


class EquityBucket(_View):
    """Usaha dari satu tempat, selain yang tutup atau ditolak, dan bantuan yang pernah diterima, mungkin beberapa."""

    code: str = Field(examples=["64.71.01.1001"])
    label: str = Field(examples=["Manggar, Balikpapan Timur"])
    businesses: int
    trained: int = Field(description="Pernah hadir di pelatihan, atau lulus.")
    placed: int = Field(description="Pernah mendapat tempat di pameran yang tidak dibatalkan.")
    mentored: int = Field(description="Pernah didampingi.")
    never_helped: int = Field(description="Belum pernah satu pun dari ketiganya.")
    addresses: dict[str, str] = Field(description="Alamat setiap angka, untuk `/explain/{address}`.")


class EquityView(_View):
    """Pemerataan bantuan menurut tempat. `buckets` + `unknown` = `total`, di setiap kolom."""

    by: EquityDimension
    unit: str = "usaha"
    source: str = EQUITY_SOURCE
    changed_at: datetime | None
    buckets: list[EquityBucket]
    unknown: EquityBucket
    total: EquityBucket


class FairView(_View):
    """Satu pameran: pendaftaran, tempat, kehadiran, laporan."""

    exhibition_id: UUID
    title: str | None = Field(description="null: data pamerannya belum sampai.")
    place: str | None
    starts_on: date | None
    ends_on: date | None
    cancelled: bool
    applications: int
    placed: int = Field(description="Pernah mendapat tempat.")
    took_part: int = Field(description="Ikut dan berjualan.")
    no_show: int = Field(description="Mendapat tempat, tidak hadir.")
    reported: int = Field(description="Dari yang ikut: sudah melaporkan penjualan, sedikitnya satu hari.")
    belum_lapor: int = Field(description="Dari yang ikut: belum melapor. Bukan nol rupiah.")
    turnover: int | None = Field(
        description="Rupiah, seperti diterbitkan: jumlah dari lima usaha atau lebih; null: tidak ditampilkan, lihat `withheld`."
    )
    turnover_businesses: int | None = Field(description="Dari berapa usaha jumlah itu.")
    withheld: str | None = Field(examples=["kurang_dari_lima_usaha"])
    withheld_reason: str | None
    changed_at: datetime | None
    addresses: dict[str, str] = Field(
        description="Alamat setiap angka (rupiah tidak punya), untuk `/explain/{address}`."
    )


class FairPage(_View):
    """Pameran menurut id."""

    items: list[FairView]
    next_after: UUID | None = Field(default=None, description="Nilai `after` untuk halaman berikutnya; null: habis.")


class MentorWeekView(_View):
    """Satu pekan seorang pendamping, Senin sampai Minggu (WITA)."""

    monday: date
    mentor_id: UUID
    visits: int = Field(description="Pertemuan pada pekan itu.")
    visited: int = Field(description="Usaha yang ditemui.")
    looked_after: int = Field(description="Usaha yang didampingi, sedikitnya satu hari pada pekan itu.")
    weekly_target: int | None = Field(description="Target yang berlaku; null: data pendampingnya belum sampai.")
    addresses: dict[str, str] = Field(description="Alamat setiap angka, untuk `/explain/{address}`.")


class MentoringPage(_View):
    """Pekan dan pendamping, berurutan."""

    items: list[MentorWeekView]
    next_after: str | None = Field(default=None, description="Nilai `after` untuk halaman berikutnya; null: habis.")


def outcome_view(by: OutcomeDimension, table: Table, kelurahan: str | None) -> OutcomeView:
    """Return the counts of enrolments by one dimension; ``kelurahan``: the only one that they are of."""

    def bucket(tally: Tally) -> OutcomeBucket:
        cells = service_cells.outcome_cells(by, tally.code, kelurahan)
        return OutcomeBucket(code=tally.code, label=tally.label, **tally.counts, addresses=cells)

    return OutcomeView(
        by=by,
        changed_at=table.changed_at,
        buckets=[bucket(each) for each in table.buckets],
        unknown=bucket(table.unknown),
        total=bucket(table.total),
    )


def equity_view(by: EquityDimension, table: Table, kelurahan: str | None) -> EquityView:
    """Return the counts of help by one dimension; ``kelurahan``: the only one that they are of."""

    def bucket(tally: Tally) -> EquityBucket:
        cells = service_cells.equity_cells(tally.code, kelurahan)
        return EquityBucket(code=tally.code, label=tally.label, **tally.counts, addresses=cells)

    return EquityView(
        by=by,
        changed_at=table.changed_at,
        buckets=[bucket(each) for each in table.buckets],
        unknown=bucket(table.unknown),
        total=bucket(table.total),
    )


def fair_view(fair: Fair, kelurahan: str | None) -> FairView:
    """Return one exhibition; ``kelurahan``: the only one whose applications are counted."""
    fields = {name: getattr(fair, name) for name in FairView.model_fields.keys() - {"withheld_reason", "addresses"}}
    reason = WITHHELD[fair.withheld] if fair.withheld else None
    return FairView(**fields, withheld_reason=reason, addresses=service_cells.fair_cells(fair.exhibition_id, kelurahan))


def week_view(week: MentorWeek, kelurahan: str | None) -> MentorWeekView:
    """Return one week of a mentor; ``kelurahan``: the only one whose businesses are counted."""
    fields = {name: getattr(week, name) for name in MentorWeekView.model_fields.keys() - {"addresses"}}
    return MentorWeekView(**fields, addresses=service_cells.mentor_cells(week.monday, week.mentor_id, kelurahan))
