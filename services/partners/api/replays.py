"""Routes of replays: an agency lets what was delivered to its endpoint be posted again; it, and the operator, see how far and stop it."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.partners.api import replay_deeds as deeds
from services.partners.api.replay_forms import ReplayForm, ReplayOut, ReplayPage
from services.partners.api.requests import Agency, Keeper, refusals_as_problems, whose
from services.partners.handlers import replays as handlers
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(prefix="/webhooks/{webhook_id}/replays", tags=["putar ulang"])


@router.post("", status_code=201, response_model=SavedOut, summary="Putar ulang")
async def start(request: Request, webhook_id: UUID, body: ReplayForm, principal: Agency, once: OnlyOnce) -> Response:
    """Mengirim ulang yang sudah pernah terkirim, dengan tanda `replay`, paling jauh sampai yang terkirim saat ini."""
    return await deeds.start(request, principal, once, webhook_id, body)


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
    return await deeds.cancel(request, principal, None, webhook_id, replay_id, version)
