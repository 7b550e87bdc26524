"""What happens because time passes: offers run out, and seats are given once a deadline has passed.

Any number of workers may do it: the batch is locked, and whoever comes second finds nothing left to do.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from services.training.handlers.enrolling import expire_offers, select_participants
from services.training.store import courses
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.refusals import DeedRefusedError
from shared.ticking import PeriodicLook

ACTOR = "training"

log = structlog.get_logger(__name__)


class Ticker(PeriodicLook):
    """Runs out offers, and gives seats once a deadline has passed."""

    async def tick(self) -> int:
        """Do what is due, each batch in its own transaction, and return how many batches moved."""
        now = await self.now()
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
            except DeedRefusedError as refusal:  # cancelled meanwhile
                log.info("selection_refused", batch=str(batch_id), rule=refusal.slug)
