"""Topics of agencies, and public ones: what may be read there, written page by page (docs/decisions/0035 and 0044).

Position and topic: a page is told of where it must be, then published, and only when the broker has acknowledged all of it
does the position move. Whatever dies in between, the page is published again, with the same ids: nothing is lost, and the first
coming of each event is in order. Personal fields do not go this way: a topic keeps what was written, and cannot erase.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from services.partners.domain.lanes import StopReason
from services.partners.domain.records import record_parts
from services.partners.handlers.giving import AgencyGiver, Given, Giver, Page, PublicGiver, TopicLane
from services.partners.handlers.measuring import Measures
from services.partners.handlers.paging import read_passing
from services.partners.handlers.texts import Texts
from services.partners.store import events as store
from services.partners.store import positions
from shared.database import Pool
from shared.relay.publishing import BrokerAwayError, Publisher, Record, Wave, milliseconds
from shared.ticking import PeriodicLook

PAGE = 500
FRESH_SECONDS = 0.5
"""A page that was noted so long ago does not leave: the agreement may have ended meanwhile."""
SEND_SECONDS = 2.0
TOPICS_SECONDS = 2.0
"""How long the list of the broker's topics counts."""
LEFT_OUT_SECONDS = (1.0, 30.0)
"""How long a topic that cannot be written is left out: at first, and at most, doubled each time."""

log = structlog.get_logger(__name__)


class Told(NamedTuple):
    """A page of which was told that it is given, and which has not left: it is not told twice."""

    text: tuple[UUID, int] | None
    after: int
    upto: int
    events: int


class LeftOut(NamedTuple):
    """A topic that could not be written."""

    until: float
    seconds: float


class AgencyPublisher(Publisher):
    """Publishes what agencies and everybody see. Rows: ``topic``, ``key``, ``shown``.

    It gives up soon: with ``FRESH_SECONDS``, and 2 s in which a stuck producer is given up, a page leaves within 5 s or not at all.
    """

    def record_of(self, row: Any) -> Record:
        """Return the record of what an agency sees."""
        shown = row["shown"]
        return milliseconds(shown["time"]), *record_parts(shown)

    async def prepare(self, rows: Sequence[Any]) -> list[Wave]:
        """Return the rows as waves of batches. Raises ``BrokerAwayError``, soon too where only a topic's partitions are not known."""
        await self.start()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await super().prepare(rows)
        except TimeoutError as error:
            await self.stop()
            raise BrokerAwayError("a page was not made ready in time") from error

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


