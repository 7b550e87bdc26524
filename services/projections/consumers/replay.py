"""The log from its beginning, for a rebuild: partitions assigned by hand, no group, nothing committed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.projections.handlers.rebuilding import Offsets, Place
from shared.broker import KafkaSettings, make_reader, partitions_of
from shared.consumer.records import KafkaRecord

POLL_MS = 200
MAX_RECORDS = 2_000
BROKER_WAIT_MS = 5
"""The end of the log is asked for while the batches of the live consumer wait: not behind a read that waits for more."""


class KafkaLog:
    """Some topics of Kafka."""

    def __init__(self, reader: AIOKafkaConsumer, places: Iterable[Place]) -> None:
        self._reader = reader
        self._places = {place: TopicPartition(*place) for place in places}

    async def ends(self) -> Offsets:
        """Return where each partition of each topic ends now."""
        found = await self._reader.end_offsets(list(self._places.values()))
        return {(place.topic, place.partition): offset for place, offset in found.items()}

    async def read(self, starts: Offsets, ends: Offsets) -> AsyncIterator[list[KafkaRecord]]:
        """Yield the records of the places in ``starts``, each partition's in order, in chunks of up to 2,000, up to ``ends``.

        Of records that were deleted from the log nothing is yielded: the gap shows in the sequences.
        """
        upto = {kafka: ends.get(place, 0) for place, kafka in self._places.items()}
        begin = {kafka: starts.get(place, 0) for place, kafka in self._places.items()}
        open_places = {place for place, end in upto.items() if begin[place] < end}
        if open_places:
            self._reader.assign(sorted(open_places))
        for place in open_places:
            self._reader.seek(place, begin[place])
        while open_places:
            found = await self._reader.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
            # What came of several partitions is one chunk: a few records in each are one batch to apply, not one in each.
            wanted = [record for place, records in found.items() for record in records if record.offset < upto[place]]
            if wanted:
                yield wanted
            open_places = {place for place in open_places if await self._reader.position(place) < upto[place]}


@asynccontextmanager
async def open_log(kafka: KafkaSettings, topics: Sequence[str]) -> AsyncIterator[KafkaLog]:
    """Connect to the topics, with all partitions that they have, declared or not. Raises aiokafka's errors."""
    reader = make_reader(kafka, "projections-rebuild", BROKER_WAIT_MS)
    await reader.start()
    try:
        places = [(topic, number) for topic in topics for number in await partitions_of(reader, topic)]
        yield KafkaLog(reader, places)
    finally:
        await reader.stop()
