"""How far each way to an agency is in a stream, compared with what was granted and what the disclosure log tells. Pure.

Each event that a text grants was handed over and stands in a page, or it waits and the lane says why. The position of an endpoint or a
topic goes over what its texts of that time did not grant: so an event is missed only if every text passes it that counted since it
was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ops.audit.disclosures import Pages, Row, Seen
from ops.audit.granting import SLACK, Texts
from ops.audit.report import Finding, Report, WayState
from shared.contracts.partnership import DeliveryWay


@dataclass(slots=True)
class Lane:
    """An endpoint, a topic, or the feed of an agency, in one stream."""

    agency: str
    way: DeliveryWay
    stream: str
    position: int
    """Everything up to here was handed over or not granted; of the feed: the end of the last page that was read."""
    state: WayState
    """What is told of this way, all streams together."""
    texts: frozenset[int] = frozenset()
    """The agency's texts that name the way; of a topic those that grant anything of the stream."""
    current: int | None = None
    """The text by which it goes on, also if that is suspended; ``None``: nothing waits, because nothing is granted."""
    began: int | None = None
    """What comes after it was asked for; ``None``: not known, or the feed, where the agency says itself what it asks for."""
    done: frozenset[int] = frozenset()
    """Handed over beyond the position."""
    noted: tuple[str, int, int] | None = None
    """Agreement, revision and end of what an endpoint was last on its way with."""
    noted_after: int | None = None
    """Where the page began that tells so."""
    missed: int = 0
    first_missed: Seen | None = None
    last_missed: int = 0
    taken: int = 0

    def miss(self, event: Seen) -> None:
        """Note an event that is granted, and that the position went over without a page."""
        self.missed += 1
        self.first_missed = self.first_missed or event
        self.last_missed = event.position

    @property
    def by(self) -> str:
        """Its way, with the endpoint, as findings say it."""
        return f"{self.way.value} {self.state.endpoint}" if self.state.endpoint else self.way.value

    @property
    def where(self) -> str:
        """Its name in a finding."""
        return f"{self.agency} {self.by} {self.stream}"


@dataclass(slots=True)
class Walk:
    """One stream from its first event, with its pages and lanes beside it."""

    report: Report
    stream: str
    texts: Texts
    lanes: Sequence[Lane]
    first: int
    """The first position whose event is still kept."""
    pages: Pages
    _furthest: dict[tuple[str, str], Row] = field(default_factory=dict)
    """Agency, and way with its endpoint → the page that begins last."""

    def open(self, row: Row) -> None:
        """Take a page of the disclosure log; they come in the order of where they begin."""
        if self.pages.open(row) is None:
            return
        self._furthest[row.agency, row.by] = row  # the last that comes begins last
        told = (row.agreement_id, row.revision, row.upto)
        for lane in self.lanes:
            if (
                lane.noted == told
                and (lane.agency, lane.way.value) == (row.agency, row.way)
                and row.endpoint in {None, lane.state.endpoint}
                and lane.noted_after is None
            ):
                lane.noted_after = row.after

    def take(self, event: Seen) -> None:
        """Take the next event."""
        passing = self.texts.passing(event.what)
        self.pages.take(event.position, passing)
        if not passing:
            return
        for lane in self.lanes:
            mine = passing & lane.texts
            if mine:
                self._judge(lane, event, mine)

    def _judge(self, lane: Lane, event: Seen, mine: frozenset[int]) -> None:
        stands = self.pages.stands(lane.way.value, lane.state.endpoint, mine, event.position)
        if event.position <= lane.position or event.position in lane.done:
            if stands:
                lane.state.delivered += 1
            elif self._was_due(lane, event, mine):
                lane.miss(event)
        elif lane.current in mine:
            if event.position < self.first and lane.way is DeliveryWay.WEBHOOK:
                lane.taken += 1
            elif event.position >= self.first:
                lane.state.waiting += 1

    def _was_due(self, lane: Lane, event: Seen, mine: frozenset[int]) -> bool:
        """Tell whether every text that counted since the event was recorded passes it: whenever it was gone over, it was granted."""
        if lane.began is None or not lane.began < event.position:
            return False
        if lane.way is DeliveryWay.KAFKA and event.position < self.first:
            return False  # it may have been gone before the topic was begun
        since = [place for place in lane.texts if self.texts.all[place].ends > event.recorded_at - SLACK]
        return bool(since) and mine.issuperset(since)

    def end(self) -> None:
        """Compare what can only be told when all was seen."""
        self.pages.end()
        self._beyond()
        for lane in self.lanes:
            self._end(lane)

    def _beyond(self) -> None:
        """No page begins after the place where its way is."""
        reached: dict[tuple[str, str], int] = {}
        for lane in self.lanes:
            # A page that does not tell its endpoint is held against the furthest of its agency.
            for by in {lane.way.value, lane.by}:
                key = (lane.agency, by)
                reached[key] = max(reached.get(key, 0), lane.position, self.first - 1)
        for (agency, by), row in self._furthest.items():
            position = reached.get((agency, by))
            if position is None or row.after > position:
                detail = f"page {row.id} begins after {row.after}, and " + (
                    "no endpoint or topic has a position" if position is None else f"the position is {position}"
                )
                self.report.add(Finding("beyond", f"{agency} {by} {self.stream}", None, position, row.after, detail))

    def _end(self, lane: Lane) -> None:
        if lane.missed and lane.first_missed is not None:
            self.report.undelivered += lane.missed
            first = lane.first_missed
            detail = (
                f"positions {first.position} to {lane.last_missed}: {lane.missed} granted events were gone over, and no page of the "
                "disclosure log has them"
            )
            self.report.add(Finding("undelivered", lane.where, first.subject, lane.missed, 0, detail))
        if lane.taken:
            self.report.undelivered += lane.taken
            detail = (
                f"{lane.taken} granted events were not delivered while they were kept; resuming with skip_lost goes on"
            )
            self.report.add(Finding("taken", lane.where, None, lane.taken, 0, detail))
        if lane.noted is not None and lane.noted_after is None:
            detail = "the endpoint's last page does not stand in the disclosure log"
            self.report.add(Finding("undisclosed", lane.where, None, lane.noted[2], None, detail))
        if lane.noted_after is not None and lane.position < lane.noted_after:
            detail = "the position went back behind a page that was begun"
            self.report.add(Finding("beyond", lane.where, None, lane.noted_after, lane.position, detail))
        if lane.position > self.pages.last:
            detail = "the position is beyond the end of the stream"
            self.report.add(Finding("beyond", lane.where, None, self.pages.last, lane.position, detail))


def reason_of_endpoint(state: str, reason: str | None, tried_at: datetime | None) -> str | None:
    """Return why an endpoint that is not at work waits; ``None``: it is at work."""
    tried = f", last tried {tried_at.isoformat()}" if tried_at is not None else ""
    return {"dijeda": "paused", "dimatikan": f"disabled: {reason}{tried}", "dihapus": "removed"}.get(state)


def reason_of_failures(failing_since: datetime, tries: int, due_at: datetime) -> str:
    """Return why an endpoint that fails waits."""
    return f"retrying since {failing_since.isoformat()}, {tries} tries, next {due_at.isoformat()}"
