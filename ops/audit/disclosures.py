"""The rows of the disclosure log beside the events of a stream: what each range must hold, and what stands in any. Pure.

Rows come in the order of ``after``, events in the order of ``position``; only the rows whose range is open are kept in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from typing import NamedTuple

from ops.audit.granting import Class, Texts
from ops.audit.report import Finding, Report


class Row(NamedTuple):
    """A page that an agency was given: what of a range of a stream passes a text."""

    id: int
    agency: str
    agreement_id: str
    revision: int
    way: str
    after: int
    upto: int
    events: int
    given_at: datetime
    endpoint: str | None = None
    """To which it was posted; ``None``: not by webhook, or from before pages told so."""

    @property
    def by(self) -> str:
        """The way by which it was given, with the endpoint, as findings say it."""
        return self.way if self.endpoint is None else f"{self.way} {self.endpoint}"


class Seen(NamedTuple):
    """What is kept of an event for ever, as far as texts and topics look at it."""

    position: int
    what: Class
    recorded_at: datetime
    event_id: str
    subject: str


@dataclass(slots=True)
class Pages:
    """The pages of one stream. ``report`` is told of those that are not as they must be; ``None``: another look tells."""

    report: Report | None
    stream: str
    texts: Texts
    last: int
    places: Mapping[tuple[str, int], int]
    """Where each text is among ``texts``."""
    _counts: dict[int, int] = field(default_factory=dict)
    """Text → how many events passed it so far."""
    _reach: dict[tuple[str, str | None, int], int] = field(default_factory=dict)
    """Way, endpoint and text → how far the pages go that are open or closed."""
    _open: list[tuple[int, int, int, int, Row]] = field(default_factory=list)
    """Where it ends, its id, its text, what the text's count was before it; a heap."""

    def open(self, row: Row) -> int | None:
        """Take a page; return the place of its text, ``None`` if it has none by that way and was named for it."""
        place = self.places.get((row.agreement_id, row.revision))
        if place is None or self.texts.all[place].agency != row.agency:
            self._add("ungranted", row, 0, row.events, "given under a text that this agency never had")
            return None
        text = self.texts.all[place]
        if row.way not in text.terms.ways:
            self._add("ungranted", row, 0, row.events, "given by a way that its text does not name")
            return None
        if not text.counted(row.given_at):
            self._add(
                "ungranted", row, 0, row.events, f"given at {row.given_at.isoformat()}, when its text did not count"
            )
        if row.upto > self.last:
            self._add("beyond", row, self.last, row.upto, "goes beyond the end of the stream")
        key = (row.way, row.endpoint, place)
        self._reach[key] = max(self._reach.get(key, 0), row.upto)
        heappush(self._open, (row.upto, row.id, place, self._counts.get(place, 0), row))
        return place

    def take(self, position: int, passing: frozenset[int]) -> None:
        """Take the next event with the texts that it passes; the pages that begin before it are open."""
        self.close(position - 1)
        for place in passing:
            self._counts[place] = self._counts.get(place, 0) + 1

    def close(self, position: int) -> None:
        """Compare the pages that end at a position or before."""
        while self._open and self._open[0][0] <= position:
            _, _, place, before, row = heappop(self._open)
            holds = self._counts.get(place, 0) - before
            if holds != row.events:
                kind = "ungranted" if row.events > holds else "undelivered"
                self._add(
                    kind, row, holds, row.events, "the page tells of another number of events than its text grants"
                )

    def end(self) -> None:
        """Compare what is left: no event comes any more."""
        self.close(max((row[0] for row in self._open), default=0))

    def stands(self, way: str, endpoint: str | None, places: frozenset[int], position: int) -> bool:
        """Tell whether an event that passes these texts stands in a page by a way, to an endpoint where there is one.

        A page that does not tell its endpoint may have gone to any of its agency.
        """
        return any(self._reach.get((way, to, place), 0) >= position for place in places for to in {endpoint, None})

    def _add(self, kind: str, row: Row, expected: int, found: int, why: str) -> None:
        if self.report is not None:
            where = f"{row.agency} {row.by} {self.stream}"
            detail = f"page {row.id}, positions {row.after + 1} to {row.upto}: {why}"
            self.report.add(Finding(kind, where, None, expected, found, detail))
