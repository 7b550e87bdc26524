"""What the routes share: the version a caller has seen, the run of a command, the status of a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.registry.domain import refusals
from services.registry.domain.refusals import RefusalError
from services.registry.handlers import Saved
from shared.database import Connection, Pool
from shared.idempotency import Answer, Once
from shared.outbox import Hint
from shared.problems import Problem
from shared.sealing import KeyRing
from shared.web.versions import SeenVersion, etag

Work = Callable[[Connection], Awaitable[Saved]]
FIRST = UUID(int=0)

__all__ = [
    "FIRST",
    "After",
    "Limit",
    "Search",
    "SeenVersion",
    "Work",
    "etag",
    "pool_of",
    "problem_of",
    "refusals_as_problems",
    "ring_of",
    "run_once",
    "run_put",
]

_STATUS: dict[type[RefusalError], int] = {
    refusals.OwnerNotFoundError: 404,
    refusals.BusinessNotFoundError: 404,
    refusals.StaleVersionError: 412,
    refusals.NikTakenError: 409,
    refusals.OwnerErasedError: 410,
    refusals.TransitionRefusedError: 409,
    refusals.VerifierIsApplicantError: 409,
    refusals.SameBusinessError: 422,
    refusals.MergeTargetError: 409,
    refusals.AlreadyProposedError: 409,
    refusals.UnknownKbliError: 422,
    refusals.UnknownPlaceError: 422,
}
"""Every refusal has its status; ``test_every_refusal_has_a_status`` walks them."""

After = Annotated[UUID, Query(description="Nilai `next` dari halaman sebelumnya.")]
Limit = Annotated[int, Query(ge=1, le=200)]
Search = Annotated[str | None, Query(min_length=1, max_length=100, description="Awal kata dari nama.")]


def pool_of(request: Request) -> Pool:
    """Return the pool of this app."""
    return request.app.state.pool


def ring_of(request: Request) -> KeyRing:
    """Return the key ring of this app."""
    ring: KeyRing = request.app.state.ring
    return ring


def problem_of(refusal: RefusalError) -> Problem:
    """Return the answer to a refusal."""
    status = _STATUS[type(refusal)]
    extra: dict[str, Any] = {}
    if isinstance(refusal, refusals.TransitionRefusedError):
        extra = {"current": refusal.status.value, "allowed": [status.value for status in refusal.allowed]}
    if isinstance(refusal, refusals.StaleVersionError):
        extra = {"current": str(refusal.current)}
    return Problem(status, refusal.slug, refusal.title, str(refusal), **extra)


@asynccontextmanager
async def refusals_as_problems() -> AsyncIterator[None]:
    """Turn refusals of the rules into problem answers."""
    try:
        yield
    except RefusalError as refusal:
        raise problem_of(refusal) from refusal


def _wake_relay(request: Request) -> None:
    hint: Hint = request.app.state.hint
    hint.wake()


async def run_once(request: Request, once: Once, work: Work, *, status: int = 200) -> Response:
    """Run a command under the request's idempotency key and answer id and version."""

    async def answered(connection: Connection) -> Answer:
        async with refusals_as_problems():
            saved = await work(connection)
        content = {"id": str(saved.id), "version": saved.version}
        headers = {"ETag": etag(saved.version)}
        if status == 201:
            headers["Location"] = f"{request.url.path}/{saved.id}"
        return Answer(status, content, headers)

    response = await once.run(pool_of(request), answered)
    _wake_relay(request)
    return response


async def run_put(request: Request, work: Work) -> Response:
    """Run a command that ``If-Match`` protects from a second effect, and answer id and version."""
    async with refusals_as_problems(), pool_of(request).acquire() as connection, connection.transaction():
        saved = await work(connection)
    _wake_relay(request)
    return JSONResponse({"id": str(saved.id), "version": saved.version}, headers={"ETag": etag(saved.version)})
