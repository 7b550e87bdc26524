"""The run of a command by a route: under its idempotency key or version, with refusals as problems, and the relay told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shared.database import Connection, Pool
from shared.idempotency import Answer, Asked, Once, run_together
from shared.outbox import Hint
from shared.problems import Problem
from shared.refusals import DeedRefusedError, NotFoundError, StaleVersionError
from shared.web.versions import etag

After = Annotated[UUID, Query(description="Nilai `next` dari halaman sebelumnya.")]
Limit = Annotated[int, Query(ge=1, le=200)]

EVERYWHERE: Mapping[type[DeedRefusedError], int] = {NotFoundError: 404, StaleVersionError: 412}
"""The refusals that are the same in every service, with their status."""


class SavedOut(BaseModel):
    """Yang tersimpan, dan versinya."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    version: int


class Saved(Protocol):
    """What a command came to: what it changed, and its version after it."""

    @property
    def id(self) -> UUID:
        """The aggregate's id."""

    @property
    def version(self) -> int:
        """Its version now."""


W = TypeVar("W")
Work = Callable[[Connection], Awaitable[Saved]]
WorkForAll = Callable[[Connection, Sequence[W]], Awaitable[Sequence[Saved | DeedRefusedError | None]]]
"""Does what several want, and returns in their order what came of each; ``None``: not done together with others."""
AnyWork = Callable[[Connection], Awaitable[Any]]


def pool_of(request: Request) -> Pool:
    """Return the pool of this app."""
    return request.app.state.pool


def wake_relay(request: Request) -> None:
    """Tell the relay that there are facts to publish; after the commit."""
    hint: Hint = request.app.state.hint
    hint.wake()


def _answer(saved: Saved, created: str | None) -> Answer:
    headers = {"ETag": etag(saved.version)}
    if created is not None:
        headers["Location"] = f"{created}/{saved.id}"
    return Answer(200 if created is None else 201, {"id": str(saved.id), "version": saved.version}, headers)


@dataclass(frozen=True, slots=True)
class Deeds:
    """Runs the commands of one service; ``statuses`` has the status of each of its refusals."""

    statuses: Mapping[type[Any], int]

    def problem_of(self, refusal: DeedRefusedError) -> Problem:
        """Return the answer to a refusal: its rule, the values that it compared, and an Indonesian sentence."""
        extra: dict[str, Any] = refusal.values
        return Problem(self.statuses[type(refusal)], refusal.slug, refusal.title, str(refusal), **extra)

    @asynccontextmanager
    async def refusals_as_problems(self) -> AsyncIterator[None]:
        """Turn refusals of the rules into problem answers."""
        try:
            yield
        except DeedRefusedError as refusal:
            raise self.problem_of(refusal) from refusal

    async def run_once(self, request: Request, once: Once, work: Work, *, created: str | None = None) -> Response:
        """Run a command under the request's idempotency key and answer id and version; ``created``: the path of what is new."""

        async def answered(connection: Connection) -> Answer:
            async with self.refusals_as_problems():
                return _answer(await work(connection), created)

        response = await once.run(pool_of(request), answered)
        wake_relay(request)
        return response

    async def run_together(
        self, pool: Pool, work: WorkForAll[W], created: str, asked: Sequence[Asked[W]]
    ) -> list[Response | None]:
        """Run the commands of several requests in one transaction, each under its own key, and answer id and version of what is new.

        ``None``: to be run alone, as in ``shared.idempotency.run_together``. The relay is to be told afterwards.
        """

        async def answered(connection: Connection, wishes: Sequence[W]) -> list[Answer | Problem | None]:
            return [self._answer_of(came, created) for came in await work(connection, wishes)]

        return await run_together(pool, asked, answered)

    def _answer_of(self, came: Saved | DeedRefusedError | None, created: str) -> Answer | Problem | None:
        if isinstance(came, DeedRefusedError):
            return self.problem_of(came)
        return None if came is None else _answer(came, created)

    async def run_many(self, request: Request, once: Once, work: AnyWork) -> Response:
        """Run a command on several things under the request's idempotency key; ``work`` returns what is answered, as JSON."""

        async def answered(connection: Connection) -> Answer:
            async with self.refusals_as_problems():
                return Answer(200, await work(connection))

        response = await once.run(pool_of(request), answered)
        wake_relay(request)
        return response

    async def run_put(self, request: Request, work: Work) -> Response:
        """Run a command that ``If-Match`` protects from a second effect, and answer id and version."""
        async with self.refusals_as_problems(), pool_of(request).acquire() as connection, connection.transaction():
            saved = await work(connection)
        wake_relay(request)
        return JSONResponse({"id": str(saved.id), "version": saved.version}, headers={"ETag": etag(saved.version)})
