"""Receipts of providers: what WhatsApp and the SMS gateway tell after they took a message; and the attempts they speak of.

A receipt is answered 200 once it is kept, whether we know its message or not: the provider has nothing to tell again
then. While it cannot be kept (the database is away) the answer is 503, and the provider tells it again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import PlainTextResponse

from services.notifications.api.asking import Database, Office, Out
from services.notifications.api.told import Told, UnreadableError, read_sms, read_whatsapp
from services.notifications.domain.callbacks import ReceiptSecrets
from services.notifications.domain.messages import UnknownMessageError
from services.notifications.domain.receipts import AttemptState
from services.notifications.handlers import operating, receiving
from services.notifications.handlers.receiving import Effect
from shared.auth import public
from shared.database import Pool
from shared.problems import Problem, standard

router = APIRouter()
TAG = "tanda terima"
PROVIDERS = [Depends(public())]
"""Providers have no token of ours: they are known by what they sign, or by their secret."""


class ReceiptsOut(Out):
    """Berapa tanda terima yang menggerakkan pesan, yang sudah diketahui, yang disimpan saja, dan yang bukan milik kami."""

    applied: int
    known: int
    kept: int
    ignored: int


class AttemptOut(Out):
    """Satu penyerahan pesan kepada satu saluran."""

    id: UUID
    channel: str
    number: int
    state: AttemptState
    reason: str | None
    handed_over_at: datetime
    changed_at: datetime


class AttemptsOut(Out):
    """Semua penyerahan satu pesan, yang terlama dulu."""

    items: list[AttemptOut]


def _secrets(request: Request) -> ReceiptSecrets:
    secrets: ReceiptSecrets = request.app.state.receipt_secrets
    return secrets


def _not_run(channel: str) -> Problem:
    detail = f"Layanan ini tidak menerima tanda terima dari saluran {channel}."
    return Problem(404, "saluran-tidak-dipakai", "Saluran tidak dipakai", detail)


def _stranger() -> Problem:
    detail = "Tanda tangan atau rahasia tanda terima tidak cocok."
    return Problem(403, "pengirim-tidak-dikenal", "Pengirim tidak dikenal", detail)


@router.get("/receipts/whatsapp", summary="Pemeriksaan alamat oleh Meta", tags=[TAG], dependencies=PROVIDERS)
async def verify_whatsapp(
    request: Request,
    mode: Annotated[str, Query(alias="hub.mode", max_length=50)],
    verify_token: Annotated[str, Query(alias="hub.verify_token", max_length=500)],
    challenge: Annotated[str, Query(alias="hub.challenge", max_length=500)],
) -> PlainTextResponse:
    """Answer Meta's question whether this address is ours."""
    secrets = _secrets(request)
    if not secrets.takes_whatsapp:
        raise _not_run("whatsapp")
    if mode != "subscribe" or not secrets.verified_by_meta(verify_token):
        raise _stranger()
    return PlainTextResponse(challenge)


@router.post("/receipts/whatsapp", summary="Tanda terima WhatsApp", tags=[TAG], dependencies=PROVIDERS)
async def take_whatsapp(request: Request, pool: Database) -> ReceiptsOut:
    """Take what Meta tells of our messages. What people write to us is not read."""
    secrets, body = _secrets(request), await request.body()
    if not secrets.takes_whatsapp:
        raise _not_run("whatsapp")
    if not secrets.signed_by_meta(body, request.headers.get("x-hub-signature-256")):
        raise _stranger()
    try:
        told = read_whatsapp(body, secrets.whatsapp_number)
    except UnreadableError:
        raise standard(400) from None
    return await _take(request, pool, told)


@router.post("/receipts/sms", summary="Laporan pengiriman SMS", tags=[TAG], dependencies=PROVIDERS)
async def take_sms(request: Request, pool: Database) -> ReceiptsOut:
    """Take what the SMS gateway reports of our messages."""
    secrets = _secrets(request)
    if not secrets.takes_sms:
        raise _not_run("sms")
    if not secrets.shown_by_gateway(request.headers.get("authorization")):
        raise _stranger()
    try:
        told = read_sms(await request.body())
    except UnreadableError:
        raise standard(400) from None
    return await _take(request, pool, told)


async def _take(request: Request, pool: Pool, told: Told) -> ReceiptsOut:
    counted = await receiving.take_receipts(pool, told.receipts, request.app.state.routes)
    return ReceiptsOut(**{effect.value: counted.get(effect, 0) for effect in Effect}, ignored=told.ignored)


@router.get("/messages/{message_id}/attempts", summary="Penyerahan satu pesan kepada saluran", tags=["pesan"])
async def list_attempts(pool: Database, _: Office, message_id: UUID) -> AttemptsOut:
    """List every hand-over of a message, and how far its provider says that it came."""
    try:
        await operating.show_message(pool, message_id)
    except UnknownMessageError:
        raise Problem(404, "pesan-tidak-dikenal", "Pesan tidak dikenal", "Tidak ada pesan dengan nomor ini.") from None
    rows = await receiving.list_attempts(pool, message_id)
    return AttemptsOut(items=[AttemptOut(**row) for row in rows])
