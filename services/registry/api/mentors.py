"""Routes of mentors: who they are, and their weeks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.mentoring_forms import (
    MentorEndForm,
    MentorForm,
    MentoringPage,
    MentorOut,
    MentorPage,
    MentorPlaceForm,
    WeekOut,
    WeekPage,
)
from services.registry.api.requests import (
    Mentoring,
    Office,
    SeenVersion,
    account_of,
    etag,
    refusals_as_problems,
    run_once,
    run_put,
)
from services.registry.commands.mentoring import ChangeMentor, EndMentor, RegisterMentor
from services.registry.handlers import Saved, mentoring
from services.registry.handlers import mentors as handlers
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.wita import WITA

Until = Annotated[
    date | None,
    Query(ge=date(1900, 1, 1), le=date(2100, 12, 31), description="Hari dalam minggu terbaru; kosong: hari ini."),
]
Weeks = Annotated[int, Query(ge=1, le=53)]

router = APIRouter(prefix="/mentors", tags=["pendampingan"])


@router.post("", status_code=201, response_model=SavedOut, summary="Daftarkan pendamping")
async def register_mentor(request: Request, body: MentorForm, principal: Office, once: OnlyOnce) -> Response:
    """Mendaftarkan pendamping dengan wilayah dan target kunjungan per minggu."""
    command = RegisterMentor(new_id(), body.account, body.kelurahan, body.weekly_target)

    async def work(connection: Connection) -> Saved:
        return await handlers.register_mentor(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created=request.url.path)


@router.get("", summary="Daftar pendamping")
async def list_mentors(request: Request, principal: Mentoring, after: After = FIRST, limit: Limit = 50) -> MentorPage:
    """Semua pendamping; seorang pendamping hanya melihat dirinya."""
    found = await handlers.list_mentors(pool_of(request), after, account_of(principal), limit + 1)
    page = [MentorOut.of(mentor) for mentor in found[:limit]]
    return MentorPage(items=page, next=page[-1].id if len(found) > limit else None)


@router.get("/{mentor_id}", response_model=MentorOut, summary="Satu pendamping")
async def show_mentor(request: Request, mentor_id: UUID, principal: Mentoring) -> Response:
    """Satu pendamping, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        mentor = await handlers.find_mentor(pool_of(request), mentor_id, account_of(principal))
    return JSONResponse(MentorOut.of(mentor).model_dump(mode="json"), headers={"ETag": etag(mentor.version)})


@router.put("/{mentor_id}", response_model=SavedOut, summary="Ubah pendamping")
async def change_mentor(
    request: Request, mentor_id: UUID, body: MentorPlaceForm, principal: Office, version: SeenVersion
) -> Response:
    """Mengganti wilayah dan target; target baru berlaku sejak minggu ini."""
    command = ChangeMentor(mentor_id, version, body.kelurahan, body.weekly_target)

    async def work(connection: Connection) -> Saved:
        return await handlers.change_mentor(connection, command, cause_of(request, principal))

    return await run_put(request, work)


@router.post("/{mentor_id}/end", response_model=SavedOut, summary="Akhiri pendamping")
async def end_mentor(
    request: Request, mentor_id: UUID, body: MentorEndForm, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengakhiri tugas pendamping, setelah semua usahanya dialihkan atau diakhiri."""
    command = EndMentor(mentor_id, version, body.ended_on)

    async def work(connection: Connection) -> Saved:
        return await handlers.end_mentor(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.get("/{mentor_id}/weeks", summary="Kunjungan per minggu")
async def show_weeks(
    request: Request, mentor_id: UUID, principal: Mentoring, until: Until = None, limit: Weeks = 12
) -> WeekPage:
    """Kunjungan per minggu (Senin sampai Minggu, WITA) dibandingkan dengan target, dari yang terbaru."""
    last = until or datetime.now(WITA).date()
    async with refusals_as_problems():
        found, more = await handlers.weeks_of_mentor(pool_of(request), mentor_id, account_of(principal), last, limit)
    items = [WeekOut.of(week) for week in found]
    return WeekPage(items=items, next=items[-1].monday - timedelta(days=1) if more else None)


@router.get("/{mentor_id}/mentorings", summary="Usaha dampingan")
async def list_mentorings(
    request: Request, mentor_id: UUID, principal: Mentoring, after: After = FIRST, limit: Limit = 50
) -> MentoringPage:
    """Pendampingan yang sedang berjalan pada seorang pendamping."""
    async with refusals_as_problems():
        found = await mentoring.mentorings_of_mentor(
            pool_of(request), mentor_id, account_of(principal), after, limit + 1
        )
    return MentoringPage.of(found, limit)
