"""Routes of lanes: how far each stream is in an agency's topic, letting one go on that stopped, and filling a topic again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.partners.api import lane_deeds as deeds
from services.partners.api.requests import Keeper, Operator, refusals_as_problems, whose
from services.partners.api.webhook_forms import ResumeForm
from services.partners.domain.lanes import Lane, LaneState, StopReason
from services.partners.handlers import lanes
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(prefix="/lanes", tags=["kafka"])


class LaneOut(BaseModel):
    """Satu aliran ke topik instansi: sampai mana tertulis, dan mengapa berhenti."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    version: int
    agency: str
    stream: str
    state: LaneState
    reason: StopReason | None
    position: int
    first: int
    last: int
    moved_at: datetime

    @classmethod
    def of(cls, lane: Lane) -> LaneOut:
        """Return the answer for a lane."""
        return cls(**{name: getattr(lane, name) for name in cls.model_fields})


class LanePage(BaseModel):
    """Satu halaman."""

    model_config = ConfigDict(frozen=True)

    items: list[LaneOut]
    next: UUID | None


@router.get("", summary="Daftar aliran ke topik")
async def list_lanes(
    request: Request,
    principal: Keeper,
    agency: Annotated[str | None, Query(max_length=30)] = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> LanePage:
    """Aliran ke topik instansi Anda; operator melihat semua, atau dari satu instansi."""
    async with refusals_as_problems():
        found = await lanes.list_lanes(pool_of(request), after, whose(principal) or agency, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return LanePage(items=[LaneOut.of(lane) for lane in page], next=following)


@router.get("/{lane_id}", response_model=LaneOut, summary="Satu aliran ke topik")
async def show(request: Request, lane_id: UUID, principal: Keeper) -> Response:
    """Satu aliran ke topik, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        lane = await lanes.show_lane(pool_of(request), lane_id, whose(principal))
    return JSONResponse(LaneOut.of(lane).model_dump(mode="json"), headers={"ETag": etag(lane.version)})


@router.post("/{lane_id}/resumption", response_model=SavedOut, summary="Lanjutkan")
async def resume(
    request: Request, lane_id: UUID, body: ResumeForm, principal: Keeper, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Melanjutkan aliran yang berhenti karena sebagian peristiwanya sudah tidak disimpan."""
    return await deeds.resume(request, principal, once, lane_id, version, body)


@router.post("/{lane_id}/refill", response_model=SavedOut, summary="Tulis ulang")
async def refill(
    request: Request, lane_id: UUID, principal: Operator, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menulis lagi semua peristiwa yang masih disimpan, karena isi topiknya hilang. Hanya operator."""
    return await deeds.refill(request, principal, once, lane_id, version)