class Writer(PeriodicLook):
    """Writes what waits, page by page, lane by lane. Any number of workers may: a lane is held while it is written."""

    def __init__(
        self, pool: Pool, publisher: AgencyPublisher, texts: Texts, seconds: float, measures: Measures | None = None
    ) -> None:
        super().__init__(pool, seconds)
        self._publisher = publisher
        self._givers: tuple[Giver, ...] = (AgencyGiver(pool, texts), PublicGiver(pool))
        self._measures = measures or Measures()
        self._stop = asyncio.Event()
        self._topics: frozenset[str] = frozenset()
        self._topics_at = 0.0
        self._missing: frozenset[str] = frozenset()
        self._told: dict[tuple[str, str], Told] = {}
        """Agency and stream → the page that was told last, as long as it has not left."""
        self._left_out: dict[str, LeftOut] = {}

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
                for giver, lane in await self._lanes():
                    events = await self._attempt(giver, lane)
                    self.pulse.beat()
                    written, going = written + (events or 0), going or events is not None
                self.pulse.beat()
        except BrokerAwayError as error:
            self.pulse.beat()
            log.warning("agencies_wait", away="broker", detail=str(error)[:200])
        return written

    async def _attempt(self, giver: Giver, lane: TopicLane) -> int | None:
        """Write the next page of a lane; a topic that does not take it is left out for a while, and holds no other one up.

        Raises ``BrokerAwayError`` if it is the broker that is away.
        """
        if self._is_left_out(lane.topic):
            return None  # another stream of it has just failed
        try:
            events = await self._write(giver, lane)
        except BrokerAwayError as error:
            await self._publisher.topics()  # does it answer at all?
            first, most = LEFT_OUT_SECONDS
            before = self._left_out.get(lane.topic)
            seconds = first if before is None else min(2 * before.seconds, most)
            self._left_out[lane.topic] = LeftOut(monotonic() + seconds, seconds)
            log.warning("topic_left_out", topic=lane.topic, seconds=seconds, detail=str(error)[:200])
            return None
        if events is not None:
            self._left_out.pop(lane.topic, None)
        return events

    def _is_left_out(self, topic: str) -> bool:
        found = self._left_out.get(topic)
        return found is not None and monotonic() < found.until

    async def _lanes(self) -> list[tuple[Giver, TopicLane]]:
        """Return the lanes for which something waits and whose topic is there."""
        lanes = [(giver, lane) for giver in self._givers for lane in await giver.lanes()]
        if not lanes:
            return []
        if monotonic() - self._topics_at >= TOPICS_SECONDS:
            self._topics, self._topics_at = await self._publisher.topics(), monotonic()
        missing = frozenset(lane.topic for _, lane in lanes if lane.topic not in self._topics)
        if missing - self._missing:
            # `naikkelas agency create-user` makes an agency's, `naikkelas topics apply` the public ones.
            log.warning("topic_missing", topics=sorted(missing))
        self._missing = missing
        return [
            (giver, lane) for giver, lane in lanes if lane.topic not in missing and not self._is_left_out(lane.topic)
        ]

    async def _write(self, giver: Giver, lane: TopicLane) -> int | None:
        """Write the next page of a lane; return how many events it held, ``None`` if nothing moved.

        Raises ``BrokerAwayError``: then the page will be written again.
        """
        await positions.begin_lane(self._pool, lane.agency, lane.stream)
        async with self._pool.acquire() as connection, connection.transaction():
            position = await positions.hold_lane(connection, lane.agency, lane.stream)
            if position is None:
                return None
            found = await self._look(giver, lane, position)
            if isinstance(found, StopReason):
                await positions.stop_lane(connection, lane.agency, lane.stream, found)
                log.warning("lane_stopped", agency=lane.agency, stream=lane.stream, after=position, reason=found.value)
                return None
            if found is None or not await self._publish(lane, *found):
                return None
            _, page = found
            moved_at = await positions.move_lane(connection, lane.agency, lane.stream, page.upto)
        if moved_at is not None:
            self._measures.written([item.recorded_at for item in page.kept], moved_at)
        return len(page.kept)

    async def _look(self, giver: Giver, lane: TopicLane, position: int) -> tuple[Given, Page] | StopReason | None:
        """Look at what is given and at the stream in one snapshot, as the feed does; ``None``: nothing is, or nothing waits.

        A reason: events after the position are not kept any more, and nobody has said yet that it may go on without them.
        """
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            stream = await store.find_stream(connection, lane.stream, None)
            given = None if stream is None else await giver.given(connection, lane, stream.now)
            if stream is None or given is None:
                return None
            if position < stream.first - 1:
                return StopReason.RIWAYAT_DIHAPUS
            if position >= stream.last:
                return None
            told = self._told.get((lane.agency, lane.stream))
            # What was told and has not left is made once more, without what came since: that would be another page.
            until = min(stream.last, told.upto) if told is not None and told.after == position else stream.last
            kept, upto = await read_passing(
                connection, lane.stream, position, until, given.terms, given.types, PAGE, PAGE
            )
        return given, Page(position, upto, kept)

    async def _publish(self, lane: TopicLane, given: Given, page: Page) -> bool:
        """Tell of a page, once, and publish it; ``False``: it may not leave any more, or telling took too long."""
        forms = [(item.event.meta.subject, shown) for item in page.kept if (shown := given.form(item)) is not None]
        if not forms:
            return True
        waves = await self._publisher.prepare(
            [{"topic": lane.topic, "key": key, "shown": shown} for key, shown in forms]
        )
        key, told = (lane.agency, lane.stream), Told(given.text, page.after, page.upto, len(forms))
        began = monotonic()
        if not await (given.counts() if self._told.get(key) == told else given.tell(page, len(forms))):
            return False
        self._told[key] = told
        if monotonic() - began > FRESH_SECONDS:
            return False
        await self._publisher.send(waves)
        del self._told[key]
        return True
