"""Routes of requests to erase an owner's data (UU 27/2022)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.erasure_forms import AskForm, ErasureOut, ErasurePage, IdentityForm, LossOut, RefuseForm
from services.registry.api.requests import Custodian, SeenVersion, etag, refusals_as_problems, ring_of, run_once
from services.registry.commands.erasure import (
    AcceptErasure,
    AskErasure,
    CancelErasure,
    CarryOutErasure,
    CheckIdentity,
    RefuseErasure,
)
from services.registry.domain.erasure import ErasureState
from services.registry.handlers import Saved
from services.registry.handlers import erasure as handlers
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of

router = APIRouter(prefix="/erasure-requests", tags=["penghapusan"])
previews = APIRouter(prefix="/owners", tags=["penghapusan"])

Overdue = Annotated[bool, Query(description="Hanya yang melewati batas 3 x 24 jam.")]
OfOwner = Annotated[UUID | None, Query(description="Hanya dari pemilik ini.")]


@router.post("", status_code=201, response_model=SavedOut, summary="Catat permintaan penghapusan")
async def ask_erasure(request: Request, body: AskForm, principal: Custodian, once: OnlyOnce) -> Response:
    """Mencatat siapa meminta dan bagaimana; batas 3 x 24 jam berjalan sejak permintaan sampai di dinas."""
    command = AskErasure(new_id(), body.owner_id, body.asker, body.way, body.asked_at)

    async def work(connection: Connection) -> Saved:
        return await handlers.ask_erasure(connection, ring_of(request), command, cause_of(request, principal))

    return await run_once(request, once, work, created=request.url.path)


@router.get("", summary="Permintaan penghapusan")
async def list_requests(
    request: Request,
    principal: Custodian,
    state: ErasureState | None = None,
    owner_id: OfOwner = None,
    overdue: Overdue = False,
    after: After = FIRST,
    limit: Limit = 50,
) -> ErasurePage:
    """Permintaan menurut urutan pencatatan; yang terlambat dapat dicari sendiri."""
    found = await handlers.list_requests(pool_of(request), after, state, owner_id, limit + 1, overdue=overdue)
    return ErasurePage.of(found, limit)


@router.get("/{request_id}", response_model=ErasureOut, summary="Satu permintaan penghapusan")
async def show_request(request: Request, request_id: UUID, principal: Custodian) -> Response:
    """Satu permintaan, dengan ETag untuk langkah berikutnya."""
    async with refusals_as_problems():
        found = await handlers.find_request(pool_of(request), request_id)
    content = ErasureOut.of(found, datetime.now(UTC)).model_dump(mode="json")
    return JSONResponse(content, headers={"ETag": etag(found.version)})


@router.post("/{request_id}/identity", response_model=SavedOut, summary="Periksa identitas pemohon")
async def check_identity(
    request: Request, request_id: UUID, body: IdentityForm, principal: Custodian, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mencatat bukti apa yang dilihat; salinannya tidak disimpan."""
    command = CheckIdentity(request_id, version, body.identity)

    async def work(connection: Connection) -> Saved:
        return await handlers.check_identity(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{request_id}/acceptance", response_model=SavedOut, summary="Terima permintaan")
async def accept_erasure(
    request: Request, request_id: UUID, principal: Custodian, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengabulkan permintaan; belum ada yang dihapus."""
    command = AcceptErasure(request_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.accept_erasure(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{request_id}/refusal", response_model=SavedOut, summary="Tolak permintaan")
async def refuse_erasure(
    request: Request, request_id: UUID, body: RefuseForm, principal: Custodian, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menolak dengan alasan hukum dari daftar yang tertutup."""
    command = RefuseErasure(request_id, version, body.reason)

    async def work(connection: Connection) -> Saved:
        return await handlers.refuse_erasure(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{request_id}/cancellation", response_model=SavedOut, summary="Batalkan permintaan")
async def cancel_erasure(
    request: Request, request_id: UUID, principal: Custodian, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengakhiri permintaan yang ditarik kembali oleh pemilik, atau yang salah catat."""
    command = CancelErasure(request_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.cancel_erasure(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{request_id}/execution", response_model=SavedOut, summary="Laksanakan penghapusan")
async def carry_out_erasure(
    request: Request, request_id: UUID, principal: Custodian, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menghapus kunci dan data pribadi pemilik untuk selamanya, sesuai permintaan yang diterima."""
    command = CarryOutErasure(request_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.carry_out_erasure(connection, ring_of(request), command, cause_of(request, principal))

    return await run_once(request, once, work)


@previews.get("/{owner_id}/erasure", summary="Apa yang akan hilang")
async def foresee_erasure(request: Request, owner_id: UUID, principal: Custodian) -> LossOut:
    """Angka dari apa yang akan dihapus, dan permintaan yang masih berjalan; tidak ada yang dihapus."""
    async with refusals_as_problems():
        owner, loss, open_request = await handlers.foresee_erasure(pool_of(request), owner_id)
    return LossOut.of(owner, loss, open_request)
