"""What is done with endpoints, by programs and by people: one way for both, under a key that makes a repetition harmless.

The answer is JSON, id and version as in every deed; pages make a page of it. A new secret stands in the first answer alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.partners.api.requests import run_once, run_put, whose
from services.partners.api.webhook_forms import ResumeForm, RotateForm, WebhookForm
from services.partners.commands import (
    CreateWebhook,
    PauseWebhook,
    RemoveWebhook,
    ResumeWebhook,
    RotateSecret,
    SendTest,
)
from services.partners.domain.refusals import NoAgreementError
from services.partners.domain.signing import write_secret
from services.partners.handlers import Saved
from services.partners.handlers import webhooks as handlers
from shared.auth import Principal
from shared.database import Connection
from shared.idempotency import REPLAYED, Once
from shared.identifiers import new_id
from shared.web.app import cause_of

CREATED = "/webhooks"


async def create(request: Request, principal: Principal, once: Once, form: WebhookForm) -> Response:
    """Make an endpoint of the caller's agency."""
    app = request.app.state

    async def work(connection: Connection) -> tuple[Saved, bytes]:
        if principal.agency is None:
            raise NoAgreementError(None, None)
        command = CreateWebhook(new_id(), principal.agency, form.url, form.start == "awal")
        now = cause_of(request, principal).now
        return await handlers.create(connection, command, app.secret_box, app.webhook_networks, now)

    return await _with_secret(request, once, work, created=CREATED)


async def rotate(
    request: Request, principal: Principal, once: Once, webhook_id: UUID, version: int, form: RotateForm
) -> Response:
    """Sign with another secret too."""
    box = request.app.state.secret_box

    async def work(connection: Connection) -> tuple[Saved, bytes]:
        command = RotateSecret(webhook_id, version, whose(principal), form.overlap())
        return await handlers.rotate(connection, command, box, cause_of(request, principal).now)

    return await _with_secret(request, once, work)


async def pause(request: Request, principal: Principal, once: Once, webhook_id: UUID, version: int) -> Response:
    """Post nothing until it is resumed."""

    async def work(connection: Connection) -> Saved:
        return await handlers.pause(connection, PauseWebhook(webhook_id, version, whose(principal)))

    return await run_once(request, once, work)


async def resume(
    request: Request, principal: Principal, once: Once, webhook_id: UUID, version: int, form: ResumeForm
) -> Response:
    """Go on where it stopped."""

    async def work(connection: Connection) -> Saved:
        command = ResumeWebhook(webhook_id, version, whose(principal), form.skip_lost)
        return await handlers.resume(connection, command)

    return await run_once(request, once, work)


async def send_test(request: Request, principal: Principal, once: Once, webhook_id: UUID, version: int) -> Response:
    """Let a test be posted."""

    async def work(connection: Connection) -> Saved:
        return await handlers.ask_for_test(connection, SendTest(webhook_id, version, whose(principal), new_id()))

    return await run_once(request, once, work)


async def remove(request: Request, principal: Principal, once: Once | None, webhook_id: UUID, version: int) -> Response:
    """Post nothing for good; without a key it is the version that forbids a second effect."""

    async def work(connection: Connection) -> Saved:
        return await handlers.remove(connection, RemoveWebhook(webhook_id, version, whose(principal)))

    return await run_put(request, work) if once is None else await run_once(request, once, work)


async def _with_secret(
    request: Request,
    once: Once,
    work: Callable[[Connection], Awaitable[tuple[Saved, bytes]]],
    created: str | None = None,
) -> Response:
    """Run a command that makes a secret, and show it in this answer alone: what is stored for repetitions has none."""
    made: list[bytes] = []

    async def without(connection: Connection) -> Saved:
        saved, secret = await work(connection)
        made.append(secret)
        return saved

    answer = await run_once(request, once, without, created=created)
    if not made or answer.status_code >= 300 or REPLAYED in answer.headers:
        return answer
    content = orjson.loads(bytes(answer.body)) | {"secret": write_secret(made[-1])}
    kept = {name: value for name, value in answer.headers.items() if name in {"etag", "location"}}
    return JSONResponse(content, answer.status_code, kept | {"Cache-Control": "no-store"})
