"""The last events of each stream as the endpoints of a process share them: read from the database and made out once, not once for each.

It holds every event of a range, of all types, so that nothing is missing for whatever a text grants. Who is further behind reads
for itself. That an event stands here says nothing of whether an agency may have it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.partners.store import events as store
from services.partners.store.events import Unread
from shared.database import Pool

LENGTH = 500
"""Events of a stream that are kept in memory."""


@dataclass(slots=True)
class _Tail:
    """Everything of a stream after one position up to another, in order; positions have no gaps."""

    after: int
    events: list[Unread] = field(default_factory=list)

    @property
    def upto(self) -> int:
        return self.after + len(self.events)


class Tails:
    """The ends of all streams."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tails: dict[str, _Tail] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def read(self, stream: str, after: int, upto: int) -> list[Unread] | None:
        """Return all events after a position up to another, which is the stream's end or before it.

        ``None``: it is too far back, or not all of it is kept.
        """
        if upto - after > LENGTH:
            return None
        async with self._locks.setdefault(stream, asyncio.Lock()):
            tail = self._tails.get(stream)
            if tail is None or after > tail.upto:
                tail = self._tails[stream] = _Tail(after)
            if after < tail.after or not await self._extend(stream, tail, upto):
                return None
            return tail.events[after - tail.after : upto - tail.after]

    async def _extend(self, stream: str, tail: _Tail, upto: int) -> bool:
        """Read what is missing up to a position; ``False``: not all of it is kept any more."""
        if upto <= tail.upto:
            return True
        found = await store.read_all(self._pool, stream, tail.upto, upto)
        if [item.position for item in found] != list(range(tail.upto + 1, upto + 1)):
            return False
        tail.events += found
        if (spare := len(tail.events) - LENGTH) > 0:
            tail.after += spare
            del tail.events[:spare]
        return True
