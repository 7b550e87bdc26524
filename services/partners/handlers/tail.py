"""Events as the endpoints of a process share them: read from the database and made out once, not once for each.

Of the end of each stream it holds every event, of all types, so that nothing is missing for whatever a text grants. Who is further
behind has what others of the same types read a moment ago. That an event stands here says nothing of whether an agency may have it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from time import monotonic

from services.partners.handlers.paging import read_types
from services.partners.store import events as store
from services.partners.store.events import Kept, Unread
from shared.database import Pool

LENGTH = 500
"""Events of a stream that are kept in memory."""
SCANNED = 200
"""Events that are looked at for a page of who is further behind."""
SPANS = 16
"""So many of those readings are kept in memory, of all streams together."""
SPAN_SECONDS = 10.0
"""So long one of them is given to others: the retention may take the events meanwhile."""


@dataclass(slots=True)
class _Tail:
    """Everything of a stream after one position up to another, in order; positions have no gaps."""

    after: int
    events: list[Unread] = field(default_factory=list)

    @property
    def upto(self) -> int:
        return self.after + len(self.events)


@dataclass(frozen=True, slots=True)
class _Span:
    """Everything of some types of a stream after one position up to another, read because the tail does not hold it."""

    stream: str
    types: frozenset[str]
    after: int
    upto: int
    events: list[Kept]
    read_at: float

    def holds(self, stream: str, types: frozenset[str], after: int) -> bool:
        """Tell whether it has what comes next after a position, and is fresh."""
        reaches = self.after <= after < self.upto and self.stream == stream and self.types == types
        return reaches and not self.is_old()

    def is_old(self) -> bool:
        """Tell whether nobody may be given it any more."""
        return monotonic() - self.read_at > SPAN_SECONDS


class Tails:
    """The ends of all streams, and what was read before them a moment ago."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tails: dict[str, _Tail] = {}
        self._spans: deque[_Span] = deque(maxlen=SPANS)
        self._locks: dict[str, asyncio.Lock] = {}
        self._behind: dict[tuple[str, frozenset[str]], asyncio.Lock] = {}
        """Apart from those of the tails: whoever looks through much for little keeps no live event waiting."""

    async def read(self, stream: str, after: int, upto: int) -> list[Unread] | None:
        """Return all events after a position up to another, which is the stream's end or before it.

        ``None``: it is too far back, or not all of it is kept.
        """
        self._forget()
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

    async def read_behind(
        self, stream: str, types: Collection[str], after: int, upto: int
    ) -> tuple[list[Kept], int] | None:
        """Return some of the next events of some types after a position up to another, and up to where that is all of them.

        ``None``: some of it is not kept any more. Endpoints that catch up together find here what the first of them read, whatever
        each may see of it: where their own pages end elsewhere, what they still lack is joined to the next reading.
        """
        events: list[Kept] = []
        wanted, reached = frozenset(types), after
        async with self._behind.setdefault((stream, wanted), asyncio.Lock()):
            while reached < upto and len(events) < SCANNED:
                found = (span for span in self._spans if span.holds(stream, wanted, reached))
                span = next(found, None) or await self._read_span(stream, wanted, reached, upto)
                if span is None:
                    return None
                events += [item for item in span.events if reached < item.position <= upto]
                reached = min(span.upto, upto)
        return events, reached

    def _forget(self) -> None:
        while self._spans and self._spans[0].is_old():
            self._spans.popleft()

    async def _read_span(self, stream: str, types: frozenset[str], after: int, upto: int) -> _Span | None:
        self._forget()
        read_at = monotonic()
        found = await read_stored(self._pool, stream, types, after, upto, SCANNED)
        if found is None:
            return None
        span = _Span(stream, types, after, found[1], found[0], read_at)
        self._spans.append(span)
        return span


async def read_stored(
    pool: Pool, stream: str, types: Collection[str], after: int, upto: int, limit: int
) -> tuple[list[Kept], int] | None:
    """Return the next ``limit`` events of some types after a position up to another, and up to where that is all of them.

    ``None``: some of it is not kept any more.
    """
    found = await read_types(pool, stream, after, upto, types, limit)
    # Looked at afterwards: what was deleted before the reading has moved the beginning of the stream before it too.
    kept = await store.find_stream(pool, stream, None)
    return None if kept is None or after < kept.first - 1 else found
