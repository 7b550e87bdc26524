"""What is done with replays, by programs and by people: one way for both, under a key that makes a repetition harmless."""

from __future__ import annotations

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from services.partners.api.replay_forms import ReplayForm
from services.partners.api.requests import run_once, run_put, whose
from services.partners.commands import CancelReplay
from services.partners.domain.refusals import NoAgreementError
from services.partners.handlers import Saved
from services.partners.handlers import replays as handlers
from shared.auth import Principal
from shared.database import Connection
from shared.idempotency import Once
from shared.identifiers import new_id
from shared.web.app import cause_of


async def start(request: Request, principal: Principal, once: Once, webhook_id: UUID, form: ReplayForm) -> Response:
    """Let a range be posted to an endpoint of the caller's agency again."""
    replays: handlers.Replays = request.app.state.replays

    async def work(connection: Connection) -> Saved:
        if principal.agency is None:
            raise NoAgreementError(None, None)
        command = form.command(new_id(), webhook_id, principal.agency)
        return await replays.start(connection, command, cause_of(request, principal).now)

    return await run_once(request, once, work, created=f"/webhooks/{webhook_id}/replays")


async def cancel(
    request: Request, principal: Principal, once: Once | None, webhook_id: UUID, replay_id: UUID, version: int
) -> Response:
    """Post nothing more of a replay; without a key it is the version that forbids a second effect."""

    async def work(connection: Connection) -> Saved:
        command = CancelReplay(replay_id, webhook_id, version, whose(principal))
        return await handlers.cancel(connection, command, cause_of(request, principal).now)

    return await run_put(request, work) if once is None else await run_once(request, once, work)
