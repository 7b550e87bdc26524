"""JSON: the timeline and the classes of a business, the counts, the generations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.projections.api.views import (
    ClassEntry,
    ClassHistory,
    DashboardView,
    GenerationView,
    Timeline,
    TimelineEntry,
    dashboard_view,
)
from services.projections.domain.counting import Dimension
from services.projections.domain.timeline import BEFORE_ALL, TimelinePlace, read_place
from services.projections.handlers.answering import Answers, BusinessUnknownError
from shared.auth import Principal, Role, allow
from shared.problems import Problem

OFFICERS = allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS, Role.KURATOR, Role.PENDAMPING, Role.OPERATOR, Role.LAYANAN)
OPERATOR = allow(Role.OPERATOR)

router = APIRouter()


async def answers_of(request: Request) -> Answers:
    """Return what answers the questions of this app."""
    answers: Answers = request.app.state.answers
    return answers


Ask = Annotated[Answers, Depends(answers_of)]
Officer = Annotated[Principal, Depends(OFFICERS)]


async def _place(answers: Answers, principal: Principal, business_id: UUID) -> str:
    try:
        place = await answers.place_of(business_id)
    except BusinessUnknownError:
        raise Problem(
            404,
            "usaha-tidak-dikenal",
            "Usaha tidak dikenal",
            "Belum ada peristiwa tentang usaha ini. Usaha yang baru didaftarkan tampil dalam beberapa detik.",
        ) from None
    principal.require_kelurahan(place)
    return place


@router.get("/dashboard", summary="Jumlah usaha menurut satu dimensi", tags=["dasbor"])
async def dashboard(
    answers: Ask,
    _: Officer,
    by: Annotated[Dimension, Query(description="Dimensi hitungan.")] = Dimension.KECAMATAN,
) -> DashboardView:
    """Semua angka dari satu saat yang sama; paling lama satu detik yang lalu."""
    return dashboard_view((await answers.overview()).dashboard, by)


@router.get("/businesses/{business_id}/timeline", summary="Riwayat satu usaha", tags=["usaha"])
async def timeline(
    business_id: UUID,
    answers: Ask,
    principal: Officer,
    after: Annotated[str | None, Query(max_length=120, description="`next_after` dari halaman sebelumnya.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Timeline:
    """Peristiwa dari semua layanan menurut waktu, masing-masing dengan kalimat, tanpa data pribadi.

    Peristiwa dari satu aliran selalu menurut urutannya sendiri, juga bila jam pernah mundur.
    """
    place = await _place(answers, principal, business_id)
    rows = await answers.timeline(business_id, _timeline_place(after), limit)
    last = rows[-1] if len(rows) == limit else None
    return Timeline(
        business_id=business_id,
        kelurahan=place,
        entries=[TimelineEntry(**row) for row in rows],
        next_after=TimelinePlace(last["moment"], last["stream_id"], last["sequence"]).write() if last else None,
    )


def _timeline_place(after: str | None) -> TimelinePlace:
    if after is None:
        return BEFORE_ALL
    try:
        return read_place(after)
    except ValueError:
        raise Problem(
            422,
            "halaman-tidak-dikenal",
            "Halaman tidak dikenal",
            "Nilai `after` harus disalin utuh dari `next_after` halaman sebelumnya.",
        ) from None


@router.get("/businesses/{business_id}/classes", summary="Riwayat kelas satu usaha", tags=["usaha"])
async def classes(business_id: UUID, answers: Ask, principal: Officer) -> ClassHistory:
    """Kelas yang tercatat beserta dasar, tahun, sumber dan tanggalnya; tidak pernah dihitung ulang diam-diam."""
    place = await _place(answers, principal, business_id)
    rows = await answers.classes(business_id)
    return ClassHistory(business_id=business_id, kelurahan=place, entries=[ClassEntry(**row) for row in rows])


@router.get("/projections", summary="Generasi proyeksi", tags=["operator"])
async def generations(answers: Ask, _: Annotated[Principal, Depends(OPERATOR)]) -> list[GenerationView]:
    """Generasi yang tampil, yang siap, dan yang sudah dilepas."""
    return [GenerationView(**row) for row in await answers.generations()]
