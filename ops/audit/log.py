"""The topics, read from their first record: what was published, in which order, how often."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.broker import KafkaSettings, make_reader, partitions_of
from shared.envelope import EnvelopeError, headers_of, read_address

POLL_MS = 500
MAX_RECORDS = 5_000

Watched = frozenset[tuple[bytes, bytes]]
"""CloudEvents type and origin of the events that must lead to a message."""

Taken = tuple[TopicPartition, Any]
"""A record of aiokafka, with where it was read."""


@dataclass(slots=True)
class TopicLog:
    """One topic as it was published."""

    heads: dict[str, int] = field(default_factory=dict)
    """Aggregate → the highest sequence up to which nothing is missing."""
    early: dict[str, dict[int, int]] = field(default_factory=dict)
    """Aggregate → sequences that came before one of their predecessors, each with its partition."""
    events: int = 0
    """Records seen for the first time."""
    duplicates: int = 0
    reordered: int = 0
    foreign: int = 0

    def take(self, subject: str, sequence: int, partition: int = 0) -> bool:
        """Count one record in the order of its partition; ``False`` if it was there before.

        Between partitions there is no order: an aggregate that moved as the topic grew is in order if it is in each.
        """
        head = self.heads.get(subject, 0)
        early = self.early.get(subject)
        if sequence <= head or (early is not None and sequence in early):
            self.duplicates += 1
            return False
        self.events += 1
        if sequence != head + 1:
            waiting = self.early.setdefault(subject, {})
            self.reordered += any(later > sequence and place == partition for later, place in waiting.items())
            waiting[sequence] = partition
            return True
        self.heads[subject] = sequence if early is None else self._close(subject, sequence, early, partition)
        return True

    def _close(self, subject: str, head: int, early: dict[int, int], partition: int) -> int:
        """A missing one came after its successors: count the inversion and move the head over them."""
        self.reordered += partition in early.values()
        while head + 1 in early:
            head += 1
            del early[head]
        if not early:
            del self.early[subject]
        return head


@dataclass(slots=True)
class Log:
    """All topics, and the events that must have led to a message."""

    topics: dict[str, TopicLog]
    notifying: set[str] = field(default_factory=set)
    """Ids of events of the watched types and origins."""


async def read_log(
    kafka: KafkaSettings,
    topics: Sequence[str],
    watched: Watched,
    progress: Callable[[int, int], None],
) -> Log:
    """Read every topic to where it ends now.

    ``watched`` are CloudEvents types with origins, ``progress(done, total)`` is called now and then. Raises aiokafka's errors.
    """
    log = Log({topic: TopicLog() for topic in topics})
    async for place, headers in read_headers(kafka, topics, progress):
        _take(log, watched, place, headers)
    return log


async def read_headers(
    kafka: KafkaSettings, topics: Sequence[str], progress: Callable[[int, int], None]
) -> AsyncIterator[tuple[TopicPartition, Sequence[tuple[str, bytes | None]]]]:
    """Give partition and headers of each record up to where its topic ends now. Raises aiokafka's errors."""
    reader = make_reader(kafka, "audit")
    await reader.start()
    try:
        ends = await _assign(reader, topics)
        total, done = sum(ends.values()), 0
        async for batch in batches_to(reader, ends):
            for place, record in batch:
                yield place, record.headers
                done += 1
            progress(done, total)
    finally:
        await reader.stop()


async def batches_to(reader: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> AsyncIterator[list[Taken]]:
    """Read what is assigned up to these ends; 0: nothing is there."""
    waiting = {place for place, end in ends.items() if end > 0}
    while waiting:
        batches = await reader.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        yield [(place, record) for place, found in batches.items() for record in found if record.offset < ends[place]]
        waiting = {place for place in waiting if await reader.position(place) < ends[place]}


async def _assign(reader: AIOKafkaConsumer, topics: Sequence[str]) -> dict[TopicPartition, int]:
    places = [TopicPartition(topic, number) for topic in topics for number in await partitions_of(reader, topic)]
    reader.assign(places)
    await reader.seek_to_beginning(*places)
    ends = await reader.end_offsets(places)
    starts = await reader.beginning_offsets(places)
    return {place: end if end > starts[place] else 0 for place, end in ends.items()}


def _take(log: Log, watched: Watched, place: TopicPartition, raw: Sequence[tuple[str, bytes | None]]) -> None:
    headers = headers_of(raw)
    try:
        address = read_address(headers)
    except EnvelopeError:
        log.topics[place.topic].foreign += 1
        return
    fresh = log.topics[place.topic].take(address.subject, address.sequence, place.partition)
    if fresh and (headers["ce_type"], headers.get("ce_origin", b"command")) in watched:
        log.notifying.add(headers.get("ce_id", b"").decode("ascii", "replace"))
