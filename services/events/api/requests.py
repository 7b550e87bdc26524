"""What the routes share: who may call, the run of a command, the status of a refusal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.events.domain import refusals
from services.events.domain.refusals import RefusalError
from services.events.handlers import Saved
from shared.auth import Principal, Role, allow
from shared.database import Connection, Pool
from shared.idempotency import Answer, Once
from shared.outbox import Hint
from shared.problems import Problem
from shared.web.versions import etag

Work = Callable[[Connection], Awaitable[Saved]]
AnyWork = Callable[[Connection], Awaitable[Any]]
FIRST = UUID(int=0)

Officer = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS))]
"""Officers of a kelurahan apply for businesses of their own, and see those; what is an exhibition is the office's."""
Office = Annotated[Principal, Depends(allow(Role.PETUGAS_DINAS))]
Curator = Annotated[Principal, Depends(allow(Role.KURATOR, Role.PETUGAS_DINAS))]
Reader = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.KURATOR, Role.PETUGAS_DINAS))]
"""Curators see every application, officers of a kelurahan their own."""
After = Annotated[UUID, Query(description="Nilai `next` dari halaman sebelumnya.")]
Limit = Annotated[int, Query(ge=1, le=200)]

STATUS: dict[type[RefusalError], int] = {
    refusals.NotFoundError: 404,
    refusals.UnknownBusinessError: 409,
    refusals.StaleVersionError: 412,
    refusals.ExhibitionDatesError: 422,
    refusals.OrganiserError: 422,
    refusals.WaveTimesError: 422,
    refusals.NoWavesError: 422,
    refusals.DeadlineError: 422,
    refusals.CriteriaError: 422,
    refusals.CapacityError: 422,
    refusals.CapacityBelowPlacedError: 409,
    refusals.ExhibitionCancelledError: 409,
    refusals.WaveBegunError: 409,
    refusals.ApplicationsClosedError: 409,
    refusals.NotYetClosedError: 409,
    refusals.AlreadyCuratedError: 409,
    refusals.NotAnOwnerError: 422,
    refusals.OwnerErasedError: 410,
    refusals.BusinessGoneError: 409,
    refusals.AlreadyAppliedError: 409,
    refusals.ScoreError: 422,
    refusals.StrangersError: 409,
    refusals.UnscoredError: 409,
    refusals.TransitionRefusedError: 409,
    refusals.BoothElsewhereError: 422,
    refusals.BoothKindError: 422,
    refusals.BoothFullError: 409,
    refusals.ConfirmationLateError: 409,
    refusals.WaveNotBegunError: 409,
    refusals.SalesAmountError: 422,
    refusals.SalesDayError: 422,
    refusals.SalesElsewhereError: 422,
    refusals.SalesKnownError: 409,
    refusals.TooFewError: 409,
    refusals.AlreadyMemberError: 409,
    refusals.NoMembersError: 409,
    refusals.TurnDatesError: 422,
    refusals.TurnOverError: 409,
}
"""Every refusal has its status; a test walks them."""


def pool_of(request: Request) -> Pool:
    """Return the pool of this app."""
    return request.app.state.pool


def problem_of(refusal: RefusalError) -> Problem:
    """Return the answer to a refusal: its rule, the values that it compared, and an Indonesian sentence."""
    extra: dict[str, Any] = refusal.values
    return Problem(STATUS[type(refusal)], refusal.slug, refusal.title, str(refusal), **extra)


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


async def run_once(request: Request, once: Once, work: Work, *, created: str | None = None) -> Response:
    """Run a command under the request's idempotency key and answer id and version; ``created``: the path of what is new."""

    async def answered(connection: Connection) -> Answer:
        async with refusals_as_problems():
            saved = await work(connection)
        content = {"id": str(saved.id), "version": saved.version}
        headers = {"ETag": etag(saved.version)}
        if created is not None:
            headers["Location"] = f"{created}/{saved.id}"
        return Answer(200 if created is None else 201, content, headers)

    response = await once.run(pool_of(request), answered)
    _wake_relay(request)
    return response


async def run_many(request: Request, once: Once, work: AnyWork) -> Response:
    """Run a command on several things under the request's idempotency key; ``work`` returns what is answered, as JSON."""

    async def answered(connection: Connection) -> Answer:
        async with refusals_as_problems():
            return Answer(200, await work(connection))

    response = await once.run(pool_of(request), answered)
    _wake_relay(request)
    return response


async def run_put(request: Request, work: Work) -> Response:
    """Run a command that ``If-Match`` protects from a second effect, and answer id and version."""
    async with refusals_as_problems(), pool_of(request).acquire() as connection, connection.transaction():
        saved = await work(connection)
    _wake_relay(request)
    return JSONResponse({"id": str(saved.id), "version": saved.version}, headers={"ETag": etag(saved.version)})


def items_of(saved: Sequence[Saved]) -> dict[str, object]:
    """Return what several things came to, as it is answered."""
    return {"items": [{"id": str(item.id), "version": item.version} for item in saved]}
