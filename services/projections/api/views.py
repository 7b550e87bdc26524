"""The shapes of the answers, as the OpenAPI document shows them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.projections.domain.cells import dashboard_cell
from services.projections.domain.counting import UNIT, Breakdown, Bucket, Dashboard, Dimension

SOURCE = "Registri UMKM, Dinas Koperasi, UMKM dan Perindustrian Kota Balikpapan"


ADDRESS = "Alamat angka ini: `GET /explain/{address}` menguraikannya sampai ke usaha dan peristiwanya."
OF_WORKERS = f"{ADDRESS} Tenaga kerja: tambahkan `/angka=tenaga_kerja` atau `/angka=tanpa_data_tenaga_kerja`."


class View(BaseModel):
    """What all answers are."""

    model_config = ConfigDict(frozen=True)


class TimelineEntry(View):
    """Satu peristiwa, dengan kalimatnya."""

    stream_id: UUID = Field(description="Aliran peristiwanya: usaha itu sendiri, pendaftaran, izin, pendampingan, …")
    sequence: int = Field(examples=[2], description="Urutan di dalam alirannya.")
    event_id: UUID
    name: str = Field(examples=["business.verified"])
    at: datetime
    origin: str = Field(examples=["command"])
    sentence: str = Field(examples=["Usaha diverifikasi oleh petugas."])
    detail: dict[str, Any] | None = None


class Timeline(View):
    """Apa yang terjadi pada satu usaha, berurutan."""

    business_id: UUID
    kelurahan: str = Field(examples=["64.71.01.1001"])
    entries: list[TimelineEntry]
    next_after: str | None = Field(
        default=None, description="Nilai `after` untuk halaman berikutnya; null: sudah habis."
    )


class ClassEntry(View):
    """Satu kelas yang tercatat."""

    sequence: int
    before: str | None = Field(examples=["mikro"])
    after: str = Field(examples=["kecil"])
    basis: str | None = Field(examples=["penjualan"])
    year: int | None = Field(examples=[2025])
    source: str = Field(examples=["petugas"])
    as_of: date
    naik_kelas: bool
    at: datetime


class ClassHistory(View):
    """Kelas yang pernah tercatat, dari yang paling lama."""

    business_id: UUID
    kelurahan: str
    entries: list[ClassEntry]


class BucketView(View):
    """Jumlah usaha dari satu jenis."""

    code: str = Field(examples=["64.71.01"])
    label: str = Field(examples=["Balikpapan Timur"])
    address: str = Field(description=OF_WORKERS, examples=["district_dashboard/64.71.01"])
    businesses: int = Field(examples=[15231])
    workers: int | None = Field(
        description="Tenaga kerja dari usaha yang melaporkannya dan tidak tutup atau ditolak; null: tidak diketahui."
    )
    workers_unknown: int = Field(description="Usaha tanpa data tenaga kerja, selain yang tutup atau ditolak.")
    data_from: date | None
    data_to: date | None


class Source(View):
    """Dari mana data usaha berasal."""

    code: str = Field(examples=["impor"])
    label: str
    businesses: int


class DashboardView(View):
    """Jumlah usaha menurut satu dimensi. `buckets` + `unknown` = `total`, selalu."""

    by: Dimension
    unit: str = Field(default=UNIT)
    source: str = Field(default=SOURCE)
    sources: list[Source]
    data_from: date | None = Field(description="Hari data yang paling lama.")
    data_to: date | None = Field(description="Hari data yang paling baru.")
    changed_at: datetime | None = Field(description="Waktu peristiwa terakhir yang terhitung.")
    address: str = Field(description=OF_WORKERS, examples=["district_dashboard"])
    total: int
    buckets: list[BucketView]
    unknown: BucketView
    merged: int = Field(
        description="Usaha yang digabung ke usaha lain; tidak termasuk hitungan. Alamat: `district_dashboard/angka=digabung`."
    )
    workers: int | None
    workers_unknown: int


class GenerationView(View):
    """Satu generasi dari satu proyeksi."""

    projection: str
    generation: int
    state: str
    started_at: datetime
    swapped_at: datetime | None
    report: dict[str, Any] | None


def _bucket(by: Dimension, bucket: Bucket) -> BucketView:
    return BucketView(
        code=bucket.code,
        label=bucket.label,
        address=dashboard_cell(by, bucket.code),
        businesses=bucket.businesses,
        workers=bucket.workers,
        workers_unknown=bucket.workers_unknown,
        data_from=bucket.oldest,
        data_to=bucket.newest,
    )


def _sources(breakdown: Breakdown) -> list[Source]:
    found = [bucket for bucket in (*breakdown.buckets, breakdown.unknown) if bucket.businesses]
    return [Source(code=bucket.code, label=bucket.label, businesses=bucket.businesses) for bucket in found]


def dashboard_view(dashboard: Dashboard, by: Dimension) -> DashboardView:
    """Return the counts by one dimension."""
    part, total = dashboard.breakdowns[by], dashboard.total
    return DashboardView(
        by=by,
        sources=_sources(dashboard.breakdowns[Dimension.SOURCE]),
        data_from=total.oldest,
        data_to=total.newest,
        changed_at=dashboard.changed_at,
        address=dashboard_cell(),
        total=total.businesses,
        buckets=[_bucket(by, bucket) for bucket in part.buckets],
        unknown=_bucket(by, part.unknown),
        merged=dashboard.merged,
        workers=total.workers,
        workers_unknown=total.workers_unknown,
    )
