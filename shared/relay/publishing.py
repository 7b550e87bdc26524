"""Rows of the outbox to record batches, and these to the broker: one batch per partition at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from shared.broker import AuthorityFileError, KafkaSettings, broker_cause, make_producer
from shared.envelope import SCHEMA_BASE, Header, dynamic_headers, static_headers
from shared.partitioning import digests_of

ACK_SECONDS = 30.0
STOP_SECONDS = 2.0
"""For a producer that is given up to send what it holds, and as long again for each way of ending it."""
PACKED = 200
"""So many records are packed before the loop is let go round: what is in flight goes on meanwhile."""

Place = tuple[str, int]
"""Topic and partition."""

Wave = dict[Place, Any]
"""At most one batch per partition."""


class BrokerAwayError(ConnectionError):
    """The broker did not take a batch in time; the producer was abandoned, publish the round again."""


Record = tuple[int, bytes, bytes, list[Header]]
"""A record as a batch takes it: milliseconds since 1970, key, value, headers. Plain, since each fact makes one."""


class Publisher:
    """An idempotent producer that is thrown away when it gets stuck, because aiokafka's never times out by itself.

    Rows are mappings with ``topic`` and ``key``, and what ``record_of`` makes a record of: here a row of the outbox.
    """

    def __init__(self, settings: KafkaSettings, client_id: str, schemas: str = SCHEMA_BASE) -> None:
        self._settings = settings
        self._schemas = schemas
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> AIOKafkaProducer:
        """Return the producer, started. Raises ``BrokerAwayError`` if no broker answers within 30 s, or none can be asked."""
        if self._producer is None:
            try:
                producer = make_producer(self._settings, self._client_id)
            except AuthorityFileError as error:
                raise BrokerAwayError(str(error)) from error
            try:
                async with asyncio.timeout(ACK_SECONDS):
                    await producer.start()
                self._producer = producer
            except (KafkaError, OSError, TimeoutError) as error:
                raise BrokerAwayError(f"no broker: {type(error).__name__}") from error
            finally:
                if self._producer is not producer:
                    await _abandon(producer)  # also when whoever starts it is cancelled
        return self._producer

    async def broker_cause(self) -> str | None:
        """Return why the broker is not to be reached, if so; a publisher that has not started knows nothing."""
        return None if self._producer is None else await broker_cause(self._producer.client)

    async def prepare(self, rows: Sequence[Any]) -> list[Wave]:
        """Return the rows as waves of batches: in a wave at most one batch per partition, waves in order."""
        producer = await self.start()
        waves: list[Wave] = []
        wave_of: dict[Place, int] = {}
        for number, (row, place) in enumerate(zip(rows, await self._places(producer, rows), strict=True)):
            if number % PACKED == PACKED - 1:
                await asyncio.sleep(0)
            depth, record = wave_of.setdefault(place, 0), self.record_of(row)
            while not _append(_batch(producer, waves, depth, place), record):
                depth = wave_of[place] = depth + 1
        return waves

    def record_of(self, row: Any) -> Record:
        """Return the record of a row."""
        key, time = row["key"], row["occurred_at"]
        headers = [
            *static_headers(row["type"], row["source"], self._schemas),
            *dynamic_headers(
                row["event_id"],
                key,
                row["sequence"],
                time,
                row["correlation_id"],
                row["causation_id"],
                row["origin"],
                row["traceparent"],
            ),
        ]
        return milliseconds(time), key.encode(), row["data"].encode(), headers

    async def _places(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> list[Place]:
        counts: dict[str, int] = {}
        for topic in {row["topic"] for row in rows}:
            counts[topic] = len(await self._bounded(producer.partitions_for(topic)))
        # All keys at once, whatever their topic: the vector's fixed cost for each key alone is 30 µs.
        digests = digests_of([row["key"] for row in rows])
        return [(topic := row["topic"], digest % counts[topic]) for row, digest in zip(rows, digests, strict=True)]

    async def send(self, waves: Sequence[Wave]) -> None:
        """Send the waves and wait for every acknowledgement.

        A later batch of a partition leaves only after the earlier one is in: a failure in between cannot reorder.
        Raises ``BrokerAwayError`` if one fails; the whole round has to be published again.
        """
        producer = await self.start()
        for wave in waves:
            await self._bounded(_send_wave(producer, wave))

    async def _bounded(self, work: Any) -> Any:
        try:
            async with asyncio.timeout(ACK_SECONDS):
                return await work
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop()
            raise BrokerAwayError(f"publishing failed: {type(error).__name__}") from error

    async def stop(self) -> None:
        """Give the producer up, whatever it still holds; what was not acknowledged is published again."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _abandon(producer)


async def _send_wave(producer: AIOKafkaProducer, wave: Wave) -> None:
    acknowledgements = [
        await producer.send_batch(batch, topic, partition=partition) for (topic, partition), batch in wave.items()
    ]
    await asyncio.gather(*acknowledgements)


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Stop without flushing for ever: aiokafka's ``stop()`` waits for batches that may never leave (#1101).

    Its sender would try for ever to send them, on connections that it makes anew: what it holds would go out long after others,
    or this relay itself, have published it, and nobody would have asked who owns the shards.
    """
    stopped = False
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await producer.stop()
        stopped = True
    except (KafkaError, OSError, TimeoutError):
        pass
    finally:
        if not stopped:  # also when whoever gives it up is cancelled: nobody else would end it
            ending = asyncio.create_task(_end(producer))
            _ENDING.add(ending)
            ending.add_done_callback(_ENDING.discard)
            await asyncio.shield(ending)


_ENDING: set[asyncio.Task[None]] = set()
"""Producers that are being ended, also when nobody waits for it any more."""


class _NoConnections(dict[Any, Any]):
    """In the place of a client's connections: one that is still being made is closed, and what waits for it is not sent."""

    def __setitem__(self, place: Any, connection: Any) -> None:
        connection.close()
        raise KafkaConnectionError("the producer was given up")


async def _end(producer: AIOKafkaProducer) -> None:
    """End what sends. Told so once, it still waits for what is in flight; told twice, no longer. Then nobody waits for its batches.

    Of several nodes it waits for one after the other: what goes to the others finds no connection any more.
    """
    await producer.client.close()
    producer.client._conns = _NoConnections()
    sender, accumulator = producer._sender.sender_task, producer._message_accumulator
    for _ in range(2):
        if sender is not None and not sender.done():
            sender.cancel()
            await asyncio.wait([sender], timeout=STOP_SECONDS)
    for batch in [*chain.from_iterable(accumulator._batches.values()), *accumulator._pending_batches]:
        batch.future.cancel()


def _batch(producer: AIOKafkaProducer, waves: list[Wave], depth: int, place: Place) -> Any:
    if depth == len(waves):
        waves.append({})
    wave = waves[depth]
    batch = wave.get(place)
    if batch is None:
        batch = wave[place] = producer.create_batch()
    return batch


@lru_cache(maxsize=256)
def milliseconds(time: str) -> int:
    """Return a time in milliseconds since 1970; the facts of a chunk of an import share theirs."""
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def _append(batch: Any, record: Record) -> bool:
    timestamp, key, value, headers = record
    return batch.append(timestamp=timestamp, key=key, value=value, headers=headers) is not None
