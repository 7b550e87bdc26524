"""One look for all who wait: whether a stream has grown, or an agreement has changed."""

from __future__ import annotations

import asyncio

from services.partners.store import events
from shared.database import Pool
from shared.metrics import catalogue
from shared.metrics.holding import Figure
from shared.ticking import PeriodicLook

AGREEMENTS = ""
"""What the number that moves with every agreement goes under."""


class Watch(PeriodicLook):
    """Wakes those who wait for events. However many wait, the database is asked once each time."""

    def __init__(self, pool: Pool, seconds: float) -> None:
        super().__init__(pool, seconds)
        self._heads: dict[str, int] = {}
        self._moved = asyncio.Event()
        self.waiting = 0
        """How many wait now."""
        self.closing = False
        """Set when the process ends: nobody waits any more."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop`` is set, then let everybody go."""
        try:
            await super().run(stop)
        finally:
            self.closing = True
            self._wake()

    async def tick(self) -> int:
        """Look once; return how many streams have moved."""
        heads = await events.heads(self._pool)
        moved = sum(self._heads.get(name) != place for name, place in heads.items())
        self._heads = heads
        if moved:
            self._wake()
        return moved

    async def beyond(self, stream: str, position: int, seconds: float) -> None:
        """Return when the stream goes beyond a position, when an agreement has changed, or after so many seconds."""
        agreements = self._heads.get(AGREEMENTS)
        self.waiting += 1
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                while not self.closing and self._heads.get(stream, 0) <= position:
                    if self._heads.get(AGREEMENTS) != agreements:
                        return
                    await self._moved.wait()
        except TimeoutError:
            return
        finally:
            self.waiting -= 1

    async def figures(self) -> list[Figure]:
        """Return how many wait now, for who reads the metrics."""
        return [(catalogue.FEED_WAITING, (), self.waiting)]

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
