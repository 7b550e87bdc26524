"""Routes of replays: an agency lets what was delivered to its endpoint be posted again; it, and the operator, see how far and stop it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.partners.api.replay_forms import ReplayForm, ReplayOut, ReplayPage
from services.partners.api.requests import Agency, Keeper, refusals_as_problems, run_once, run_put, whose
from services.partners.commands import CancelReplay
from services.partners.domain.refusals import NoAgreementError
from services.partners.handlers import Saved
from services.partners.handlers import replays as handlers
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(prefix="/webhooks/{webhook_id}/replays", tags=["putar ulang"])


@router.post("", status_code=201, response_model=SavedOut, summary="Putar ulang")
async def start(request: Request, webhook_id: UUID, body: ReplayForm, principal: Agency, once: OnlyOnce) -> Response:
    """Mengirim ulang yang sudah pernah terkirim, dengan tanda `replay`, paling jauh sampai yang terkirim saat ini."""
    replays: handlers.Replays = request.app.state.replays

    async def work(connection: Connection) -> Saved:
        if principal.agency is None:
            raise NoAgreementError(None, None)
        command = body.command(new_id(), webhook_id, principal.agency)
        return await replays.start(connection, command, cause_of(request, principal).now)

    return await run_once(request, once, work, created=f"/webhooks/{webhook_id}/replays")


@router.get("", summary="Daftar putar ulang")
async def list_replays(
    request: Request, webhook_id: UUID, principal: Keeper, after: After = FIRST, limit: Limit = 50
) -> ReplayPage:
    """Putar ulang dari satu webhook, yang terlama lebih dahulu."""
    async with refusals_as_problems():
        found = await handlers.list_replays(pool_of(request), webhook_id, whose(principal), after, limit + 1)
    page = found[:limit]
    following = page[-1].replay.id if len(found) > limit else None
    return ReplayPage(items=[ReplayOut.of(item) for item in page], next=following)


@router.get("/{replay_id}", response_model=ReplayOut, summary="Satu putar ulang")
async def show(request: Request, webhook_id: UUID, replay_id: UUID, principal: Keeper) -> Response:
    """Keadaan dan kemajuan satu putar ulang, dengan ETag untuk pembatalan."""
    async with refusals_as_problems():
        shown = await handlers.show(pool_of(request), webhook_id, replay_id, whose(principal))
    return JSONResponse(ReplayOut.of(shown).model_dump(mode="json"), headers={"ETag": etag(shown.replay.version)})


@router.delete("/{replay_id}", response_model=SavedOut, summary="Batalkan putar ulang")
async def cancel(
    request: Request, webhook_id: UUID, replay_id: UUID, principal: Keeper, version: SeenVersion
) -> Response:
    """Tidak mengirim sisanya; yang baru tetap terkirim seperti biasa."""

    async def work(connection: Connection) -> Saved:
        command = CancelReplay(replay_id, webhook_id, version, whose(principal))
        return await handlers.cancel(connection, command, cause_of(request, principal).now)

    return await run_put(request, work)
