"""A log of facts in memory, in the shape of Kafka's: for tests that are about what is done with the records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from services.projections.handlers.rebuilding import Offsets
from shared.consumer.records import Item, KafkaRecord, RawHeaders, read_item
from shared.envelope import Event, to_kafka
from shared.partitioning import digests_of

TOPIC = "umkm.business"


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
    """Partitions by key, as the relay's; ``grow`` adds some."""

    def __init__(self, partitions: int = 3) -> None:
        self._partitions: list[list[Record]] = [[] for _ in range(partitions)]
        self.order: list[Record] = []

    def publish(self, events: Iterable[Event], *, spoil: frozenset[tuple[str, int]] = frozenset()) -> None:
        """Append events; those whose aggregate and sequence are in ``spoil`` with a body that no contract accepts."""
        for each in events:
            key, value, headers = to_kafka(each)
            if (each.meta.subject, each.meta.sequence) in spoil:
                value = b'{"spoiled": true}'
            partition = digests_of([each.meta.subject])[0] % len(self._partitions)
            record = Record(TOPIC, partition, len(self._partitions[partition]), key, value, headers)
            self._partitions[partition].append(record)
            self.order.append(record)

    def grow(self, partitions: int) -> None:
        """Add partitions: keys whose home is another one now go on there."""
        self._partitions += [[] for _ in range(partitions)]

    def items(self, start: int = 0, end: int | None = None) -> list[Item]:
        """Return the records in the order they were published, as the live consumer may see them."""
        return [read_item(record) for record in self.order[start:end]]

    async def ends(self) -> Offsets:
        """Return where each partition ends now."""
        return {number: len(records) for number, records in enumerate(self._partitions)}

    async def read(self, starts: Offsets, ends: Offsets) -> AsyncIterator[list[KafkaRecord]]:
        """Yield chunks of seven records."""
        for number, start in starts.items():
            records = self._partitions[number][start : ends[number]]
            for first in range(0, len(records), 7):
                yield list(records[first : first + 7])
