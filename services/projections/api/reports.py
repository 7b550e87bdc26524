"""JSON: the funnel of classes over a year, the workers on a day, month by month, and between two days."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from services.projections.api.report_views import (
    FunnelView,
    JobChangesView,
    JobMonthsView,
    JobsView,
    funnel_view,
    job_changes_view,
    jobs_bucket_view,
    jobs_view,
)
from services.projections.api.routes import Officer
from services.projections.domain.addresses import Address
from services.projections.domain.employing import JobsBy
from services.projections.domain.jobs import Kind
from services.projections.handlers.reporting import Reports
from shared.contracts.registry import BusinessClass
from shared.problems import Problem

router = APIRouter(tags=["laporan"])


async def reports_of(request: Request) -> Reports:
    """Return what sums up the ledgers of this app."""
    reports: Reports = request.app.state.reports
    return reports


Ask = Annotated[Reports, Depends(reports_of)]
Year = Annotated[int | None, Query(ge=2000, le=2099, description="Tahun (WITA); tanpa ini: tahun berjalan.")]
_FIRST, _LAST = date(2000, 1, 1), date(2099, 12, 31)
By = Annotated[JobsBy, Query(description="Dimensi hitungan.")]
Place = Annotated[
    str | None,
    Query(pattern=r"^(64\.71\.\d{2}(\.\d{4})?|TIDAK_DIKETAHUI)$", description="Kode kelurahan atau kecamatan."),
]


@router.get("/class-funnel", summary="Naik kelas selama satu tahun menurut kecamatan")
async def class_funnel(reports: Ask, _: Officer, year: Year = None) -> FunnelView:
    """Awal tahun + masuk - keluar = akhir, untuk setiap kelas dan kecamatan; yang belum diketahui adalah satu baris."""
    year = year or reports.today().year
    return funnel_view(year, await reports.funnel(year))


@router.get("/jobs", summary="Tenaga kerja pada satu hari")
async def jobs(
    reports: Ask,
    _: Officer,
    on: Annotated[date | None, Query(ge=_FIRST, le=_LAST, description="Hari (WITA); tanpa ini: hari ini.")] = None,
    by: By = JobsBy.KECAMATAN,
) -> JobsView:
    """Menurut jenis kelamin dan upah; usaha yang belum diketahui tenaga kerjanya dihitung tersendiri."""
    on = on or reports.today()
    return jobs_view(on, by, await reports.jobs(on, by))


@router.get("/jobs/months", summary="Tenaga kerja pada akhir setiap bulan")
async def job_months(
    reports: Ask, _: Officer, year: Year = None, place: Place = None, kelas: BusinessClass | None = None
) -> JobMonthsView:
    """Bulan berjalan dihitung sampai hari ini."""
    year = year or reports.today().year
    named = None if kelas is None else kelas.value
    found = await reports.jobs_by_month(year, Address("jobs", place, {"kelas": named} if named else {}))
    months = [jobs_bucket_view(date.fromisoformat(bucket.code), bucket, place, named) for bucket in found]
    return JobMonthsView(year=year, months=months)


@router.get("/jobs/changes", summary="Tenaga kerja yang bertambah dan berkurang di antara dua hari")
async def job_changes(
    reports: Ask,
    _: Officer,
    start: Annotated[date, Query(ge=_FIRST, le=_LAST, description="Hari pertama (WITA).")],
    end: Annotated[date, Query(ge=_FIRST, le=_LAST, description="Hari terakhir (WITA).")],
    by: By = JobsBy.KECAMATAN,
    kind: Annotated[Kind, Query(description="Jenis tenaga kerja.")] = Kind.SEMUA,
) -> JobChangesView:
    """Usaha yang baru dicatat, menjadi diketahui atau keluar bukan pertambahan: dihitung tersendiri, begitu pula yang sejak didata."""
    if start > end:
        raise Problem(
            422,
            "hari-terbalik",
            "Urutan hari terbalik",
            f"Hari terakhir ({end}) lebih awal daripada hari pertama ({start}).",
            start=start.isoformat(),
            end=end.isoformat(),
        )
    return job_changes_view(start, end, by, kind, await reports.job_changes(start, end, by, kind))
