"""Rotation of a key-encryption key by HTTP: which keys are in use, and the next batch that is wrapped under the first of them.

The keys stay in the process that has them in its settings; whoever drives it (``naikkelas keys``) sees ids and counts only. A batch is
one transaction, so a rotation that ends anywhere is taken up by asking again from the beginning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from shared.auth import Principal, Role, allow
from shared.database import Connection, Pool
from shared.idempotency import Answer, OnlyOnce
from shared.identifiers import FIRST
from shared.rewrapping import Step
from shared.sealing import KeyRing
from shared.trail import Deed, append
from shared.web.app import RequestModel
from shared.web.deeds import pool_of

REASON = "rotation of a key-encryption key"
"""What the trail says of each; there is no other."""

log = structlog.get_logger(__name__)

Operator = Annotated[Principal, Depends(allow(Role.OPERATOR))]


Uses = Callable[[Pool], Awaitable[Mapping[str, int]]]
"""Returns how many rows need each key, by ``kek_id``."""
Rewrap = Callable[[Connection, KeyRing, UUID, int], Awaitable[Step]]


class BatchForm(RequestModel):
    """Dari mana, dan berapa banyak sekali."""

    after: UUID = Field(default=FIRST, description="Nilai `next` dari jawaban sebelumnya; kosong: dari awal.")
    limit: int = Field(default=500, ge=1, le=2_000)


class KeyOut(BaseModel):
    """Satu kunci pembungkus: hanya namanya, tidak pernah isinya."""

    model_config = ConfigDict(frozen=True)

    id: str
    place: Literal["first", "older", "missing"] = Field(
        description="`first` membungkus yang baru, `older` masih membuka, `missing` tidak ada di pengaturan."
    )
    rows: int = Field(description="Baris yang masih memerlukannya.")
    may_be_removed: bool


class RotationOut(BaseModel):
    """Kunci-kunci pembungkus layanan ini."""

    model_config = ConfigDict(frozen=True)

    keys: list[KeyOut]


class BatchOut(BaseModel):
    """Hasil satu langkah."""

    model_config = ConfigDict(frozen=True)

    rewrapped: int
    unreadable: int
    next: UUID | None


def _told(ring: KeyRing, uses: Mapping[str, int]) -> RotationOut:
    keys = [KeyOut(id=ring.kek_id, place="first", rows=uses.get(ring.kek_id, 0), may_be_removed=False)]
    for name in ring.kek_ids[1:]:
        rows = uses.get(name, 0)
        keys.append(KeyOut(id=name, place="older", rows=rows, may_be_removed=rows == 0))
    unknown = sorted(uses.keys() - set(ring.kek_ids))
    keys += [KeyOut(id=name, place="missing", rows=uses[name], may_be_removed=False) for name in unknown]
    return RotationOut(keys=keys)


def key_rotation_router(ring_of: Callable[[Request], KeyRing], uses: Uses, rewrap: Rewrap) -> APIRouter:
    """Return the two routes, for operators."""
    router = APIRouter(prefix="/key-rotation", tags=["kunci"])

    @router.get("", summary="Kunci pembungkus yang dipakai")
    async def show(request: Request, _principal: Operator) -> RotationOut:
        """Kunci mana masih diperlukan oleh berapa baris, dan mana boleh dihapus dari pengaturan."""
        return _told(ring_of(request), await uses(pool_of(request)))

    @router.post("/batches", response_model=BatchOut, summary="Bungkus ulang sejumlah kunci")
    async def rewrap_batch(request: Request, body: BatchForm, principal: Operator, once: OnlyOnce) -> Response:
        """Membungkus ulang di bawah kunci pertama dari pengaturan; dapat diulang dari awal kapan saja."""

        async def work(connection: Connection) -> Answer:
            ring = ring_of(request)
            step = await rewrap(connection, ring, body.after, body.limit)
            if step.rewrapped:
                details = {"older": list(ring.kek_ids[1:]), "after": str(body.after), "rewrapped": step.rewrapped}
                await append(
                    connection, Deed(principal.sub, "api", "rewrap_keys", f"key/{ring.kek_id}", REASON, details)
                )
            told = None if step.next is None else str(step.next)
            return Answer(200, {"rewrapped": step.rewrapped, "unreadable": step.unreadable, "next": told})

        answer = await once.run(pool_of(request), work)
        log.info("keys rewrapped", actor=principal.sub, kek_id=ring_of(request).kek_id, after=str(body.after))
        return answer

    return router
