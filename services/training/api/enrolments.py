"""Routes of enrolments."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.training.api.answers import (
    EnrolmentDetail,
    EnrolmentOut,
    EnrolmentPage,
)
from services.training.api.forms import (
    EnrolmentForm,
    RejectionForm,
    WithdrawalForm,
)
from services.training.api.requests import Office, Officer, refusals_as_problems, run_once, run_together
from services.training.commands import AcceptOffer, Enrol, IssueCertificate, RejectEnrolment, WithdrawEnrolment
from services.training.handlers import Saved, certificates
from services.training.handlers import enrolling as handlers
from services.training.handlers.turnstile import Turnstile
from shared.contracts.training import EnrolmentState
from shared.database import Connection
from shared.idempotency import Asked, OnlyOnce
from shared.identifiers import new_id
from shared.web.app import cause_of
from shared.web.deeds import Limit, SavedOut, pool_of, wake_relay
from shared.web.versions import SeenVersion, etag

Arrival = Annotated[int, Query(ge=0, le=2**31 - 1, description="Nilai `next` dari halaman sebelumnya.")]

router = APIRouter(tags=["pendaftaran"])


@router.post("/batches/{batch_id}/enrolments", status_code=201, response_model=SavedOut, summary="Daftarkan peserta")
async def enrol(request: Request, batch_id: UUID, body: EnrolmentForm, principal: Officer, once: OnlyOnce) -> Response:
    """Mendaftarkan pemilik dengan usahanya: langsung diterima, masuk daftar tunggu, atau menunggu penetapan."""
    command = Enrol(new_id(), batch_id, body.owner_id, body.business_id)
    pool, cause = pool_of(request), cause_of(request, principal)
    has_nib = await handlers.look_for_nib(pool, request.app.state.nib_keys, command)
    asked = await once.asked(handlers.Wish(command, has_nib, cause, principal.scope))

    async def alone(connection: Connection) -> Saved:
        return await handlers.enrol(connection, command, has_nib, cause, principal.scope)

    together = partial(run_together, pool, handlers.enrol_together, "/enrolments")
    turnstile: Turnstile[Asked[handlers.Wish], Response] = request.app.state.turnstile
    # What comes of a second wish of an owner, or of a request under the same key, depends on the first.
    async with turnstile.turn(batch_id, asked, {asked.key.id, body.owner_id}, together) as response:
        if response is None:
            return await run_once(request, once, alone, created="/enrolments")
    wake_relay(request)
    return response


@router.get("/batches/{batch_id}/enrolments", summary="Daftar pendaftaran")
async def list_enrolments(
    request: Request,
    batch_id: UUID,
    principal: Officer,
    state: EnrolmentState | None = None,
    after: Arrival = 0,
    limit: Limit = 50,
) -> EnrolmentPage:
    """Pendaftaran satu angkatan menurut urutan datang."""
    found = await handlers.list_enrolments(pool_of(request), batch_id, after, state, principal.scope, limit + 1)
    page = found[:limit]
    following = page[-1].enrolment.arrival if len(found) > limit else None
    return EnrolmentPage(items=[EnrolmentOut.of(item) for item in page], next=following)


@router.get("/enrolments/{enrolment_id}", response_model=EnrolmentDetail, summary="Satu pendaftaran")
async def show_enrolment(request: Request, enrolment_id: UUID, principal: Officer) -> Response:
    """Satu pendaftaran dengan kehadirannya, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        listed, attendance = await handlers.show_enrolment(pool_of(request), enrolment_id, principal.scope)
    detail = EnrolmentDetail(**dict(EnrolmentOut.of(listed)), attendance=attendance)
    return JSONResponse(detail.model_dump(mode="json"), headers={"ETag": etag(listed.enrolment.version)})


@router.post("/enrolments/{enrolment_id}/withdrawal", response_model=SavedOut, summary="Undurkan diri")
async def withdraw(
    request: Request,
    enrolment_id: UUID,
    body: WithdrawalForm,
    principal: Officer,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Melepas pendaftaran; kursinya ditawarkan kepada yang menunggu. Diulang, tidak ada yang berubah."""
    command = WithdrawEnrolment(enrolment_id, version, body.cause)

    async def work(connection: Connection) -> Saved:
        return await handlers.withdraw(connection, command, cause_of(request, principal), principal.scope)

    return await run_once(request, once, work)


@router.post("/enrolments/{enrolment_id}/acceptance", response_model=SavedOut, summary="Terima tawaran kursi")
async def accept_offer(
    request: Request, enrolment_id: UUID, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menerima kursi yang ditawarkan, selama tawarannya berlaku."""
    command = AcceptOffer(enrolment_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.accept_offer(connection, command, cause_of(request, principal), principal.scope)

    return await run_once(request, once, work)


@router.post("/enrolments/{enrolment_id}/rejection", response_model=SavedOut, summary="Tolak pendaftaran")
async def reject(
    request: Request,
    enrolment_id: UUID,
    body: RejectionForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Menolak yang belum mendapat kursi."""
    command = RejectEnrolment(enrolment_id, version, body.cause)

    async def work(connection: Connection) -> Saved:
        return await handlers.reject(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post(
    "/enrolments/{enrolment_id}/certificate", status_code=201, response_model=SavedOut, summary="Terbitkan sertifikat"
)
async def issue_certificate(request: Request, enrolment_id: UUID, principal: Office, once: OnlyOnce) -> Response:
    """Menerbitkan sertifikat seorang yang lulus: satu nomor untuk selamanya."""
    command = IssueCertificate(new_id(), enrolment_id, certificates.new_code())

    async def work(connection: Connection) -> Saved:
        return await certificates.issue_certificate(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/certificates")
