"""Operators' routes of a service that consumes: what is parked, with its reason; redriving, discarding; the trail of their deeds.

No part of an event's content is shown that is personal, or that nobody can vouch for (``shared.parked.showing``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.responses import Response

from shared.auth import Principal, Role, allow
from shared.database import Connection
from shared.idempotency import Answer, Once, OnlyOnce
from shared.parked import (
    STATUSES,
    Order,
    ParkedRow,
    discard_one,
    list_parked,
    open_parked,
    redrive_all,
    redrive_one,
)
from shared.parked.deeds import WHAT
from shared.refusals import NotFoundError
from shared.trail import Entry, read_newest
from shared.trail.keeping import NEWEST
from shared.web.app import RequestModel
from shared.web.deeds import Deeds, pool_of
from shared.web.fields import one_line

LARGEST = 2**63 - 1

Operator = Annotated[Principal, Depends(allow(Role.OPERATOR))]
ParkedId = Annotated[int, Path(ge=1, le=LARGEST, description="Nomor peristiwa terparkir.")]
Rows = Annotated[int, Query(ge=1, le=200)]

_DEEDS = Deeds(STATUSES)


class DeedForm(RequestModel):
    """Mengapa: dicatat bersama nama Anda di jejak, untuk selamanya; jangan menulis data pribadi."""

    reason: Annotated[str, AfterValidator(one_line), Field(min_length=3, max_length=200)]


class RedriveForm(DeedForm):
    """Apa yang diputar ulang: semua yang terparkir, atau yang dari satu aliran."""

    aggregate_id: UUID | None = None


class Out(BaseModel):
    """Sebuah jawaban."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ParkedOut(Out):
    """Peristiwa yang disisihkan, tanpa isinya."""

    id: int = Field(description="Nomornya; yang gagal lagi sesudah diputar ulang mendapat nomor baru.")
    topic: str
    partition: int
    offset: int
    aggregate_id: UUID | None
    sequence: int | None
    type: str | None = Field(description="Kosong bila jenisnya tidak ada dalam kontrak.")
    kind: str = Field(examples=["poison"], description="`poison`, `gap`, `behind` atau `unreadable`.")
    reason: str
    attempts: int
    parked_at: datetime
    redrive_requested_at: datetime | None


class ContentOut(Out):
    """Isi yang boleh dilihat: bidang kontrak yang tidak pribadi."""

    size: int
    readable: bool
    fields: dict[str, str | int | float | bool | None]
    unknown_fields: int


class ParkedDetail(ParkedOut):
    """Peristiwa yang disisihkan, dengan isinya yang disamarkan."""

    content: ContentOut


class ParkedPage(Out):
    """Yang disisihkan, yang terlama dulu."""

    items: list[ParkedOut]
    next: int | None = Field(description="Nilai `after` halaman berikutnya; kosong bila sudah habis.")


class DoneOut(Out):
    """Berapa peristiwa yang kena."""

    count: int


class TrailOut(Out):
    """Satu tindakan operator."""

    number: int
    at: datetime
    actor: str
    way: str = Field(description="`api` atau `cli`.")
    deed: str
    object: str
    reason: str
    details: dict[str, Any]
    digest: str = Field(description="SHA-256 atas baris ini dan segel baris sebelumnya.")


class TrailPage(Out):
    """Jejak tindakan, yang terbaru dulu."""

    items: list[TrailOut]
    next: int | None = Field(description="Nilai `before` halaman berikutnya; kosong bila sudah habis.")


def parked_router(consumer: str) -> APIRouter:
    """Return the routes of the one consumer of this service."""
    router = APIRouter(tags=["operasi"])

    @router.get("/parked", summary="Peristiwa yang disisihkan, dengan sebabnya")
    async def listed(
        request: Request, _: Operator, after: Annotated[int, Query(ge=0, le=LARGEST)] = 0, limit: Rows = 50
    ) -> ParkedPage:
        rows = await list_parked(pool_of(request), consumer, after, limit + 1)
        items = [_parked_out(row) for row in rows[:limit]]
        return ParkedPage(items=items, next=items[-1].id if len(rows) > limit else None)

    @router.get("/parked/{parked_id}", summary="Satu peristiwa yang disisihkan, isinya disamarkan")
    async def opened(request: Request, _: Operator, parked_id: ParkedId) -> ParkedDetail:
        found = await open_parked(pool_of(request), consumer, parked_id)
        if found is None:
            raise _DEEDS.problem_of(NotFoundError(WHAT, parked_id))
        row, content = found
        return ParkedDetail(**_parked_out(row).model_dump(), content=ContentOut.model_validate(content))

    @router.post("/parked/redrive", summary="Putar ulang semua yang disisihkan", response_model=DoneOut)
    async def redrive_whole(request: Request, operator: Operator, once: OnlyOnce, form: RedriveForm) -> Response:
        order = _order(operator, form)
        return await _run(request, once, lambda c: redrive_all(c, consumer, order, form.aggregate_id))

    @router.post("/parked/{parked_id}/redrive", summary="Putar ulang satu peristiwa", response_model=DoneOut)
    async def redrive(
        request: Request, operator: Operator, once: OnlyOnce, parked_id: ParkedId, form: DeedForm
    ) -> Response:
        order = _order(operator, form)
        return await _run(request, once, lambda c: redrive_one(c, consumer, parked_id, order))

    @router.post("/parked/{parked_id}/discard", summary="Buang satu peristiwa untuk selamanya", response_model=DoneOut)
    async def discard(
        request: Request, operator: Operator, once: OnlyOnce, parked_id: ParkedId, form: DeedForm
    ) -> Response:
        order = _order(operator, form)
        return await _run(request, once, lambda c: discard_one(c, consumer, parked_id, order))

    return router


def trail_router() -> APIRouter:
    """Return the route of what operators did here."""
    router = APIRouter(tags=["operasi"])

    @router.get("/trail", summary="Jejak tindakan operator")
    async def listed(
        request: Request, _: Operator, before: Annotated[int, Query(ge=1, le=LARGEST)] = NEWEST, limit: Rows = 50
    ) -> TrailPage:
        rows = await read_newest(pool_of(request), before, limit + 1)
        following = rows[limit - 1].number if len(rows) > limit else None
        return TrailPage(items=[_trail_out(row) for row in rows[:limit]], next=following)

    return router


def _parked_out(row: ParkedRow) -> ParkedOut:
    return ParkedOut.model_validate(row)


def _trail_out(entry: Entry) -> TrailOut:
    return TrailOut(
        number=entry.number,
        at=entry.at,
        actor=entry.actor,
        way=entry.way,
        deed=entry.deed,
        object=entry.thing,
        reason=entry.reason,
        details=orjson.loads(entry.details),
        digest=entry.digest.hex(),
    )


def _order(operator: Principal, form: DeedForm) -> Order:
    return Order(operator.sub, "api", form.reason)


async def _run(request: Request, once: Once, work: Callable[[Connection], Awaitable[int]]) -> Response:
    async def answered(connection: Connection) -> Answer:
        async with _DEEDS.refusals_as_problems():
            return Answer(200, {"count": await work(connection)})

    return await once.run(pool_of(request), answered)
