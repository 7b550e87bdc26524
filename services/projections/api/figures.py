"""JSON: what came of trainings and exhibitions, what mentors did, and who was never helped."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.projections.api.figure_views import (
    EquityView,
    FairPage,
    MentoringPage,
    OutcomeView,
    equity_view,
    fair_view,
    outcome_view,
    week_view,
)
from services.projections.api.routes import Officer
from services.projections.domain.figures import WEEK, EquityDimension, OutcomeDimension
from services.projections.handlers.figures import Figures
from shared.problems import Problem
from shared.wita import WITA, monday_of

FIRST = UUID(int=0)
LONGEST_WEEKS = 60
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)

router = APIRouter()


async def figures_of(request: Request) -> Figures:
    """Return what answers these questions in this app."""
    figures: Figures = request.app.state.figures
    return figures


Ask = Annotated[Figures, Depends(figures_of)]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("/trainings/outcome", summary="Hasil pelatihan menurut satu dimensi", tags=["pelatihan"])
async def training_outcome(
    figures: Ask,
    principal: Officer,
    by: Annotated[OutcomeDimension, Query(description="Dimensi hitungan.")] = OutcomeDimension.KECAMATAN,
) -> OutcomeView:
    """Petugas kelurahan melihat pendaftaran usaha di kelurahannya sendiri."""
    return outcome_view(by, (await figures.outcomes(principal.scope))[by], principal.scope)


@router.get("/exhibitions/turnover", summary="Pameran: pendaftaran, tempat, kehadiran, omzet", tags=["pameran"])
async def exhibition_turnover(
    figures: Ask,
    principal: Officer,
    after: Annotated[UUID, Query(description="`next_after` dari halaman sebelumnya.")] = FIRST,
    limit: Limit = 100,
) -> FairPage:
    """Omzet hanya seperti diterbitkan, dari lima usaha atau lebih; selain itu alasannya yang tampil."""
    found = await figures.turnover(principal.scope, after, limit)
    last = found[-1].exhibition_id if len(found) == limit else None
    return FairPage(items=[fair_view(each, principal.scope) for each in found], next_after=last)


@router.get("/mentoring/activity", summary="Kegiatan pendamping per pekan", tags=["pendampingan"])
async def mentoring_activity(
    figures: Ask,
    principal: Officer,
    since: Annotated[
        date | None, Query(ge=EARLIEST, le=LATEST, description="Hari di pekan pertama; kosong: ini.")
    ] = None,
    until: Annotated[date | None, Query(ge=EARLIEST, le=LATEST, description="Hari di pekan terakhir.")] = None,
    after: Annotated[str | None, Query(max_length=60, description="`next_after` dari halaman sebelumnya.")] = None,
    limit: Limit = 100,
) -> MentoringPage:
    """Pekan dari Senin sampai Minggu menurut WITA."""
    first = monday_of(since or datetime.now(UTC).astimezone(WITA).date())
    last = monday_of(until or first)
    if not first <= last <= first + LONGEST_WEEKS * WEEK:
        detail = f"Rentang {first} sampai {last} harus maju dan paling lama {LONGEST_WEEKS} pekan."
        raise Problem(422, "rentang-tidak-sah", "Rentang tidak sah", detail)
    found = await figures.mentoring(principal.scope, first, last, _after(after), limit)
    more = f"{found[-1].monday}~{found[-1].mentor_id}" if len(found) == limit else None
    return MentoringPage(items=[week_view(each, principal.scope) for each in found], next_after=more)


def _after(text: str | None) -> tuple[date, UUID]:
    if text is None:
        return date.min, FIRST
    try:
        monday, mentor_id = text.split("~")
        return date.fromisoformat(monday), UUID(mentor_id)
    except ValueError:
        detail = "Nilai `after` harus disalin utuh dari `next_after` halaman sebelumnya."
        raise Problem(422, "halaman-tidak-dikenal", "Halaman tidak dikenal", detail) from None


@router.get("/equity", summary="Pemerataan bantuan menurut tempat", tags=["pemerataan"])
async def service_equity(
    figures: Ask,
    principal: Officer,
    by: Annotated[EquityDimension, Query(description="Dimensi hitungan.")] = EquityDimension.KELURAHAN,
) -> EquityView:
    """Siapa yang pernah dilatih, ditempatkan di pameran, didampingi, dan siapa yang belum pernah satu pun."""
    return equity_view(by, (await figures.equity(principal.scope))[by], principal.scope)
