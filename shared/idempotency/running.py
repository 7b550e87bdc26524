"""The idempotent run of a request, as a FastAPI dependency."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, Header
from starlette.requests import Request
from starlette.responses import Response

from shared.auth.rules import dependencies_of, routes_of
from shared.idempotency.answers import REPLAYED, Answer, RequestKey, StoredAnswer, canonical, render, request_key
from shared.idempotency.table import WAIT_SECONDS, claim, store
from shared.idempotency.together import Asked, W, keeps
from shared.problems import MEDIA_TYPE, Problem, problem_response, request_id_of

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

__all__ = ["HEADER", "REPLAYED", "Once", "OnlyOnce", "assert_every_post_is_idempotent", "once"]


def _render_refusal(request: Request, problem: Problem) -> StoredAnswer:
    response = problem_response(problem, request_id_of(request), request.url.path)
    return StoredAnswer(problem.status, (("content-type", MEDIA_TYPE), *problem.headers.items()), bytes(response.body))


Work = Callable[[asyncpg.Connection], Awaitable[Answer]]


class Once:
    """The idempotent run of one request."""

    def __init__(self, request: Request, key: str) -> None:
        self._request = request
        self._key = key
        self.wait_seconds = WAIT_SECONDS

    async def identity(self, content: bytes | None = None) -> RequestKey:
        """Return the identity of the request; ``content`` stands for a body that must not be read again."""
        request = self._request
        if content is None:
            content = canonical(await request.body(), request.headers.get("content-type", ""))
        principal = getattr(request.state, "principal", None)
        return request_key(
            principal.sub if principal is not None else "",
            self._key,
            request.method.encode(),
            request.url.path.encode(),
            request.url.query.encode(),
            request.headers.get("if-match", "").encode(),
            content,
        )

    async def asked(self, wish: W) -> Asked[W]:
        """Return this request as one of several that are done in one transaction (``run_together``)."""
        return Asked(await self.identity(), wish, partial(_render_refusal, self._request))

    async def run(self, pool: asyncpg.Pool, work: Work, *, content: bytes | None = None) -> Response:
        """Do ``work`` in a transaction unless it was done before; return its answer, or the one of then."""
        key = await self.identity(content)
        async with pool.acquire() as connection:
            try:
                return await self._first(connection, key, work)
            except RefusalError as refusal:
                return await self._keep_refusal(connection, key, refusal.problem)

    async def _first(self, connection: asyncpg.Connection, key: RequestKey, work: Work) -> Response:
        async with connection.transaction():
            stored = await claim(connection, key, self.wait_seconds)
            if stored is not None:
                return stored.response(replayed=True)
            try:
                answer = render(await work(connection))
            except Problem as problem:
                if not keeps(problem):
                    raise
                raise RefusalError(problem) from problem
            await store(connection, key, answer)
        return answer.response(replayed=False)

    async def _keep_refusal(self, connection: asyncpg.Connection, key: RequestKey, problem: Problem) -> Response:
        """Store a refusal after the roll-back; if the same request succeeded meanwhile, its answer is the answer."""
        answer = _render_refusal(self._request, problem)
        async with connection.transaction():
            stored = await claim(connection, key, self.wait_seconds)
            if stored is not None:
                return stored.response(replayed=True)
            await store(connection, key, answer)
        return answer.response(replayed=False)


class RefusalError(Exception):
    """Carries a refusal out of the transaction, which rolls back on its way."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


async def once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(alias=HEADER, description="Kunci unik permintaan ini; permintaan ulang dengan kunci yang sama aman."),
    ] = None,
) -> Once:
    """Return the idempotent run of this request, as a dependency. Raises the problem 400 without a usable key."""
    if idempotency_key is None or not _KEY.fullmatch(idempotency_key):
        raise Problem(
            400,
            "kunci-wajib",
            "Idempotency-Key wajib diisi",
            "Sertakan header Idempotency-Key: 1 sampai 255 karakter ASCII tanpa spasi, baru untuk setiap permintaan baru.",
        )
    return Once(request, idempotency_key)


OnlyOnce = Annotated[Once, Depends(once)]


def assert_every_post_is_idempotent(app: FastAPI, *, except_paths: frozenset[str] = frozenset()) -> None:
    """Raise ``LookupError`` naming the POST routes that do not depend on ``once``; exceptions only read."""
    missing = [
        route.path
        for route in routes_of(app)
        if "POST" in (getattr(route, "methods", None) or ())
        and route.path not in except_paths
        and once not in (list(dependencies_of(route.dependant)) if getattr(route, "dependant", None) else [])
    ]
    if missing:
        raise LookupError(f"POST routes without an idempotency key: {'; '.join(missing)}")
