"""Looks for requests to erase whose deadline has passed: each is noted and logged once, whoever looks."""

from __future__ import annotations

import structlog

from services.registry.store import erasure as store
from shared.ticking import PeriodicLook
from shared.wita import WITA

CHUNK = 500

log = structlog.get_logger(__name__)


class OverdueErasures(PeriodicLook):
    """Notes what is overdue. The route of requests and ``naikkelas erasures`` show it whether it was noted or not."""

    async def tick(self) -> int:
        """Note what became overdue, and return how many that were."""
        found = await store.note_overdue(self._pool, await self.now(), CHUNK)
        for request_id, state, due_at in found:
            due = due_at.astimezone(WITA).isoformat()
            log.warning("erasure_overdue", request_id=str(request_id), state=state, due_at=due)
        return len(found)
