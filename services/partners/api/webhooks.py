"""Routes of endpoints: an agency's program keeps its own, the operator sees all and may stop any."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.partners.api import webhook_deeds as deeds
from services.partners.api.requests import Agency, Keeper, refusals_as_problems, whose
from services.partners.api.webhook_forms import (
    ResumeForm,
    RotateForm,
    SecretOut,
    WebhookDetail,
    WebhookForm,
    WebhookOut,
    WebhookPage,
)
from services.partners.handlers import webhooks as handlers
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(prefix="/webhooks", tags=["webhook"])


@router.post("", status_code=201, response_model=SecretOut, summary="Daftarkan webhook")
async def create(request: Request, body: WebhookForm, principal: Agency, once: OnlyOnce) -> Response:
    """Peristiwa yang diperjanjikan dikirim ke alamat ini. `secret` hanya tampak dalam jawaban ini."""
    return await deeds.create(request, principal, once, body)


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
    return await deeds.rotate(request, principal, once, webhook_id, version, body)


@router.post("/{webhook_id}/pause", response_model=SavedOut, summary="Jeda")
async def pause(
    request: Request, webhook_id: UUID, principal: Keeper, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Tidak mengirim apa pun sampai dilanjutkan. Tidak ada yang hilang selama masih disimpan."""
    return await deeds.pause(request, principal, once, webhook_id, version)


@router.post("/{webhook_id}/resumption", response_model=SavedOut, summary="Lanjutkan")
async def resume(
    request: Request, webhook_id: UUID, body: ResumeForm, principal: Keeper, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Melanjutkan dari tempat berhenti, sesudah dijeda atau dimatikan."""
    return await deeds.resume(request, principal, once, webhook_id, version, body)


@router.post("/{webhook_id}/tests", response_model=SavedOut, summary="Kirim uji")
async def send_test(
    request: Request, webhook_id: UUID, principal: Keeper, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Mengirim satu peristiwa uji; hasilnya tampak di antara pengiriman terakhir."""
    return await deeds.send_test(request, principal, once, webhook_id, version)


@router.delete("/{webhook_id}", response_model=SavedOut, summary="Hapus")
async def remove(request: Request, webhook_id: UUID, principal: Agency, version: SeenVersion) -> Response:
    """Tidak mengirim apa pun untuk selamanya; kuncinya dilupakan."""
    return await deeds.remove(request, principal, None, webhook_id, version)
