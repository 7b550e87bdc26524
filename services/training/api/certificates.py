"""Routes of certificates: for the office, and the check that is open to everybody."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.training.api.answers import (
    CertificateOut,
    CheckedOut,
)
from services.training.api.forms import (
    RevocationForm,
)
from services.training.api.requests import Office, refusals_as_problems, run_once
from services.training.commands import ReissueCertificate, RevokeCertificate
from services.training.handlers import Saved, printing
from services.training.handlers import certificates as handlers
from services.training.handlers.printing import Printer
from shared.auth import public
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.web.app import cause_of
from shared.web.deeds import SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

CheckCode = Annotated[str, Path(min_length=1, max_length=40, examples=["7KQ2-MHXA-93PD"])]
Edition = Annotated[int | None, Query(ge=1, le=10_000, description="Versi sertifikat; tanpa ini yang terbaru.")]

router = APIRouter(prefix="/certificates", tags=["sertifikat"])


@router.get("/check/{code}", summary="Periksa sertifikat", dependencies=[Depends(public())])
async def check(request: Request, code: CheckCode) -> CheckedOut:
    """Yang tertulis pada sertifikat dengan kode ini, dan apakah masih berlaku. Terbuka untuk siapa pun."""
    async with refusals_as_problems():
        found = await printing.check_certificate(pool_of(request), request.app.state.name_keys, code)
    printed = found.printed
    return CheckedOut(
        valid=not printed.revoked,
        number=printed.number,
        edition=printed.newest,
        holder=found.name if isinstance(found.name, str) else None,
        title=printed.title,
        programme=printed.programme,
        held_by=printed.partner or printing.OFFICE,
        days=found.when,
        issued_on=printed.issued_on,
    )


@router.get("/{certificate_id}", response_model=CertificateOut, summary="Satu sertifikat")
async def show_certificate(request: Request, certificate_id: UUID, _: Office) -> Response:
    """Satu sertifikat, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        printed = await printing.show_certificate(pool_of(request), certificate_id)
    printer: Printer = request.app.state.printer
    content = CertificateOut.of(printed, printer.check_url(printed.code)).model_dump(mode="json")
    return JSONResponse(content, headers={"ETag": etag(printed.version)})


@router.get(
    "/{certificate_id}/pdf",
    summary="Cetak sertifikat",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}, "description": "Sertifikat"}},
)
async def print_certificate(request: Request, certificate_id: UUID, _: Office, edition: Edition = None) -> Response:
    """Sertifikat sebagai PDF dengan kode QR ke halaman pemeriksaannya."""
    printer: Printer = request.app.state.printer
    async with refusals_as_problems():
        number, pdf = await printer.print_certificate(
            pool_of(request), request.app.state.name_keys, certificate_id, edition
        )
    name = f"sertifikat-{number.replace('/', '-')}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)


@router.post("/{certificate_id}/reissue", response_model=SavedOut, summary="Terbitkan versi baru")
async def reissue_certificate(
    request: Request, certificate_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menerbitkan versi baru dengan nomor dan kode yang sama, misalnya setelah nama diperbaiki di registri."""
    command = ReissueCertificate(certificate_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.reissue_certificate(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{certificate_id}/revocation", response_model=SavedOut, summary="Cabut sertifikat")
async def revoke_certificate(
    request: Request,
    certificate_id: UUID,
    body: RevocationForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Mencabut sertifikat, dalam semua versinya."""
    command = RevokeCertificate(certificate_id, version, body.cause)

    async def work(connection: Connection) -> Saved:
        return await handlers.revoke_certificate(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)
