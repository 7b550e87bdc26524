"""Routes of agreements."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.partners.api.answers import (
    AgreementDetail,
    AgreementOut,
    AgreementPage,
)
from services.partners.api.forms import (
    AgreementForm,
    CauseForm,
    TermsForm,
)
from services.partners.api.requests import Operator, Signer, refusals_as_problems, run_once, run_put
from services.partners.commands import (
    EndAgreement,
    RedraftAgreement,
    ResumeAgreement,
    SignAgreement,
    SuspendAgreement,
)
from services.partners.handlers import Saved
from services.partners.handlers import agreements as handlers
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(prefix="/agreements", tags=["perjanjian"])


@router.post("", status_code=201, response_model=SavedOut, summary="Tulis perjanjian")
async def draft(request: Request, body: AgreementForm, principal: Operator, once: OnlyOnce) -> Response:
    """Menulis naskah pertama. Tidak memberikan apa pun sebelum dua orang menandatangani."""
    command = body.to_command()

    async def work(connection: Connection) -> Saved:
        return await handlers.draft(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/agreements")


@router.get("", summary="Daftar perjanjian")
async def list_agreements(
    request: Request,
    _: Operator,
    agency: Annotated[str | None, Query(max_length=30)] = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> AgreementPage:
    """Perjanjian menurut urutan ditulis."""
    found = await handlers.list_agreements(pool_of(request), after, agency, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return AgreementPage(items=[AgreementOut.of(item) for item in page], next=following)


@router.get("/{agreement_id}", response_model=AgreementDetail, summary="Satu perjanjian")
async def show(request: Request, agreement_id: UUID, _: Signer) -> Response:
    """Satu perjanjian dengan semua naskah dan tanda tangannya, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        shown = await handlers.show_agreement(pool_of(request), agreement_id)
    content = AgreementDetail.of_shown(shown).model_dump(mode="json")
    return JSONResponse(content, headers={"ETag": etag(shown.agreement.version)})


@router.put("/{agreement_id}/draft", response_model=SavedOut, summary="Tulis naskah baru")
async def redraft(
    request: Request, agreement_id: UUID, body: TermsForm, principal: Operator, version: SeenVersion
) -> Response:
    """Mengganti naskah yang belum ditandatangani, atau mengusulkan perubahan. Naskah yang berlaku tetap berlaku."""
    command = RedraftAgreement(agreement_id, version, body.to_terms())

    async def work(connection: Connection) -> Saved:
        return await handlers.redraft(connection, command, cause_of(request, principal))

    return await run_put(request, work)


@router.post("/{agreement_id}/signatures", response_model=SavedOut, summary="Tanda tangani")
async def sign(
    request: Request, agreement_id: UUID, principal: Signer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menandatangani naskah dalam versi yang Anda baca; yang kedua harus orang lain."""
    command = SignAgreement(agreement_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.sign(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{agreement_id}/suspension", response_model=SavedOut, summary="Tangguhkan")
async def suspend(
    request: Request, agreement_id: UUID, body: CauseForm, principal: Operator, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menghentikan semuanya, sampai dilanjutkan."""
    command = SuspendAgreement(agreement_id, version, body.cause)

    async def work(connection: Connection) -> Saved:
        return await handlers.suspend(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{agreement_id}/resumption", response_model=SavedOut, summary="Lanjutkan")
async def resume(
    request: Request, agreement_id: UUID, principal: Operator, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Melanjutkan yang ditangguhkan."""
    command = ResumeAgreement(agreement_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.resume(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{agreement_id}/end", response_model=SavedOut, summary="Akhiri")
async def end(
    request: Request, agreement_id: UUID, body: CauseForm, principal: Operator, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengakhiri perjanjian untuk selamanya."""
    command = EndAgreement(agreement_id, version, body.cause)

    async def work(connection: Connection) -> Saved:
        return await handlers.end(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)
