"""The log from its beginning, for a rebuild: partitions assigned by hand, no group, nothing committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.projections.handlers.rebuilding import Offsets
from shared.broker import KafkaSettings, make_reader, partitions_of
from shared.consumer.records import KafkaRecord

POLL_MS = 200
MAX_RECORDS = 2_000


class KafkaLog:
    """One topic of Kafka."""

    def __init__(self, reader: AIOKafkaConsumer, topic: str, partitions: Iterable[int]) -> None:
        self._reader = reader
        self._places = [TopicPartition(topic, number) for number in partitions]

    async def ends(self) -> Offsets:
        """Return where each partition ends now."""
        found = await self._reader.end_offsets(self._places)
        return {place.partition: offset for place, offset in found.items()}

    async def read(self, starts: Offsets, ends: Offsets) -> AsyncIterator[list[KafkaRecord]]:
        """Yield the records of the partitions in ``starts``, in chunks of up to 2,000, up to ``ends``.

        Of records that were deleted from the log nothing is yielded: the gap shows in the sequences.
        """
        open_places = {place for place in self._places if starts.get(place.partition, 0) < ends.get(place.partition, 0)}
        if open_places:
            self._reader.assign(sorted(open_places))
        for place in open_places:
            self._reader.seek(place, starts.get(place.partition, 0))
        while open_places:
            found = await self._reader.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
            for place, records in found.items():
                end = ends[place.partition]
                wanted = [record for record in records if record.offset < end]
                if wanted:
                    yield wanted
            open_places = {p for p in open_places if await self._reader.position(p) < ends[p.partition]}


@asynccontextmanager
async def open_log(kafka: KafkaSettings, topic: str) -> AsyncIterator[KafkaLog]:
    """Connect to the topic, with all partitions that it has, declared or not. Raises aiokafka's errors."""
    reader = make_reader(kafka, "projections-rebuild")
    await reader.start()
    try:
        yield KafkaLog(reader, topic, await partitions_of(reader, topic))
    finally:
        await reader.stop()
