"""Routes of owners' keys, for services only."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from services.registry.api.forms import KeysForm
from services.registry.api.requests import ring_of
from services.registry.handlers.keys import KeyAnswer, resolve_keys
from shared.auth import Principal, Role, allow
from shared.problems import Problem, standard
from shared.web.deeds import pool_of

Service = Annotated[Principal, Depends(allow(Role.LAYANAN))]

router = APIRouter(prefix="/keys", tags=["kunci"])


def _answer(answer: KeyAnswer) -> dict[str, str]:
    if isinstance(answer, bytes):
        return {"status": "ok", "key": b64encode(answer).decode()}
    return {"status": answer}


@router.post("/resolve", summary="Kunci beberapa pemilik")
async def resolve(request: Request, body: KeysForm, principal: Service) -> dict[str, Any]:
    """Kunci, atau mengapa tidak ada. Setiap permintaan dicatat dengan tujuannya; tidak mengubah apa pun."""
    async with pool_of(request).acquire() as connection, connection.transaction():
        answers = await resolve_keys(connection, ring_of(request), body.owner_ids, body.purpose, principal.sub)
    return {"keys": {str(owner_id): _answer(answer) for owner_id, answer in answers.items()}}


@router.get("/{owner_id}", summary="Kunci satu pemilik")
async def show_key(
    request: Request,
    owner_id: UUID,
    principal: Service,
    purpose: Annotated[str, Query(pattern=r"^[a-z][a-z0-9 _-]{2,59}$")],
) -> dict[str, str]:
    """Kunci satu pemilik; 410 bila datanya sudah dihapus, 404 bila tidak dikenal."""
    async with pool_of(request).acquire() as connection, connection.transaction():
        answers = await resolve_keys(connection, ring_of(request), [owner_id], purpose, principal.sub)
    answer = answers[owner_id]
    if answer == "erased":
        raise Problem(410, "pemilik-dihapus", "Data pemilik sudah dihapus", "Kunci pemilik ini sudah dihapus.")
    if answer == "unknown":
        raise standard(404, "Pemilik ini tidak dikenal.")
    return _answer(answer)
