"""What requests and answers of webhooks look like."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.partners.domain.destinations import LONGEST
from services.partners.domain.webhooks import DisabledReason, Webhook, WebhookState
from services.partners.handlers.webhooks import Shown
from shared.web.app import RequestModel
from shared.web.deeds import SavedOut


class WebhookForm(RequestModel):
    """Alamat yang menerima peristiwa: dari peristiwa pertama yang masih disimpan (`awal`), atau mulai sekarang."""

    url: Annotated[str, Field(min_length=8, max_length=LONGEST, examples=["https://instansi.example/webhook"])]
    start: Literal["awal", "sekarang"] = "sekarang"


class RotateForm(RequestModel):
    """Berapa jam kunci lama masih berlaku."""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24

    def overlap(self) -> timedelta:
        """Return how long the older secrets go on."""
        return timedelta(hours=self.overlap_hours)


class ResumeForm(RequestModel):
    """`skip_lost`: lanjutkan juga bila sebagian peristiwa yang belum terkirim sudah tidak disimpan."""

    skip_lost: bool = False


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class SecretOut(SavedOut):
    """Yang tersimpan, versinya, dan kunci baru bila ada; kunci tidak dapat dibaca lagi sesudah ini."""

    secret: str | None = None


class WebhookOut(_Out):
    """Satu webhook."""

    id: UUID
    version: int
    agency: str
    url: str
    state: WebhookState
    reason: DisabledReason | None
    created_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookOut:
        """Return the answer for an endpoint."""
        return cls(**{name: getattr(webhook, name) for name in WebhookOut.model_fields})


class WebhookPage(_Out):
    """Satu halaman webhook."""

    items: list[WebhookOut]
    next: UUID | None


class LagOut(_Out):
    """Kemajuan dalam satu aliran: sampai mana terkirim, dan kapan yang gagal dicoba lagi."""

    stream: str
    position: int
    last: int
    tries: int
    failing_since: datetime | None
    due_at: datetime | None


class TryOut(_Out):
    """Satu pengiriman: isi dan jawabannya tidak disimpan."""

    stream: str | None
    position: int | None
    event_id: UUID
    type: str
    status: int | None
    error: str | None
    millis: int
    tried_at: datetime


class WebhookDetail(WebhookOut):
    """Satu webhook dengan kemajuan dan pengiriman terakhir."""

    streams: list[LagOut]
    deliveries: list[TryOut]

    @classmethod
    def of_shown(cls, shown: Shown) -> WebhookDetail:
        """Return the answer for an endpoint with all that is told of it."""
        lags = [
            LagOut(
                stream=lag.stream,
                position=lag.position,
                last=lag.last,
                tries=lag.tries,
                failing_since=lag.failing_since,
                due_at=lag.due_at if lag.tries else None,
            )
            for lag in shown.lags
        ]
        tries = [TryOut(**{name: getattr(item, name) for name in TryOut.model_fields}) for item in shown.tries]
        return cls(**WebhookOut.of(shown.webhook).model_dump(), streams=lags, deliveries=tries)
