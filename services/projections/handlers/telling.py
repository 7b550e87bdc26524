"""A rebuild tells how far it is, in a row that the page of operations reads. What goes wrong with that later stops no rebuild."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog

from services.projections.commands import Projection
from services.projections.handlers.rebuilding import Progress, RebuildResult
from services.projections.store import operations
from shared.database import SERVER_ERRORS, Connection

TELL_SECONDS = 1.0
LAST_TRIES = 3

log = structlog.get_logger(__name__)


class Teller:
    """Passes a rebuild's progress on, and writes the newest of it once a second."""

    def __init__(self, dsn: str, connection: Connection, progress: Progress) -> None:
        self._dsn = dsn
        self._connection = connection
        self._run = 0
        self._progress = progress
        self._newest: tuple[str, int, int] | None = None
        self._outcome = "failed"

    async def begin(self, projections: Sequence[Projection]) -> None:
        """Note that a rebuild begins. Raises the server's errors."""
        names = [projection.value for projection in projections]
        self._run = await operations.begin_rebuild(self._connection, names)

    def tell(self, stage: str, done: int, total: int) -> None:
        """Take how far the rebuild is."""
        self._newest = stage, done, total
        self._progress(stage, done, total)

    def ended(self, result: RebuildResult) -> RebuildResult:
        """Take what came of it, and return it; without this it failed."""
        self._outcome = "swapped" if result.swapped else "not_swapped"
        return result

    async def write(self, stop: asyncio.Event) -> None:
        """Write until ``stop`` is set, and then how it ended. A connection that was cut is made anew."""
        tries = LAST_TRIES
        while tries:
            with suppress(TimeoutError):
                async with asyncio.timeout(TELL_SECONDS):
                    await stop.wait()
            try:
                await self._write(ended=stop.is_set())
            except SERVER_ERRORS as error:
                log.warning("rebuild_not_told", error=type(error).__name__)
                self.close()
                tries -= stop.is_set()
            else:
                if stop.is_set():
                    return

    async def _write(self, *, ended: bool) -> None:
        if self._connection.is_closed():
            self._connection = await operations.connect_teller(self._dsn)
        if self._newest is not None:
            await operations.tell_rebuild(self._connection, self._run, *self._newest)
        if ended:
            await operations.end_rebuild(self._connection, self._run, self._outcome)

    def close(self) -> None:
        """Close the connection."""
        self._connection.terminate()


@asynccontextmanager
async def telling(dsn: str, projections: Sequence[Projection], progress: Progress) -> AsyncIterator[Teller]:
    """Let a rebuild tell of itself for the time of the block. Raises the server's errors if it cannot begin."""
    teller, stop = Teller(dsn, await operations.connect_teller(dsn), progress), asyncio.Event()
    try:
        await teller.begin(projections)
        writing = asyncio.create_task(teller.write(stop))
        try:
            yield teller
        finally:
            stop.set()
            await writing
    finally:
        teller.close()
