"""Routes of businesses: one for each deed, all by the same way."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.forms import (
    BusinessForm,
    BusinessOut,
    BusinessPage,
    ClosureForm,
    DuplicateForm,
    MergeForm,
    ProfileForm,
    ProposalOut,
    ProposalPage,
    ReasonForm,
)
from services.registry.api.requests import (
    Office,
    Officer,
    Search,
    SeenVersion,
    etag,
    refusals_as_problems,
    ring_of,
    run_once,
    run_put,
)
from services.registry.commands import (
    ChangeBusiness,
    CloseBusiness,
    MergeBusiness,
    OnBusiness,
    ProposeDuplicate,
    RegisterBusiness,
    UndoMerge,
)
from services.registry.domain import businesses as rules
from services.registry.handlers import Saved
from services.registry.handlers import businesses as handlers
from shared.auth import Principal
from shared.contracts.registry import BusinessClass, BusinessStatus, PlaceCode
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, Work, pool_of

router = APIRouter(prefix="/businesses", tags=["usaha"])
proposals = APIRouter(prefix="/duplicates", tags=["usaha"])


def _deed(request: Request, principal: Principal, command: OnBusiness, rule: handlers.Rule) -> Work:
    """Return the run of a deed that touches one business alone."""

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.act_on_business(connection, ring_of(request), command, rule, cause, principal.scope)

    return work


@router.post("", status_code=201, response_model=SavedOut, summary="Daftarkan usaha")
async def register_business(request: Request, body: BusinessForm, principal: Officer, once: OnlyOnce) -> Response:
    """Mendaftarkan usaha sebagai draf. Tanpa kelas, kelas dibaca dari modal dan omzet."""
    principal.require_kelurahan(body.kelurahan)
    command = RegisterBusiness(
        new_id(),
        body.to_profile(),
        body.kelas.to_reported() if body.kelas else None,
        body.workers.to_workers() if body.workers else None,
    )

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.register_business(connection, ring_of(request), command, cause, principal.scope)

    return await run_once(request, once, work, created=request.url.path)


@router.get("", summary="Cari usaha")
async def search_businesses(
    request: Request,
    principal: Officer,
    q: Search = None,
    kelurahan: PlaceCode | None = None,
    status: BusinessStatus | None = None,
    kelas: Annotated[BusinessClass | None, Query()] = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> BusinessPage:
    """Usaha menurut awal kata dari nama, tempat, status, dan kelas."""
    place = principal.scope or kelurahan
    found = await handlers.search_businesses(pool_of(request), after, q, place, status, kelas, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return BusinessPage(items=[BusinessOut.of(business) for business in page], next=following)


@router.get("/{business_id}", response_model=BusinessOut, summary="Satu usaha")
async def show_business(request: Request, business_id: UUID, principal: Officer) -> Response:
    """Satu usaha, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        business = await handlers.find_business(pool_of(request), business_id, principal.scope)
    return JSONResponse(BusinessOut.of(business).model_dump(mode="json"), headers={"ETag": etag(business.version)})


@router.put("/{business_id}", response_model=SavedOut, summary="Ubah usaha")
async def change_business(
    request: Request, business_id: UUID, body: ProfileForm, principal: Officer, version: SeenVersion
) -> Response:
    """Mengganti data usaha. Kelas tidak dihitung ulang; pertentangan menjadi tanda."""
    principal.require_kelurahan(body.kelurahan)
    command = ChangeBusiness(business_id, version, body.to_profile())

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.change_business(connection, ring_of(request), command, cause, principal.scope)

    return await run_put(request, work)


