"""Routes of endpoints: an agency's program keeps its own, the operator sees all and may stop any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.partners.api.requests import Agency, Keeper, refusals_as_problems, run_once, run_put, whose
from services.partners.api.webhook_forms import (
    ResumeForm,
    RotateForm,
    SecretOut,
    WebhookDetail,
    WebhookForm,
    WebhookOut,
    WebhookPage,
)
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
from shared.database import Connection
from shared.idempotency import REPLAYED, Once, OnlyOnce
from shared.identifiers import new_id
from shared.web import cause_of
from shared.web.deeds import FIRST, After, Limit, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(prefix="/webhooks", tags=["webhook"])


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


@router.post("", status_code=201, response_model=SecretOut, summary="Daftarkan webhook")
async def create(request: Request, body: WebhookForm, principal: Agency, once: OnlyOnce) -> Response:
    """Peristiwa yang diperjanjikan dikirim ke alamat ini. `secret` hanya tampak dalam jawaban ini."""
    app = request.app.state

    async def work(connection: Connection) -> tuple[Saved, bytes]:
        if principal.agency is None:
            raise NoAgreementError(None, None)
        command = CreateWebhook(new_id(), principal.agency, body.url, body.start == "awal")
        now = cause_of(request, principal).now
        return await handlers.create(connection, command, app.secret_box, app.webhook_networks, now)

    return await _with_secret(request, once, work, created="/webhooks")


@router.get("", summary="Daftar webhook")
async def list_webhooks(
    request: Request,
    principal: Keeper,
    agency: Annotated[str | None, Query(max_length=30)] = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> WebhookPage:
    """Webhook instansi Anda; operator melihat semua, atau dari satu instansi."""
    async with refusals_as_problems():
        found = await handlers.list_webhooks(pool_of(request), after, whose(principal) or agency, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return WebhookPage(items=[WebhookOut.of(item) for item in page], next=following)


@router.get("/{webhook_id}", response_model=WebhookDetail, summary="Satu webhook")
async def show(request: Request, webhook_id: UUID, principal: Keeper) -> Response:
    """Satu webhook dengan kemajuan per aliran dan pengiriman terakhir, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        shown = await handlers.show_webhook(pool_of(request), webhook_id, whose(principal))
    content = WebhookDetail.of_shown(shown).model_dump(mode="json")
    return JSONResponse(content, headers={"ETag": etag(shown.webhook.version)})


@router.post("/{webhook_id}/secrets", response_model=SecretOut, summary="Ganti kunci")
async def rotate(
    request: Request, webhook_id: UUID, body: RotateForm, principal: Agency, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Kunci baru berlaku segera; yang lama berlaku sampai masa tumpang tindih habis."""
    box = request.app.state.secret_box

    async def work(connection: Connection) -> tuple[Saved, bytes]:
        command = RotateSecret(webhook_id, version, whose(principal), body.overlap())
        return await handlers.rotate(connection, command, box, cause_of(request, principal).now)

    return await _with_secret(request, once, work)


@router.post("/{webhook_id}/pause", response_model=SecretOut, summary="Jeda")
async def pause(
    request: Request, webhook_id: UUID, principal: Keeper, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Tidak mengirim apa pun sampai dilanjutkan. Tidak ada yang hilang selama masih disimpan."""

    async def work(connection: Connection) -> Saved:
        return await handlers.pause(connection, PauseWebhook(webhook_id, version, whose(principal)))

    return await run_once(request, once, work)


@router.post("/{webhook_id}/resumption", response_model=SecretOut, summary="Lanjutkan")
async def resume(
    request: Request, webhook_id: UUID, body: ResumeForm, principal: Keeper, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Melanjutkan dari tempat berhenti, sesudah dijeda atau dimatikan."""

    async def work(connection: Connection) -> Saved:
        return await handlers.resume(connection, ResumeWebhook(webhook_id, version, whose(principal), body.skip_lost))

    return await run_once(request, once, work)


@router.post("/{webhook_id}/tests", response_model=SecretOut, summary="Kirim uji")
async def send_test(
    request: Request, webhook_id: UUID, principal: Keeper, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengirim satu peristiwa uji; hasilnya tampak di antara pengiriman terakhir."""

    async def work(connection: Connection) -> Saved:
        return await handlers.ask_for_test(connection, SendTest(webhook_id, version, whose(principal), new_id()))

    return await run_once(request, once, work)


@router.delete("/{webhook_id}", response_model=SecretOut, summary="Hapus")
async def remove(request: Request, webhook_id: UUID, principal: Agency, version: SeenVersion) -> Response:
    """Tidak mengirim apa pun untuk selamanya; kuncinya dilupakan."""

    async def work(connection: Connection) -> Saved:
        return await handlers.remove(connection, RemoveWebhook(webhook_id, version, whose(principal)))

    return await run_put(request, work)
