"""What is done with lanes, by programs and by people: one way for both, under a key that makes a repetition harmless."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from services.partners.api.requests import run_once, whose
from services.partners.api.webhook_forms import ResumeForm
from services.partners.commands import RefillLane, ResumeLane
from services.partners.handlers import Saved, lanes
from shared.auth import Principal
from shared.database import Connection
from shared.idempotency import Once


async def resume(
    request: Request, principal: Principal, once: Once, lane_id: UUID, version: int, form: ResumeForm
) -> Response:
    """Let a lane go on that stopped."""

    async def work(connection: Connection) -> Saved:
        command = ResumeLane(lane_id, version, whose(principal), principal.sub, form.skip_lost)
        return await lanes.resume(connection, command)

    return await run_once(request, once, work)


async def refill(request: Request, principal: Principal, once: Once, lane_id: UUID, version: int) -> Response:
    """Let a lane begin anew."""

    async def work(connection: Connection) -> Saved:
        return await lanes.refill(connection, RefillLane(lane_id, version, principal.sub))

    return await run_once(request, once, work)
