"""Routes of organisations, the office's partners."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.api.licensing_forms import (
    OrganisationEndForm,
    OrganisationForm,
    OrganisationOut,
    OrganisationPage,
)
from services.registry.api.requests import Office, Officer, SeenVersion, etag, refusals_as_problems, run_once, run_put
from services.registry.commands.licensing import ChangeOrganisation, EndOrganisation, RegisterOrganisation
from services.registry.handlers import Saved
from services.registry.handlers import organisations as handlers
from shared.contracts.organisations import OrganisationKind, OrganisationRole
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of

Working = Annotated[bool | None, Query(description="true: masih bekerja sama; false: sudah berakhir.")]

router = APIRouter(prefix="/organisations", tags=["organisasi"])


@router.post("", status_code=201, response_model=SavedOut, summary="Daftarkan organisasi")
async def register_organisation(
    request: Request, body: OrganisationForm, principal: Office, once: OnlyOnce
) -> Response:
    """Mendaftarkan mitra dinas. Namanya terbuka untuk umum."""
    command = RegisterOrganisation(new_id(), body.title, body.kind, body.roles)

    async def work(connection: Connection) -> Saved:
        return await handlers.register_organisation(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created=request.url.path)


@router.get("", summary="Cari organisasi")
async def search_organisations(
    request: Request,
    principal: Officer,
    kind: OrganisationKind | None = None,
    role: OrganisationRole | None = None,
    working: Working = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> OrganisationPage:
    """Organisasi menurut jenis, peran, dan keadaan kerja samanya."""
    found = await handlers.search_organisations(pool_of(request), after, kind, role, working, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return OrganisationPage(items=[OrganisationOut.of(one) for one in page], next=following)


@router.get("/{organisation_id}", response_model=OrganisationOut, summary="Satu organisasi")
async def show_organisation(request: Request, organisation_id: UUID, principal: Officer) -> Response:
    """Satu organisasi, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        found = await handlers.find_organisation(pool_of(request), organisation_id)
    return JSONResponse(OrganisationOut.of(found).model_dump(mode="json"), headers={"ETag": etag(found.version)})


@router.put("/{organisation_id}", response_model=SavedOut, summary="Ubah organisasi")
async def change_organisation(
    request: Request, organisation_id: UUID, body: OrganisationForm, principal: Office, version: SeenVersion
) -> Response:
    """Mengganti nama, jenis, dan peran."""
    command = ChangeOrganisation(organisation_id, body.title, body.kind, body.roles, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.change_organisation(connection, command, cause_of(request, principal))

    return await run_put(request, work)


@router.post("/{organisation_id}/end", response_model=SavedOut, summary="Akhiri kerja sama")
async def end_organisation(
    request: Request,
    organisation_id: UUID,
    body: OrganisationEndForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Mencatat bahwa organisasi tidak bekerja sama lagi dengan dinas."""
    command = EndOrganisation(organisation_id, version, body.ended_on)

    async def work(connection: Connection) -> Saved:
        return await handlers.end_organisation(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)
