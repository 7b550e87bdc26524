"""Routes of brands."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.licensing_forms import (
    BrandForm,
    BrandOut,
    BrandPage,
    BrandRegistrationForm,
    BrandRejectionForm,
    BrandRevocationForm,
)
from services.registry.api.requests import Office, Officer, SeenVersion, etag, refusals_as_problems, run_once
from services.registry.commands.licensing import FileBrand
from services.registry.domain import brands as rules
from services.registry.handlers import Saved
from services.registry.handlers import brands as handlers
from shared.auth import Principal
from shared.contracts.organisations import BrandStatus
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.problems import standard
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, Work, pool_of

router = APIRouter(prefix="/brands", tags=["merek"])


def _deed(request: Request, principal: Principal, brand_id: UUID, rule: handlers.Rule) -> Work:
    """Return the run of a deed that touches one brand alone."""

    async def work(connection: Connection) -> Saved:
        return await handlers.act_on_brand(connection, brand_id, rule, cause_of(request, principal))

    return work


@router.post("", status_code=201, response_model=SavedOut, summary="Catat pengajuan merek")
async def file_brand(request: Request, body: BrandForm, principal: Officer, once: OnlyOnce) -> Response:
    """Mencatat merek kata yang diajukan ke DJKI. Merek organisasi dicatat petugas dinas."""
    whose, whose_id = body.owner()
    if whose == "organisation" and principal.scope is not None:
        raise standard(403, "Merek organisasi dicatat oleh petugas dinas.")
    command = FileBrand(new_id(), body.mark, whose, whose_id, body.filed_on)

    async def work(connection: Connection) -> Saved:
        return await handlers.file_brand(connection, command, cause_of(request, principal), principal.scope)

    return await run_once(request, once, work, created=request.url.path)


@router.get("", summary="Cari merek")
async def search_brands(
    request: Request,
    principal: Officer,
    business_id: UUID | None = None,
    organisation_id: UUID | None = None,
    status: BrandStatus | None = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> BrandPage:
    """Merek menurut pemilik (usaha: dengan yang digabung ke dalamnya) dan status; bagi kelurahan, milik usahanya dan organisasi."""
    found = await handlers.search_brands(
        pool_of(request), after, business_id, organisation_id, status, principal.scope, limit + 1
    )
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return BrandPage(items=[BrandOut.of(brand) for brand in page], next=following)


@router.get("/{brand_id}", response_model=BrandOut, summary="Satu merek")
async def show_brand(request: Request, brand_id: UUID, principal: Officer) -> Response:
    """Satu merek, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        brand = await handlers.find_brand(pool_of(request), brand_id, principal.scope)
    return JSONResponse(BrandOut.of(brand).model_dump(mode="json"), headers={"ETag": etag(brand.version)})


@router.post("/{brand_id}/registration", response_model=SavedOut, summary="Catat pendaftaran merek")
async def register_brand(
    request: Request,
    brand_id: UUID,
    body: BrandRegistrationForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Mencatat bahwa merek terdaftar: dilindungi sepuluh tahun sejak diajukan."""
    work = _deed(request, principal, brand_id, lambda one: rules.register(one, version, body.registered_on))
    return await run_once(request, once, work)


@router.post("/{brand_id}/rejection", response_model=SavedOut, summary="Catat penolakan merek")
async def reject_brand(
    request: Request,
    brand_id: UUID,
    body: BrandRejectionForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Mencatat bahwa merek ditolak atau ditarik."""
    work = _deed(request, principal, brand_id, lambda one: rules.reject(one, version, body.cause))
    return await run_once(request, once, work)


@router.post("/{brand_id}/revocation", response_model=SavedOut, summary="Catat penghapusan merek")
async def revoke_brand(
    request: Request,
    brand_id: UUID,
    body: BrandRevocationForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Mencatat bahwa merek tidak dilindungi lagi sebelum waktunya."""
    work = _deed(request, principal, brand_id, lambda one: rules.revoke(one, version, body.cause, body.revoked_on))
    return await run_once(request, once, work)
