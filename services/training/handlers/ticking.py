"""What happens because time passes: offers run out, and seats are given once a deadline has passed.

Any number of workers may do it: the batch is locked, and whoever comes second finds nothing left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog

from services.training.domain.refusals import RefusalError
from services.training.handlers.enrolling import expire_offers, select_participants
from services.training.store import courses
from shared.database import SERVER_ERRORS, Pool, is_infrastructure_error
from shared.health import Pulse
from shared.identifiers import new_id
from shared.outbox import Cause, Hint

ACTOR = "training"
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
        """Do what is due, each batch in its own transaction, and return how many batches moved."""
        now = await courses.database_time(self._pool) if self._clock is None else self._clock()
        due = [
            *[(batch_id, False) for batch_id in await courses.batches_with_late_offers(self._pool, now)],
            *[(batch_id, True) for batch_id in await courses.batches_to_select(self._pool, now)],
        ]
        for batch_id, selecting in due:
            await self._move(batch_id, selecting, now)
        if due:
            self._hint.wake()
        return len(due)

    async def _move(self, batch_id: UUID, selecting: bool, now: datetime) -> None:
        cause = Cause(str(new_id()), None, ACTOR, "command", None, now)
        async with self._pool.acquire() as connection, connection.transaction():
            if not selecting:
                log.info("offers_expired", batch=str(batch_id), offers=await expire_offers(connection, batch_id, cause))
                return
            try:
                await select_participants(connection, batch_id, cause)
            except RefusalError as refusal:  # cancelled meanwhile
                log.info("selection_refused", batch=str(batch_id), rule=refusal.slug)
