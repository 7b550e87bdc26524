"""Routes of owners."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.forms import (
    ConsentForm,
    ContactForm,
    OwnerForm,
    OwnerOut,
    OwnerPage,
    RestrictionForm,
)
from services.registry.api.requests import (
    Office,
    Officer,
    Search,
    SeenVersion,
    etag,
    problem_of,
    refusals_as_problems,
    ring_of,
    run_once,
    run_put,
)
from services.registry.commands import (
    ChangeOwnerConsent,
    ChangeOwnerContact,
    ChangeOwnerRestriction,
    EraseOwner,
    RegisterOwner,
)
from services.registry.domain.refusals import OwnerNotFoundError
from services.registry.handlers import Saved
from services.registry.handlers import owners as handlers
from services.registry.handlers.erasure import erase_without_request
from shared.auth import Principal
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of

router = APIRouter(prefix="/owners", tags=["pemilik"])


async def _require_sight(connection: Connection, owner_id: UUID, principal: Principal) -> None:
    if not await handlers.may_see(connection, owner_id, principal.scope):
        raise problem_of(OwnerNotFoundError([owner_id]))


@router.post("", status_code=201, response_model=SavedOut, summary="Daftarkan pemilik")
async def register_owner(request: Request, body: OwnerForm, principal: Officer, once: OnlyOnce) -> Response:
    """Mendaftarkan pemilik usaha dengan kunci tersendiri untuk data pribadinya."""
    kelurahan = principal.scope or body.kelurahan
    principal.require_kelurahan(body.kelurahan if body.kelurahan != "TIDAK_DIKETAHUI" else kelurahan)
    command = RegisterOwner(
        new_id(), body.name, body.nik, body.birth_date, body.phones, body.email, body.language, body.channel,
        body.consents.to_consents(), kelurahan,
    )  # fmt: skip

    async def work(connection: Connection) -> Saved:
        return await handlers.register_owner(connection, ring_of(request), command, cause_of(request, principal))

    return await run_once(request, once, work, created=request.url.path)


@router.get("", summary="Cari pemilik")
async def search_owners(
    request: Request, principal: Officer, q: Search = None, after: After = FIRST, limit: Limit = 50
) -> OwnerPage:
    """Pemilik menurut awal kata dari nama."""
    found = await handlers.search_owners(pool_of(request), after, q, principal.scope, limit + 1)
    page = found[:limit]
    return OwnerPage(items=[OwnerOut.of(owner) for owner in page], next=page[-1].id if len(found) > limit else None)


@router.get("/{owner_id}", response_model=OwnerOut, summary="Satu pemilik")
async def show_owner(request: Request, owner_id: UUID, principal: Officer) -> Response:
    """Satu pemilik, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        owner = await handlers.find_owner(pool_of(request), owner_id, principal.scope)
    return JSONResponse(OwnerOut.of(owner).model_dump(mode="json"), headers={"ETag": etag(owner.version)})


@router.put("/{owner_id}/contact", response_model=SavedOut, summary="Ubah kontak")
async def change_contact(
    request: Request, owner_id: UUID, body: ContactForm, principal: Officer, version: SeenVersion
) -> Response:
    """Mengganti nama, telepon, dan surel."""
    command = ChangeOwnerContact(owner_id, version, body.name, body.phones, body.email)

    async def work(connection: Connection) -> Saved:
        await _require_sight(connection, owner_id, principal)
        return await handlers.change_owner_contact(connection, ring_of(request), command, cause_of(request, principal))

    return await run_put(request, work)


@router.put("/{owner_id}/consent", response_model=SavedOut, summary="Ubah persetujuan")
async def change_consent(
    request: Request, owner_id: UUID, body: ConsentForm, principal: Officer, version: SeenVersion
) -> Response:
    """Mengganti persetujuan, bahasa, dan saluran."""
    command = ChangeOwnerConsent(owner_id, version, body.consents.to_consents(), body.language, body.channel)

    async def work(connection: Connection) -> Saved:
        await _require_sight(connection, owner_id, principal)
        return await handlers.change_owner_consent(connection, ring_of(request), command, cause_of(request, principal))

    return await run_put(request, work)


@router.put("/{owner_id}/restriction", response_model=SavedOut, summary="Batasi pemrosesan data")
async def change_restriction(
    request: Request, owner_id: UUID, body: RestrictionForm, principal: Officer, version: SeenVersion
) -> Response:
    """Menghentikan pemakaian data tanpa menghapusnya, atau mengizinkannya lagi; persetujuan yang tercatat tidak berubah."""
    command = ChangeOwnerRestriction(owner_id, version, body.restricted)

    async def work(connection: Connection) -> Saved:
        await _require_sight(connection, owner_id, principal)
        cause = cause_of(request, principal)
        return await handlers.change_owner_restriction(connection, ring_of(request), command, cause)

    return await run_put(request, work)


@router.post("/{owner_id}/erasure", response_model=SavedOut, summary="Hapus data pribadi")
async def erase_owner(
    request: Request, owner_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menghapus data pribadi untuk selamanya atas kewajiban dinas sendiri; atas permintaan pemilik: `/erasure-requests`."""

    async def work(connection: Connection) -> Saved:
        command = EraseOwner(owner_id, version)
        return await erase_without_request(connection, ring_of(request), command, cause_of(request, principal))

    return await run_once(request, once, work)
