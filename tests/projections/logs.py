"""A log of facts in memory, in the shape of Kafka's: for tests that are about what is done with the records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from services.projections.domain.making import TOPICS
from services.projections.handlers.rebuilding import Offsets
from shared.consumer.records import Item, KafkaRecord, RawHeaders, read_item
from shared.envelope import Event, to_kafka
from shared.partitioning import digests_of

Happening = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Record:
    """What is read of a Kafka record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders


class MemoryLog:
    """Topics with partitions by key, as the relay's; ``grow`` adds some to each."""

    def __init__(self, partitions: int = 3) -> None:
        self._partitions: dict[str, list[list[Record]]] = {topic: [[] for _ in range(partitions)] for topic in TOPICS}
        self.order: list[Record] = []

    def publish(self, events: Iterable[Event], *, spoil: frozenset[tuple[str, int]] = frozenset()) -> None:
        """Append events; those whose aggregate and sequence are in ``spoil`` with a body that no contract accepts."""
        for each in events:
            key, value, headers = to_kafka(each)
            if (each.meta.subject, each.meta.sequence) in spoil:
                value = b'{"spoiled": true}'
            topic = each.fact.TOPIC
            partitions = self._partitions[topic]
            partition = digests_of([each.meta.subject])[0] % len(partitions)
            record = Record(topic, partition, len(partitions[partition]), key, value, headers)
            partitions[partition].append(record)
            self.order.append(record)

    def grow(self, partitions: int) -> None:
        """Add partitions: keys whose home is another one now go on there."""
        for topic in self._partitions.values():
            topic += [[] for _ in range(partitions)]

    def items(self, start: int = 0, end: int | None = None) -> list[Item]:
        """Return the records in the order they were published, as the live consumer may see them."""
        return [read_item(record) for record in self.order[start:end]]

    async def ends(self) -> Offsets:
        """Return where each partition of each topic ends now."""
        return {
            (topic, number): len(records)
            for topic, partitions in self._partitions.items()
            for number, records in enumerate(partitions)
        }

    async def read(self, starts: Offsets, ends: Offsets) -> AsyncIterator[list[KafkaRecord]]:
        """Yield chunks of seven records."""
        for (topic, number), start in starts.items():
            records = self._partitions[topic][number][start : ends[topic, number]]
            for first in range(0, len(records), 7):
                yield list(records[first : first + 7])


class TimedLog(MemoryLog):
    """Lets things happen at a moment of a rebuild: before or after its ends are told for the nth time, from 1."""

    def __init__(self) -> None:
        super().__init__()
        self._before: Mapping[int, Happening] = {}
        self._after: Mapping[int, Happening] = {}
        self._asked = 0

    def plan(self, before: Mapping[int, Happening], after: Mapping[int, Happening] | None = None) -> None:
        """Say what happens during the next rebuild."""
        self._before, self._after, self._asked = before, after or {}, 0

    async def ends(self) -> Offsets:
        """Return where each partition ends now."""
        self._asked += 1
        if happen := self._before.get(self._asked):
            await happen()
        ends = await super().ends()
        if happen := self._after.get(self._asked):
            await happen()
        return ends