@router.post("/{business_id}/submission", response_model=SavedOut, summary="Ajukan")
async def submit(
    request: Request, business_id: UUID, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengajukan usaha untuk diverifikasi."""
    command = OnBusiness(business_id, version)
    work = _deed(request, principal, command, lambda b: rules.submit(b, version, principal.sub))
    return await run_once(request, once, work)


@router.post("/{business_id}/verification", response_model=SavedOut, summary="Verifikasi")
async def verify(
    request: Request, business_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Memverifikasi usaha; bukan oleh yang mendaftarkan atau mengajukannya."""
    command = OnBusiness(business_id, version)
    work = _deed(request, principal, command, lambda b: rules.verify(b, version, principal.sub))
    return await run_once(request, once, work)


@router.post("/{business_id}/return", response_model=SavedOut, summary="Kembalikan untuk perbaikan")
async def send_back(
    request: Request, business_id: UUID, body: ReasonForm, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengembalikan usaha kepada pemilik untuk diperbaiki."""
    work = _deed(
        request, principal, OnBusiness(business_id, version), lambda b: rules.send_back(b, version, body.reason)
    )
    return await run_once(request, once, work)


@router.post("/{business_id}/rejection", response_model=SavedOut, summary="Tolak")
async def reject(
    request: Request, business_id: UUID, body: ReasonForm, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menolak usaha."""
    work = _deed(request, principal, OnBusiness(business_id, version), lambda b: rules.reject(b, version, body.reason))
    return await run_once(request, once, work)


@router.post("/{business_id}/deactivation", response_model=SavedOut, summary="Nonaktifkan")
async def deactivate(
    request: Request, business_id: UUID, body: ReasonForm, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menonaktifkan usaha; statusnya disimpan untuk nanti."""
    work = _deed(
        request, principal, OnBusiness(business_id, version), lambda b: rules.deactivate(b, version, body.reason)
    )
    return await run_once(request, once, work)


@router.post("/{business_id}/reactivation", response_model=SavedOut, summary="Aktifkan kembali")
async def reactivate(
    request: Request, business_id: UUID, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengaktifkan kembali, dengan status sebelumnya."""
    work = _deed(request, principal, OnBusiness(business_id, version), lambda b: rules.reactivate(b, version))
    return await run_once(request, once, work)


@router.post("/{business_id}/closure", response_model=SavedOut, summary="Tutup")
async def close(
    request: Request, business_id: UUID, body: ClosureForm, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menutup usaha untuk selamanya."""
    command = CloseBusiness(business_id, version, body.reason, body.closed_on)
    return await run_once(request, once, _deed(request, principal, command, lambda b: rules.close(b, command)))


@router.post("/{business_id}/duplicates", response_model=SavedOut, summary="Usulkan sebagai ganda")
async def propose_duplicate(
    request: Request, business_id: UUID, body: DuplicateForm, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengusulkan bahwa dua usaha adalah satu; orang yang memutuskan."""
    command = ProposeDuplicate(business_id, version, body.other_id)

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.propose_duplicate(connection, ring_of(request), command, cause, principal.scope)

    return await run_once(request, once, work)


@router.post("/{business_id}/merge", response_model=SavedOut, summary="Gabungkan")
async def merge(
    request: Request, business_id: UUID, body: MergeForm, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menggabungkan usaha ini ke usaha lain."""

    async def work(connection: Connection) -> Saved:
        command = MergeBusiness(business_id, version, body.into_id)
        return await handlers.merge_business(connection, ring_of(request), command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{business_id}/merge-undo", response_model=SavedOut, summary="Batalkan penggabungan")
async def undo_merge(
    request: Request, business_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Memisahkan kembali usaha yang keliru digabung."""

    async def work(connection: Connection) -> Saved:
        command = UndoMerge(business_id, version)
        return await handlers.undo_merge(connection, ring_of(request), command, cause_of(request, principal))

    return await run_once(request, once, work)


@proposals.get("", summary="Usulan ganda")
async def list_proposals(
    request: Request,
    principal: Officer,
    state: Annotated[str, Query(pattern=r"^(diusulkan|digabung|dibatalkan)$")] = "diusulkan",
    after: After = FIRST,
    limit: Limit = 50,
) -> ProposalPage:
    """Pasangan usaha yang mungkin sama, menurut keadaan usulannya."""
    found = await handlers.list_proposals(pool_of(request), after, state, principal.scope, limit + 1)
    page = [ProposalOut(**item) for item in found[:limit]]
    return ProposalPage(items=page, next=page[-1].id if len(found) > limit else None)
