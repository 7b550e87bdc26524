"""Routes of the mentoring of a business: start, visits, hand-over, end."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.forms import (
    BusinessOut,
)
from services.registry.api.mentoring_forms import (
    HandOverForm,
    MentoringEndForm,
    MentoringForm,
    MentoringOut,
    MentoringPage,
    VisitForm,
    VisitPage,
)
from services.registry.api.requests import (
    Mentoring,
    Office,
    Officer,
    SeenVersion,
    account_of,
    etag,
    refusals_as_problems,
    ring_of,
    run_once,
)
from services.registry.commands.mentoring import EndMentoring, HandOverMentoring, RecordVisit, StartMentoring
from services.registry.handlers import Saved
from services.registry.handlers import mentoring as handlers
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of

router = APIRouter(tags=["pendampingan"])


@router.post(
    "/businesses/{business_id}/mentorings", status_code=201, response_model=SavedOut, summary="Mulai pendampingan"
)
async def start_mentoring(
    request: Request, business_id: UUID, body: MentoringForm, principal: Office, once: OnlyOnce
) -> Response:
    """Memberi usaha yang terverifikasi seorang pendamping; satu pendamping pada satu waktu."""
    command = StartMentoring(new_id(), business_id, body.mentor_id, body.started_on)

    async def work(connection: Connection) -> Saved:
        return await handlers.start_mentoring(connection, ring_of(request), command, cause_of(request, principal))

    return await run_once(request, once, work, created="/mentorings")


@router.get("/businesses/{business_id}/mentorings", summary="Pendampingan satu usaha")
async def list_mentorings(
    request: Request, business_id: UUID, principal: Officer, after: After = FIRST, limit: Limit = 50
) -> MentoringPage:
    """Siapa yang mendampingi usaha ini, dahulu dan sekarang."""
    async with refusals_as_problems():
        found = await handlers.mentorings_of_business(pool_of(request), business_id, principal.scope, after, limit + 1)
    return MentoringPage.of(found, limit)


@router.get("/mentorings/{mentoring_id}", response_model=MentoringOut, summary="Satu pendampingan")
async def show_mentoring(request: Request, mentoring_id: UUID, principal: Mentoring) -> Response:
    """Satu pendampingan, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        found = await handlers.find_mentoring(pool_of(request), mentoring_id, account_of(principal))
    return JSONResponse(MentoringOut.of(found).model_dump(mode="json"), headers={"ETag": etag(found.version)})


@router.get("/mentorings/{mentoring_id}/business", response_model=BusinessOut, summary="Usaha yang didampingi")
async def show_business(request: Request, mentoring_id: UUID, principal: Mentoring) -> Response:
    """Usaha dampingan selama pendampingan berjalan, dengan ETag usaha untuk penilaian dan kesiapan ekspor."""
    async with refusals_as_problems():
        business = await handlers.find_mentored_business(pool_of(request), mentoring_id, account_of(principal))
    return JSONResponse(BusinessOut.of(business).model_dump(mode="json"), headers={"ETag": etag(business.version)})


@router.post("/mentorings/{mentoring_id}/visits", response_model=SavedOut, summary="Catat kunjungan")
async def record_visit(
    request: Request, mentoring_id: UUID, body: VisitForm, principal: Mentoring, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mencatat kunjungan oleh pendampingnya, atau oleh petugas dinas atas namanya."""
    aspects = tuple(dict.fromkeys(body.aspects))
    command = RecordVisit(mentoring_id, version, new_id(), body.visited_on, body.way, aspects, body.note)

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.record_visit(connection, command, account_of(principal), cause)

    return await run_once(request, once, work)


@router.get("/mentorings/{mentoring_id}/visits", summary="Kunjungan satu pendampingan")
async def list_visits(
    request: Request, mentoring_id: UUID, principal: Mentoring, after: After = FIRST, limit: Limit = 50
) -> VisitPage:
    """Kunjungan dengan catatannya, menurut urutan pencatatan."""
    async with refusals_as_problems():
        found = await handlers.list_visits(pool_of(request), mentoring_id, account_of(principal), after, limit + 1)
    return VisitPage.of(found, limit)


@router.post("/mentorings/{mentoring_id}/hand-over", response_model=SavedOut, summary="Alihkan pendampingan")
async def hand_over(
    request: Request, mentoring_id: UUID, body: HandOverForm, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengalihkan usaha kepada pendamping lain; kunjungan yang lalu tetap milik pendamping sebelumnya."""
    command = HandOverMentoring(mentoring_id, version, body.mentor_id, body.handed_over_on)

    async def work(connection: Connection) -> Saved:
        return await handlers.hand_over(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/mentorings/{mentoring_id}/end", response_model=SavedOut, summary="Akhiri pendampingan")
async def end_mentoring(
    request: Request,
    mentoring_id: UUID,
    body: MentoringEndForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Mengakhiri pendampingan dengan sebabnya."""
    command = EndMentoring(mentoring_id, version, body.cause, body.ended_on)

    async def work(connection: Connection) -> Saved:
        return await handlers.end_mentoring(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)
