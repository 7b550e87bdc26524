"""The JSON Schemas of the events over HTTP, at the address that events carry as ``dataschema``: open to everybody.

Every service answers for every type, because each holds all contracts; ``SCHEMAS_URL`` names the one that events point to.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import orjson
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from shared.auth import public
from shared.contracts import CONTRACTS
from shared.contracts.fact import TYPE_PREFIX
from shared.contracts.schemas import document_of
from shared.problems import standard

SCHEMA_TYPE = "application/schema+json"
CACHE_SECONDS = 300


@cache
def schema_of_type(type_name: str) -> bytes:
    """Return the published schema of a type. Raises ``KeyError`` for a type that no event has."""
    return orjson.dumps(document_of(CONTRACTS[type_name]), option=orjson.OPT_INDENT_2)


@cache
def index() -> bytes:
    """Return the list of types with their topics; ``schema`` is the address beside that of the list."""
    rows = [
        {"type": name, "topic": fact.TOPIC, "title": fact.__name__, "schema": name}
        for name, fact in sorted(CONTRACTS.items())
    ]
    return orjson.dumps({"schemas": rows}, option=orjson.OPT_INDENT_2)


def cached_answer(request: Request, body: bytes, media_type: str) -> Response:
    """Answer with ``body``, which every cache may keep for a while; 304 to who has it already."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": f"public, max-age={CACHE_SECONDS}",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _has(told: str, tag: str) -> bool:
    tags = {item.strip().removeprefix("W/") for item in told.split(",")}
    return bool(tags & {tag, "*"})


def contracts_router() -> APIRouter:
    """Return the routes ``/schemas/`` and ``/schemas/{type}``."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(public())])

    @router.get("/schemas/")
    async def schemas(request: Request) -> Response:
        return cached_answer(request, index(), "application/json")

    @router.get("/schemas/{type_name}")
    async def schema(request: Request, type_name: str) -> Response:
        if type_name not in CONTRACTS:
            raise standard(404, f"Tidak ada peristiwa dengan jenis ini; jenis berawal dengan {TYPE_PREFIX}.")
        return cached_answer(request, schema_of_type(type_name), SCHEMA_TYPE)

    return router
