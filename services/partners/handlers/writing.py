"""The way ``kafka``: what an agreement grants, written into the agency's own topic (docs/decisions/0035).

Position and topic: a page is noted in the disclosure log, then published, and only when the broker has acknowledged all of it
does the position move. Whatever dies in between, the page is published again, with the same ids: nothing is lost, and the first
coming of each event is in order. Personal fields do not go this way: a topic keeps what was written, and cannot erase.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog

from services.partners.domain.lanes import StopReason
from services.partners.domain.records import record_parts
from services.partners.domain.refusals import RefusalError
from services.partners.domain.showing import show, wants_personal
from services.partners.handlers.measuring import Measures
from services.partners.handlers.paging import Granted, granted_of, read_passing
from services.partners.handlers.texts import Texts
from services.partners.store import disclosures, positions
from services.partners.store import events as store
from services.partners.store.events import Kept
from services.partners.store.positions import Waiting
from shared.contracts.partnership import DeliveryWay
from shared.database import Pool
from shared.relay.publishing import BrokerAwayError, Publisher, Record, Wave, milliseconds
from shared.ticking import PeriodicLook
from shared.topology import agency_topic

PAGE = 500
FRESH_SECONDS = 0.5
"""A page that was noted so long ago does not leave: the agreement may have ended meanwhile."""
SEND_SECONDS = 2.0
TOPICS_SECONDS = 2.0
"""How long the list of the broker's topics counts."""

log = structlog.get_logger(__name__)


