"""The fan-out: an announcement becomes a message for each owner of its audience, chunk by chunk.

A chunk is one transaction: the messages of the next owners, in the order of their ids, and how far it came. Killed
between two chunks, or in the midst of one, any worker goes on where the last commit stands. Two workers never have one
announcement in hand, and if they had, the ids of the messages would be the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from services.notifications.domain.announcements import AnnouncementState
from services.notifications.domain.routes import Routes
from services.notifications.store import announcements as store
from services.notifications.store.messages import read_clock
from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error

CHUNK = 5_000
IDLE_SECONDS = 0.5
AWAY_SECONDS = 2.0

log = structlog.get_logger(__name__)


class FanOut:
    """One loop of a worker; several may run, in one process or in many."""

    def __init__(
        self, pool: Pool, routes: Routes, *, chunk: int = CHUNK, clock: Callable[[], datetime] | None = None
    ) -> None:
        """``routes`` are the channels that this service runs; ``chunk`` is how many owners one transaction looks at.

        Without ``clock`` the database's time counts, as for the senders.
        """
        self._pool = pool
        self._routes = routes
        self._chunk = chunk
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set."""
        while not stop.is_set():
            wait = 0.0
            try:
                if not await self.step():
                    wait = IDLE_SECONDS
            except SERVER_ERRORS as error:
                if not is_infrastructure_error(error):
                    raise
                wait = AWAY_SECONDS
                log.warning("fan_out_waits", error=type(error).__name__, seconds=wait)
            if wait:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await stop.wait()

    async def step(self) -> bool:
        """Do one chunk of the oldest announcement that is free; ``False``: there was none."""
        async with self._pool.acquire() as connection, connection.transaction():
            await store.be_quick(connection)
            taken = await store.take(connection)
            if taken is None:
                return False
            now = self._clock() if self._clock else await read_clock(connection)
            if taken.state is AnnouncementState.CANCELLING:
                more = await store.take_back(connection, taken, self._chunk, now)
            else:
                more = await store.fan_out(connection, taken, self._routes, self._chunk, now)
        if not more:
            log.info("announcement_ended", announcement_id=str(taken.id), was=taken.state.value)
        return True
