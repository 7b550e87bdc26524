"""Routes of licences."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.licensing_forms import (
    LicenceForm,
    LicenceOut,
    LicencePage,
    LicenceRejectionForm,
    LicenceRevocationForm,
)
from services.registry.api.requests import Office, Officer, SeenVersion, etag, refusals_as_problems, ring_of, run_once
from services.registry.commands.licensing import SubmitLicence
from services.registry.domain import licences as rules
from services.registry.handlers import Saved
from services.registry.handlers import licences as handlers
from shared.auth import Principal
from shared.contracts.licensing import LicenceKind, LicenceStatus
from shared.contracts.registry import PlaceCode
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, Work, pool_of

Until = Annotated[date | None, Query(description="Yang berakhir paling lambat pada hari ini.", examples=["2026-12-31"])]

router = APIRouter(prefix="/licences", tags=["izin"])


def _deed(request: Request, principal: Principal, licence_id: UUID, rule: handlers.Rule) -> Work:
    """Return the run of a deed that touches one licence alone."""

    async def work(connection: Connection) -> Saved:
        return await handlers.act_on_licence(connection, licence_id, rule, cause_of(request, principal))

    return work


@router.post("", status_code=201, response_model=SavedOut, summary="Ajukan izin")
async def submit_licence(request: Request, body: LicenceForm, principal: Officer, once: OnlyOnce) -> Response:
    """Mengajukan izin sebuah usaha untuk diverifikasi petugas lain. Nomor diperiksa menurut jenisnya."""
    command = SubmitLicence(
        new_id(),
        body.business_id,
        body.kind,
        body.number,
        body.product,
        body.valid_from,
        body.expires_on,
        body.renews,
    )

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.submit_licence(connection, ring_of(request), command, cause, principal.scope)

    return await run_once(request, once, work, created=request.url.path)


@router.get("", summary="Cari izin")
async def search_licences(
    request: Request,
    principal: Officer,
    business_id: UUID | None = None,
    kelurahan: PlaceCode | None = None,
    kind: LicenceKind | None = None,
    status: LicenceStatus | None = None,
    expires_until: Until = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> LicencePage:
    """Izin menurut usaha (dengan yang digabung ke dalamnya), kelurahan, jenis, status, dan hari terakhir berlaku."""
    place = principal.scope or kelurahan
    found = await handlers.search_licences(
        pool_of(request), after, business_id, place, kind, status, expires_until, limit + 1
    )
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return LicencePage(items=[LicenceOut.of(licence) for licence in page], next=following)


@router.get("/{licence_id}", response_model=LicenceOut, summary="Satu izin")
async def show_licence(request: Request, licence_id: UUID, principal: Officer) -> Response:
    """Satu izin, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        licence = await handlers.find_licence(pool_of(request), licence_id, principal.scope)
    return JSONResponse(LicenceOut.of(licence).model_dump(mode="json"), headers={"ETag": etag(licence.version)})


@router.post("/{licence_id}/verification", response_model=SavedOut, summary="Verifikasi izin")
async def verify_licence(
    request: Request, licence_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Memverifikasi izin; bukan oleh yang mengajukannya. Izin yang diperpanjang digantikannya."""

    async def work(connection: Connection) -> Saved:
        return await handlers.verify_licence(connection, licence_id, version, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{licence_id}/rejection", response_model=SavedOut, summary="Tolak izin")
async def reject_licence(
    request: Request,
    licence_id: UUID,
    body: LicenceRejectionForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Menolak izin yang diajukan."""
    work = _deed(request, principal, licence_id, lambda one: rules.reject(one, version, body.cause))
    return await run_once(request, once, work)


@router.post("/{licence_id}/revocation", response_model=SavedOut, summary="Cabut izin")
async def revoke_licence(
    request: Request,
    licence_id: UUID,
    body: LicenceRevocationForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Mencatat bahwa izin tidak berlaku lagi sebelum waktunya."""
    work = _deed(request, principal, licence_id, lambda one: rules.revoke(one, version, body.cause, body.revoked_on))
    return await run_once(request, once, work)
