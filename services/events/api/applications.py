"""Routes of applications: from applying to the sales report."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.events.api.answers import (
    ApplicationDetail,
    ApplicationOut,
    ApplicationPage,
)
from services.events.api.forms import (
    ApplicationForm,
    PlacementForm,
    RejectionForm,
    SalesForm,
    WithdrawalForm,
)
from services.events.api.requests import Office, Officer, Reader, refusals_as_problems, run_once
from services.events.commands import (
    Apply,
    ConfirmPlace,
    MoveApplication,
    PlaceApplication,
    RejectApplication,
    ReportSales,
    WithdrawApplication,
)
from services.events.handlers import Saved, placing, selling
from services.events.handlers import applying as handlers
from shared.contracts.exhibitions import ApplicationState
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(tags=["pendaftaran"])


@router.post(
    "/exhibitions/{exhibition_id}/applications", status_code=201, response_model=SavedOut, summary="Daftarkan usaha"
)
async def apply(
    request: Request, exhibition_id: UUID, body: ApplicationForm, principal: Officer, once: OnlyOnce
) -> Response:
    """Mendaftarkan usaha untuk satu jenis stan."""
    command = Apply(new_id(), exhibition_id, body.owner_id, body.business_id, body.kind)

    async def work(connection: Connection) -> Saved:
        return await handlers.apply(connection, command, cause_of(request, principal), principal.scope)

    return await run_once(request, once, work, created="/applications")


@router.get("/exhibitions/{exhibition_id}/applications", summary="Daftar pendaftaran")
async def list_applications(
    request: Request,
    exhibition_id: UUID,
    principal: Reader,
    state: ApplicationState | None = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> ApplicationPage:
    """Pendaftaran satu pameran menurut urutan mendaftar."""
    found = await handlers.list_applications(pool_of(request), exhibition_id, after, state, principal.scope, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return ApplicationPage(items=[ApplicationOut.of(item) for item in page], next=following)


@router.get("/applications/{application_id}", response_model=ApplicationDetail, summary="Satu pendaftaran")
async def show_application(request: Request, application_id: UUID, principal: Reader) -> Response:
    """Satu pendaftaran dengan riwayat usahanya dan nilai para kurator, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        shown = await handlers.show_application(pool_of(request), application_id, principal.scope)
    content = ApplicationDetail.of_shown(shown).model_dump(mode="json")
    return JSONResponse(content, headers={"ETag": etag(shown.application.version)})


@router.post("/applications/{application_id}/withdrawal", response_model=SavedOut, summary="Undurkan diri")
async def withdraw(
    request: Request,
    application_id: UUID,
    body: WithdrawalForm,
    principal: Officer,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Melepas pendaftaran; tempatnya untuk cadangan berikutnya. Diulang, tidak ada yang berubah."""
    command = WithdrawApplication(application_id, version, body.cause)

    async def work(connection: Connection) -> Saved:
        return await handlers.withdraw(connection, command, cause_of(request, principal), principal.scope)

    return await run_once(request, once, work)


@router.post("/applications/{application_id}/rejection", response_model=SavedOut, summary="Tolak pendaftaran")
async def reject(
    request: Request,
    application_id: UUID,
    body: RejectionForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Menolak yang belum terpilih."""
    command = RejectApplication(application_id, version, body.cause)

    async def work(connection: Connection) -> Saved:
        return await handlers.reject(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/applications/{application_id}/placement", response_model=SavedOut, summary="Tempatkan")
async def place(
    request: Request,
    application_id: UUID,
    body: PlacementForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Menempatkan yang lolos pada stan dan gelombang; tidak pernah melebihi kapasitas."""
    command = PlaceApplication(application_id, version, body.booth_id, body.wave)

    async def work(connection: Connection) -> Saved:
        return await placing.place(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/applications/{application_id}/move", response_model=SavedOut, summary="Pindahkan")
async def move(
    request: Request,
    application_id: UUID,
    body: PlacementForm,
    principal: Office,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Memindahkan ke stan atau gelombang lain; perlu dikonfirmasi lagi."""
    command = MoveApplication(application_id, version, body.booth_id, body.wave)

    async def work(connection: Connection) -> Saved:
        return await placing.move(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/applications/{application_id}/confirmation", response_model=SavedOut, summary="Konfirmasi tempat")
async def confirm(
    request: Request, application_id: UUID, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Memastikan akan ikut, selama batas konfirmasinya."""
    command = ConfirmPlace(application_id, version)

    async def work(connection: Connection) -> Saved:
        return await placing.confirm(connection, command, cause_of(request, principal), principal.scope)

    return await run_once(request, once, work)


@router.post("/applications/{application_id}/sales", response_model=SavedOut, summary="Laporkan penjualan")
async def report_sales(
    request: Request, application_id: UUID, body: SalesForm, principal: Officer, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Melaporkan penjualan satu hari; diulang dengan nilai lain, memperbaiki."""
    command = ReportSales(application_id, version, body.day, body.amount)

    async def work(connection: Connection) -> Saved:
        return await selling.report_sales(connection, command, cause_of(request, principal), principal.scope)

    return await run_once(request, once, work)
