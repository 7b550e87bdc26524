"""What happens because time passes: agreements begin and run out, old events are forgotten. Any number of workers may do it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from services.partners.handlers.agreements import pass_time
from services.partners.store import agreements, events
from shared.database import Pool
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.ticking import PeriodicLook

ACTOR = "partners"

log = structlog.get_logger(__name__)


class Ticker(PeriodicLook):
    """Tells that agreements begin and run out. What they grant does not wait for it: every reading looks at the time itself."""

    def __init__(
        self, pool: Pool, seconds: float, retention: timedelta, clock: Callable[[], datetime] | None = None
    ) -> None:
        super().__init__(pool, seconds, clock)
        self._retention = retention

    async def tick(self) -> int:
        """Do what is due, each agreement in its own transaction, and return how many agreements moved."""
        now, moved = await self.now(), 0
        for agreement_id in await agreements.due_agreements(self._pool, now):
            cause = Cause(str(new_id()), None, ACTOR, "command", None, now)
            async with self._pool.acquire() as connection, connection.transaction():
                state = await pass_time(connection, agreement_id, cause)
            if state is not None:
                log.info("agreement_moved", agreement=str(agreement_id), state=state.value)
                moved += 1
        if moved:
            self._hint.wake()
        if retired := await events.retire(self._pool, now - self._retention):
            log.info("history_shortened", streams=retired)
        return moved
