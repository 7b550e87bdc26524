"""The feed: pages of a stream for an agency, under its agreement as it is at that moment.

It is its own replay: an agency may begin at any cursor and any time again, so nothing is marked here (docs/decisions/0037).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from services.partners.domain.cursors import read_cursor, write_cursor
from services.partners.domain.refusals import CursorAheadError, CursorHistoryError, HistoryGoneError
from services.partners.handlers.measuring import Measures
from services.partners.handlers.paging import Granted, granted_of, kept_of, read_passing, shape
from services.partners.handlers.watching import Watch
from services.partners.store import disclosures
from services.partners.store import events as store
from services.partners.store.events import Kept
from shared.contracts.partnership import DeliveryWay
from shared.database import Connection, Pool
from shared.keys import KeyClient
from shared.refusals import NotFoundError

SETTLED = timedelta(minutes=2)
"""Longer than it takes to record a batch."""
SCANNED = 500
"""At least so many events are looked at for one page, so that a narrow filter does not take a request for each."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an agency asks for. ``since`` counts where there is no cursor; times are of recording, not of the events."""

    agency: str
    stream: str
    cursor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    wait: float = 0.0
    """Seconds to wait for the first event."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A page, and where it ends."""

    events: list[dict[str, Any]]
    cursor: str
    """Where the next page begins."""
    lag_events: int
    """How many events of the stream come after it, whether or not the agreement grants them."""
    lag_seconds: float
    """How long the first of those has been there; 0: there is none."""
    complete: bool
    """Whether the range that was asked for ends here: nothing of it will come any more."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """What one look found: the agreement, and the stream after a position."""

    granted: Granted
    after: int
    upto: int
    """Everything up to here was looked at."""
    kept: Sequence[Kept]
    """What passes of it."""
    last: int
    history: int
    until: int
    ended: bool
    """Whether nothing of the range comes after ``upto``, now or later."""
    now: datetime


class Feed:
    """Reads for agencies. ``cursor_keys``: the first signs, all are accepted."""

    def __init__(
        self, pool: Pool, cursor_keys: Sequence[bytes], keys: KeyClient, watch: Watch, measures: Measures
    ) -> None:
        self._pool = pool
        self._cursor_keys = cursor_keys
        self._keys = keys
        self._watch = watch
        self._measures = measures

    async def read(self, asked: Asked) -> Batch:
        """Return the next page; empty after ``wait`` seconds without an event that the agreement grants.

        Raises the refusals of ``in_force``, of cursors, ``StreamRefusedError``; ``KeysAwayError`` if personal fields are granted.
        """
        deadline = monotonic() + asked.wait
        position: int | None = None
        while True:
            looked = await self._look(asked, position)
            position = looked.upto
            left = deadline - monotonic()
            if looked.kept:
                batch = await self._give(asked, looked)
                if batch is not None:
                    return batch
                position = looked.after  # the agreement changed while parts were opened: the next look says how
            elif looked.ended or left <= 0 or self._watch.closing:
                return await self._batch(asked, looked, [])
            elif position >= looked.until:
                lasts = (looked.granted.terms.expires_at - looked.now).total_seconds()
                await self._watch.beyond(asked.stream, position, min(left, lasts))

    async def _look(self, asked: Asked, position: int | None) -> _Looked:
        """Look at agreement and stream in one snapshot, so that neither a retention nor an amendment comes in between."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            stream = await store.find_stream(connection, asked.stream, asked.until)
            if stream is None:
                raise NotFoundError("Aliran", asked.stream)
            granted = await granted_of(connection, asked.agency, asked.stream, stream.now, DeliveryWay.FEED)
            after = position if position is not None else await self._begin(connection, asked, stream)
            if after < stream.first - 1:
                raise HistoryGoneError(self._cursor(asked, stream.history, stream.first - 1))
            if after > stream.last:
                raise CursorAheadError(self._cursor(asked, stream.history, stream.last))
            until, size = max(stream.until, after), max(SCANNED, asked.limit)
            kept, upto = await read_passing(
                connection, asked.stream, after, until, granted.terms, granted.types, size, asked.limit
            )
        ended = upto >= until and _is_over(asked.until, stream)
        return _Looked(granted, after, upto, kept, stream.last, stream.history, until, ended, stream.now)

    async def _begin(self, connection: Connection, asked: Asked, stream: store.Stream) -> int:
        """Return the position after which the agency reads: of its cursor, of a time, or before the first that is kept."""
        if asked.cursor is not None:
            cursor = read_cursor(self._cursor_keys, asked.agency, asked.stream, asked.cursor)
            kept = await kept_of(connection, asked.stream, cursor, stream.history, stream.first)
            if kept < cursor.position:
                raise CursorHistoryError(self._cursor(asked, stream.history, kept))
            return cursor.position
        if asked.since is None:
            return stream.first - 1
        return max(stream.first - 1, await store.position_before(connection, asked.stream, asked.since))

    async def _give(self, asked: Asked, looked: _Looked) -> Batch | None:
        """Return what was found in the form of the agreement, noted in the disclosure log before it leaves.

        ``None``: the text does not count any more.
        """
        agreement, terms = looked.granted.agreement, looked.granted.terms
        shown, withheld = await shape(self._pool, self._keys, terms, looked.kept)
        events = list(shown.values())
        page = disclosures.Page(
            asked.agency,
            agreement.id,
            agreement.revision,
            DeliveryWay.FEED,
            asked.stream,
            looked.after,
            looked.upto,
            len(events),
            withheld,
        )
        if not await disclosures.insert_page(self._pool, page):
            return None
        return await self._batch(asked, looked, events)

    async def _batch(self, asked: Asked, looked: _Looked, events: list[dict[str, Any]]) -> Batch:
        self._measures.given(len(events))
        behind = looked.last - looked.upto
        waiting = await store.first_after(self._pool, asked.stream, looked.upto) if behind else None
        seconds = 0.0 if waiting is None else max(0.0, (looked.now - waiting).total_seconds())
        return Batch(events, self._cursor(asked, looked.history, looked.upto), behind, seconds, looked.ended)

    def _cursor(self, asked: Asked, history: int, position: int) -> str:
        return write_cursor(self._cursor_keys[0], asked.agency, asked.stream, position, history)


def _is_over(until: datetime | None, stream: store.Stream) -> bool:
    """Tell whether a range has all that it will ever have: what is being recorded has its time before it can be read."""
    return until is not None and (until <= stream.recorded_at or until + SETTLED <= stream.now)
