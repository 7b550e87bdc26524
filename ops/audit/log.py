"""The topics, read from their first record: what was published, in which order, how often."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from ops.audit.checkpoint import MovedError, Place
from shared.broker import KafkaSettings, make_reader, partitions_of
from shared.envelope import EnvelopeError, headers_of, read_address, read_meta

POLL_MS = 500
MAX_RECORDS = 5_000

Watched = Mapping[tuple[bytes, bytes], datetime | None]
"""CloudEvents type and origin of the events that must lead to a message, each from which time on; ``None``: whenever."""

Taken = tuple[TopicPartition, Any]
"""A record of aiokafka, with where it was read."""

Bounds = tuple[int, int]
"""The first offset of a partition, and the one after its last."""


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
    places: dict[str, list[Place]] = field(default_factory=dict)
    """Topic → its partitions as they were read, in order."""


@dataclass(frozen=True, slots=True)
class Since:
    """What of the log is known already."""

    places: Mapping[str, list[Place]]
    version: Callable[[str, str], int]
    """Topic and aggregate → the sequence up to which it was read; 0: never seen."""


async def read_log(
    kafka: KafkaSettings,
    topics: Sequence[str],
    watched: Watched,
    progress: Callable[[int, int], None],
    *,
    since: Since | None = None,
    share: Mapping[str, str] | None = None,
) -> Log:
    """Read every topic to where it ends now; ``since``: only what came after.

    ``watched`` are CloudEvents types with origins, ``progress(done, total)`` is called now and then, ``share`` holds ids that are
    in memory already. Raises aiokafka's errors; ``MovedError`` if what is known is not in the log any more.
    """
    log = Log({topic: TopicLog() for topic in topics})
    reader = make_reader(kafka, "audit")
    await reader.start()
    try:
        bounds = await _assign(reader, topics)
        anchors = {} if since is None else _go_on(reader, bounds, since.places)
        last = await _read(reader, log, bounds, anchors, _Taking(watched, since, share or {}), progress)
    finally:
        await reader.stop()
    log.places = {topic: [] for topic in topics}
    for place, (start, end) in bounds.items():
        log.places[place.topic].append(Place(start, end, last.get(place)))
    return log


async def _read(
    reader: AIOKafkaConsumer,
    log: Log,
    bounds: dict[TopicPartition, Bounds],
    anchors: dict[TopicPartition, Place],
    taking: _Taking,
    progress: Callable[[int, int], None],
) -> dict[TopicPartition, str]:
    """Take what is assigned, and return the id of each partition's last event; an anchor must be where it was, and is not taken."""
    first = {place: await reader.position(place) for place in bounds}
    total, done, last = sum(end - first[place] for place, (_, end) in bounds.items()), 0, dict[TopicPartition, Any]()
    async for batch in batches_to(
        reader, {place: end if end > first[place] else 0 for place, (_, end) in bounds.items()}
    ):
        for place, record in batch:
            last[place] = record
            if place in anchors:
                _check_anchor(place, anchors.pop(place), record)
                continue
            taking.take(log, place, record.headers)
        done += len(batch)
        progress(done, total)
    if anchors:
        raise MovedError(f"{next(iter(anchors)).topic} lost records that were there")
    return {place: _id_of(record) for place, record in last.items()}


def _id_of(record: Any) -> str:
    return headers_of(record.headers).get("ce_id", b"").decode("ascii", "replace")


def _check_anchor(place: TopicPartition, proved: Place, record: Any) -> None:
    if record.offset != proved.end - 1 or _id_of(record) != proved.anchor:
        raise MovedError(
            f"{place.topic} holds another record at offset {proved.end - 1} of partition {place.partition}"
        )


def _go_on(
    reader: AIOKafkaConsumer, bounds: dict[TopicPartition, Bounds], proved: Mapping[str, list[Place]]
) -> dict[TopicPartition, Place]:
    """Begin at the last record that was read, and return what must be there. Raises ``MovedError``."""
    for topic, places in proved.items():
        now = sum(place.topic == topic for place in bounds)
        if now and now != len(places):
            raise MovedError(f"{topic} has {now} partitions, and had {len(places)}")
    anchors = {}
    for place, (start, end) in bounds.items():
        before = proved[place.topic][place.partition]
        if start != before.start:
            raise MovedError(f"{place.topic} does not begin any more where it began: its oldest records were deleted")
        if end < before.end:
            raise MovedError(f"{place.topic} ends before what was read: records were lost")
        if before.anchor is not None:
            anchors[place] = before
        reader.seek(place, before.end if before.anchor is None else before.end - 1)
    return anchors


async def read_headers(
    kafka: KafkaSettings, topics: Sequence[str], progress: Callable[[int, int], None]
) -> AsyncIterator[tuple[TopicPartition, Sequence[tuple[str, bytes | None]]]]:
    """Give partition and headers of each record up to where its topic ends now. Raises aiokafka's errors."""
    reader = make_reader(kafka, "audit")
    await reader.start()
    try:
        bounds = await _assign(reader, topics)
        total, done = sum(end - start for start, end in bounds.values()), 0
        async for batch in batches_to(
            reader, {place: end if end > start else 0 for place, (start, end) in bounds.items()}
        ):
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


async def _assign(reader: AIOKafkaConsumer, topics: Sequence[str]) -> dict[TopicPartition, Bounds]:
    """Take every partition of the topics from its first record, and return where each begins and ends now."""
    places = [TopicPartition(topic, number) for topic in topics for number in await partitions_of(reader, topic)]
    reader.assign(places)
    await reader.seek_to_beginning(*places)
    ends = await reader.end_offsets(places)
    starts = await reader.beginning_offsets(places)
    return {place: (starts[place], ends[place]) for place in places}


def calls_for_message(watched: Watched, headers: dict[str, bytes]) -> bool:
    """Tell whether an event must have led to a message: not one from before its type was told to anybody."""
    kind = (headers["ce_type"], headers.get("ce_origin", b"command"))
    if kind not in watched:
        return False
    since = watched[kind]
    try:
        return since is None or read_meta(headers).time >= since
    except EnvelopeError:
        return True  # no consumer can read it either: it is parked, which the audit tells as well


@dataclass(frozen=True, slots=True)
class _Taking:
    """How a record is taken into a log."""

    watched: Watched
    since: Since | None
    share: Mapping[str, str]

    def take(self, log: Log, place: TopicPartition, raw: Sequence[tuple[str, bytes | None]]) -> None:
        """Take a record by its headers."""
        headers = headers_of(raw)
        topic = log.topics[place.topic]
        try:
            address = read_address(headers)
        except EnvelopeError:
            topic.foreign += 1
            return
        subject = self.share.get(address.subject, address.subject)
        if self.since is not None and subject not in topic.heads and (head := self.since.version(place.topic, subject)):
            topic.heads[subject] = head
        fresh = topic.take(subject, address.sequence, place.partition)
        if fresh and calls_for_message(self.watched, headers):
            log.notifying.add(headers.get("ce_id", b"").decode("ascii", "replace"))
