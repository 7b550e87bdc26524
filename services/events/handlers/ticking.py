"""What happens because time passes: a place that nobody confirmed goes to the next in reserve.

Any number of workers may do it: the exhibition is locked, and whoever comes second finds nothing left to do.
"""

from __future__ import annotations

import structlog

from services.events.handlers.placing import lapse_places
from services.events.store import exhibitions
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.ticking import PeriodicLook

ACTOR = "events"

log = structlog.get_logger(__name__)


class Ticker(PeriodicLook):
    """Gives places that nobody confirmed to the next in reserve."""

    async def tick(self) -> int:
        """Do what is due, each exhibition in its own transaction, and return how many places ended."""
        now = await self.now()
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