class AgencyPublisher(Publisher):
    """Publishes what agencies see. Rows: ``topic``, ``key``, ``shown``.

    It gives up soon: with ``FRESH_SECONDS``, and 2 s in which a stuck producer is given up, a page leaves within 5 s or not at all.
    """

    def record_of(self, row: Any) -> Record:
        """Return the record of what an agency sees."""
        shown = row["shown"]
        return milliseconds(shown["time"]), *record_parts(shown)

    async def send(self, waves: Sequence[Wave]) -> None:
        """Send a page and wait until all of it is acknowledged. Raises ``BrokerAwayError`` if that takes too long."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await super().send(waves)
        except TimeoutError as error:
            await self.stop()
            raise BrokerAwayError("a page was not acknowledged in time") from error

    async def topics(self) -> frozenset[str]:
        """Return the topics that the broker has and lets us see. Raises ``BrokerAwayError``."""
        producer = await self.start()
        known = await self._bounded(producer.client.fetch_all_metadata())
        return frozenset(known.topics())


@dataclass(frozen=True, slots=True)
class _Page:
    granted: Granted
    after: int
    upto: int
    kept: list[Kept]


class Writer(PeriodicLook):
    """Writes what waits, page by page, each agency and stream in turn. Any number of workers may: a lane is held while it is written."""

    def __init__(
        self, pool: Pool, publisher: AgencyPublisher, texts: Texts, seconds: float, measures: Measures | None = None
    ) -> None:
        super().__init__(pool, seconds)
        self._publisher = publisher
        self._texts = texts
        self._measures = measures or Measures()
        self._stop = asyncio.Event()
        self._topics: frozenset[str] = frozenset()
        self._topics_at = 0.0
        self._missing: frozenset[str] = frozenset()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop`` is set. A broker or database that is away is waited for."""
        self._stop = stop
        try:
            await super().run(stop)
        finally:
            await self._publisher.stop()

    async def tick(self) -> int:
        """Write all that waits; return how many events that were."""
        written, going = 0, True
        try:
            while going and not self._stop.is_set():
                going = False
                for lane in await self._lanes():
                    events = await self._write(lane)
                    written, going = written + (events or 0), going or events is not None
                self.pulse.beat()
        except BrokerAwayError as error:
            self.pulse.beat()
            log.warning("agencies_wait", away="broker", detail=str(error)[:200])
        return written

    async def _lanes(self) -> list[Waiting]:
        """Return the lanes that wait for something granted, of agencies that have a topic."""
        waiting = await positions.waiting_lanes(self._pool)
        texts = await self._texts.load({(lane.id, lane.revision) for lane in waiting})
        lanes = [lane for lane in waiting if texts[lane.id, lane.revision].types(lane.stream)]
        if not lanes:
            return []
        if monotonic() - self._topics_at >= TOPICS_SECONDS:
            self._topics, self._topics_at = await self._publisher.topics(), monotonic()
        missing = frozenset(lane.agency for lane in lanes if agency_topic(lane.agency).name not in self._topics)
        if missing - self._missing:
            log.warning("agency_topic_missing", agencies=sorted(missing))  # `naikkelas agency create-user` makes it
        self._missing = missing
        return [lane for lane in lanes if lane.agency not in missing]

    async def _write(self, lane: Waiting) -> int | None:
        """Write the next page of a lane; return how many events it held, ``None`` if nothing moved.

        Raises ``BrokerAwayError``: then the page will be written again.
        """
        await positions.begin_lane(self._pool, lane.agency, lane.stream)
        async with self._pool.acquire() as connection, connection.transaction():
            position = await positions.hold_lane(connection, lane.agency, lane.stream)
            if position is None:
                return None
            page = await self._look(lane, position)
            if isinstance(page, StopReason):
                await positions.stop_lane(connection, lane.agency, lane.stream, page)
                log.warning("lane_stopped", agency=lane.agency, stream=lane.stream, after=position, reason=page.value)
                return None
            if page is None or not await self._publish(lane, page):
                return None
            moved_at = await positions.move_lane(connection, lane.agency, lane.stream, page.upto)
        if moved_at is not None:
            self._measures.written([item.recorded_at for item in page.kept], moved_at)
        return len(page.kept)

    async def _look(self, lane: Waiting, position: int) -> _Page | StopReason | None:
        """Look at agreement and stream in one snapshot, as the feed does; ``None``: nothing is granted, or nothing waits.

        A reason: events after the position are not kept any more, and nobody has said yet that it may go on without them.
        """
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            stream = await store.find_stream(connection, lane.stream, None)
            if stream is None:
                return None
            try:
                granted = await granted_of(connection, lane.agency, lane.stream, stream.now, DeliveryWay.KAFKA)
            except RefusalError:
                return None
            if position < stream.first - 1:
                return StopReason.RIWAYAT_DIHAPUS
            if position >= stream.last:
                return None
            kept, upto = await read_passing(
                connection, lane.stream, position, stream.last, granted.terms, granted.types, PAGE, PAGE
            )
        return _Page(granted, position, upto, kept)

    async def _publish(self, lane: Waiting, page: _Page) -> bool:
        """Note a page in the disclosure log and publish it; ``False``: its text does not count any more, or it took too long."""
        rows = [row for row in (self._row(lane, page, item) for item in page.kept) if row is not None]
        if not rows:
            return True
        waves = await self._publisher.prepare(rows)
        began = monotonic()
        if not await disclosures.insert_page(self._pool, _noted(lane, page, len(rows))):
            return False
        if monotonic() - began > FRESH_SECONDS:
            return False
        await self._publisher.send(waves)
        return True

    def _row(self, lane: Waiting, page: _Page, item: Kept) -> Mapping[str, Any] | None:
        shown = show(item.event, item.label, page.granted.terms)
        return shown and {"topic": agency_topic(lane.agency).name, "key": item.event.meta.subject, "shown": shown}


def _noted(lane: Waiting, page: _Page, events: int) -> disclosures.Page:
    """Return the row of the disclosure log: all personal parts are withheld, whatever the text grants."""
    terms = page.granted.terms
    withheld = tuple(item.position for item in page.kept if wants_personal(item.event.meta.type, terms))
    agreement = page.granted.agreement
    return disclosures.Page(
        lane.agency,
        agreement.id,
        agreement.revision,
        DeliveryWay.KAFKA,
        lane.stream,
        page.after,
        page.upto,
        events,
        withheld,
    )
