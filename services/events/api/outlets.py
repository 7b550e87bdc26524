"""Routes of fixed selling places and their rota."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.events.api.answers import (
    OutletDetail,
    OutletOut,
    OutletPage,
)
from services.events.api.forms import (
    BusinessForm,
    MemberForm,
    OutletForm,
    TurnForm,
)
from services.events.api.requests import Office, refusals_as_problems, run_once
from services.events.commands import JoinOutlet, LeaveOutlet, OpenTurn, PassTurnOn
from services.events.handlers import Saved
from services.events.handlers import outlets as handlers
from shared.contracts.exhibitions import ApplicationCause
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import etag

Number = Annotated[int, Path(ge=1, le=1_000_000)]

router = APIRouter(prefix="/outlets", tags=["gerai"])


@router.post("", status_code=201, response_model=SavedOut, summary="Buka gerai")
async def open_outlet(request: Request, body: OutletForm, principal: Office, once: OnlyOnce) -> Response:
    """Membuka tempat berjualan tetap dengan giliran, misalnya Pawon Colang Caling."""
    command = body.to_command()

    async def work(connection: Connection) -> Saved:
        return await handlers.open_outlet(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/outlets")


@router.get("", summary="Daftar gerai")
async def list_outlets(request: Request, _: Office, after: After = FIRST, limit: Limit = 50) -> OutletPage:
    """Gerai menurut urutan dibuka."""
    found = await handlers.list_outlets(pool_of(request), after, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return OutletPage(items=[OutletOut.of(item) for item in page], next=following)


@router.get("/{outlet_id}", response_model=OutletDetail, summary="Satu gerai")
async def show_outlet(request: Request, outlet_id: UUID, _: Office) -> Response:
    """Satu gerai dengan anggota dan gilirannya."""
    async with refusals_as_problems():
        outlet, members, turns = await handlers.show_outlet(pool_of(request), outlet_id)
    detail = OutletDetail.of_shown(outlet, members, turns)
    return JSONResponse(detail.model_dump(mode="json"), headers={"ETag": etag(outlet.version)})


@router.post("/{outlet_id}/members", response_model=SavedOut, summary="Ikutkan usaha")
async def join(request: Request, outlet_id: UUID, body: MemberForm, principal: Office, once: OnlyOnce) -> Response:
    """Mengikutkan usaha dalam giliran."""
    command = JoinOutlet(outlet_id, body.owner_id, body.business_id)

    async def work(connection: Connection) -> Saved:
        return await handlers.join(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{outlet_id}/departures", response_model=SavedOut, summary="Keluarkan usaha")
async def leave(request: Request, outlet_id: UUID, body: BusinessForm, principal: Office, once: OnlyOnce) -> Response:
    """Mengeluarkan usaha dari giliran; giliran yang belum selesai untuk yang berikutnya."""
    command = LeaveOutlet(outlet_id, body.business_id, ApplicationCause.PERMINTAAN_PESERTA)

    async def work(connection: Connection) -> Saved:
        return await handlers.leave(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{outlet_id}/turns", response_model=SavedOut, summary="Buka giliran")
async def open_turn(request: Request, outlet_id: UUID, body: TurnForm, principal: Office, once: OnlyOnce) -> Response:
    """Membuka giliran berikutnya: yang paling jarang dan paling lama menunggu didahulukan."""
    command = OpenTurn(outlet_id, body.starts_on, body.ends_on)

    async def work(connection: Connection) -> Saved:
        return await handlers.open_turn(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{outlet_id}/turns/{number}/handovers", response_model=SavedOut, summary="Lepas giliran")
async def pass_on(
    request: Request, outlet_id: UUID, number: Number, body: BusinessForm, principal: Office, once: OnlyOnce
) -> Response:
    """Melepas giliran satu usaha untuk yang berikutnya. Diulang, tidak ada yang berubah."""
    command = PassTurnOn(outlet_id, number, body.business_id)

    async def work(connection: Connection) -> Saved:
        return await handlers.pass_on(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)
