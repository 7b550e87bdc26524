"""What happens because time passes, by the clock of the database: all workers have the same."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import structlog

from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error
from shared.health import Pulse
from shared.outbox import Hint

HANGS_SECONDS = 300.0

log = structlog.get_logger(__name__)


class PeriodicLook(ABC):
    """Looks every ``seconds`` for what time has brought. Any number of workers may: whoever comes second finds nothing."""

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

    async def now(self) -> datetime:
        """Return the time of this look."""
        if self._clock is not None:
            return self._clock()
        moment: datetime = await self._pool.fetchval("SELECT now()")
        return moment

    @abstractmethod
    async def tick(self) -> int:
        """Do what is due, each aggregate in its own transaction, and return how much that was."""
