"""A rebuild tells how far it is, in a row that the page of operations reads. What goes wrong with that stops no rebuild."""

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

log = structlog.get_logger(__name__)


class Teller:
    """Passes a rebuild's progress on, and writes the newest of it once a second."""

    def __init__(self, connection: Connection, run: int, progress: Progress) -> None:
        self._connection = connection
        self._run = run
        self._progress = progress
        self._newest: tuple[str, int, int] | None = None
        self._outcome = "failed"

    def tell(self, stage: str, done: int, total: int) -> None:
        """Take how far the rebuild is."""
        self._newest = stage, done, total
        self._progress(stage, done, total)

    def ended(self, result: RebuildResult) -> RebuildResult:
        """Take what came of it, and return it; without this it failed."""
        self._outcome = "swapped" if result.swapped else "not_swapped"
        return result

    async def write(self, stop: asyncio.Event) -> None:
        """Write until ``stop`` is set, and then how it ended."""
        try:
            while not stop.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(TELL_SECONDS):
                        await stop.wait()
                if self._newest is not None:
                    await operations.tell_rebuild(self._connection, self._run, *self._newest)
            await operations.end_rebuild(self._connection, self._run, self._outcome)
        except SERVER_ERRORS as error:
            log.warning("rebuild_not_told", error=type(error).__name__)


@asynccontextmanager
async def telling(dsn: str, projections: Sequence[Projection], progress: Progress) -> AsyncIterator[Teller]:
    """Let a rebuild tell of itself for the time of the block. Raises the server's errors if it cannot begin."""
    connection = await operations.connect_teller(dsn)
    stop = asyncio.Event()
    try:
        run = await operations.begin_rebuild(connection, [projection.value for projection in projections])
        teller = Teller(connection, run, progress)
        writing = asyncio.create_task(teller.write(stop))
        try:
            yield teller
        finally:
            stop.set()
            await writing
    finally:
        connection.terminate()
