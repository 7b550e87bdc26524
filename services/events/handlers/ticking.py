"""What happens because time passes: a place that nobody confirmed goes to the next in reserve.

Any number of workers may do it: the exhibition is locked, and whoever comes second finds nothing left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from services.events.handlers.placing import lapse_places
from services.events.store import exhibitions
from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error
from shared.health import Pulse
from shared.identifiers import new_id
from shared.outbox import Cause, Hint

ACTOR = "events"
HANGS_SECONDS = 300.0

log = structlog.get_logger(__name__)


class Ticker:
    """Looks every ``seconds`` for what time has brought, by the clock of the database: all workers have the same."""

    def __init__(self, pool: Pool, seconds: float, clock: Callable[[], datetime] | None = None) -> None:
        self._pool = pool
        self._hint = Hint(pool)
        self._seconds = seconds
        self._clock = clock
        self.pulse = Pulse(HANGS_SECONDS + seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until ``stop`` is set. A database that is away is waited for."""
        self.pulse.beat()
        while not stop.is_set():
            try:
                await self.tick()
                self.pulse.beat()
            except SERVER_ERRORS as error:
                if not is_infrastructure_error(error):
                    raise
                # Not hung: it will be done when the database is back, and health names that.
                self.pulse.beat()
                log.warning("tick_postponed", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await stop.wait()

    async def tick(self) -> int:
        """Do what is due, each exhibition in its own transaction, and return how many places ended."""
        now = await exhibitions.database_time(self._pool) if self._clock is None else self._clock()
        ended = 0
        for exhibition_id in await exhibitions.exhibitions_with_late_places(self._pool, now):
            cause = Cause(str(new_id()), None, ACTOR, "command", None, now)
            async with self._pool.acquire() as connection, connection.transaction():
                places = await lapse_places(connection, exhibition_id, cause)
            log.info("places_lapsed", exhibition=str(exhibition_id), places=places)
            ended += places
        if ended:
            self._hint.wake()
        return ended
