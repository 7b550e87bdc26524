"""What the trap tests share: a bare FastStream broker for the operator, a producer's records, and waiting for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512

from shared.broker import KafkaSettings, make_producer, make_reader
from shared.consumer import Consumer
from tests.stack.servers import Kafka

SECONDS = 15
NOWHERE = KafkaSettings("127.0.0.1:1", "user", "password")
Headers = list[tuple[str, bytes | None]]


def bare_broker(kafka: Kafka, **options: Any) -> KafkaBroker:
    """Return a FastStream broker with its defaults, not started."""
    settings = kafka.credentials()
    security = SASLScram512(settings.username, settings.password)
    return KafkaBroker(settings.bootstrap, security=security, **({"logger": None} | options))


def group() -> dict[str, Any]:
    """Return the options of a subscriber with a group of its own that reads from the start."""
    return {"group_id": f"trap-{uuid4().hex}", "auto_offset_reset": "earliest"}


async def apply_nothing(connection: Any, events: Sequence[Any]) -> None:
    """Apply nothing."""


def our_consumer(kafka: KafkaSettings = NOWHERE, topic: str = "topic") -> Consumer:
    """Return a consumer of the house, not started."""
    return Consumer(
        name=f"trap-{topic}", topics=(topic,), types=frozenset(), apply=apply_nothing, pool=None, kafka=kafka,
        instance="trap",
    )  # fmt: skip


async def write(kafka: Kafka, topic: str, *values: bytes | None, headers: Headers | None = None, to: int = 0) -> None:
    """Write records to one partition, keyed ``k``."""
    producer = make_producer(kafka.credentials(), "trap")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"k", partition=to, headers=headers or [])
    finally:
        await producer.stop()


async def read(kafka: Kafka, topic: str, at_least: int) -> list[Any]:
    """Return the first records of a topic."""
    reader = make_reader(kafka.credentials(), "trap-reader")
    await reader.start()
    found: list[Any] = []
    try:
        reader.subscribe([topic])
        async with asyncio.timeout(SECONDS):
            while len(found) < at_least:
                for records in (await reader.getmany(timeout_ms=200)).values():
                    found += records
    finally:
        await reader.stop()
    return found


async def count(kafka: Kafka, topic: str) -> int:
    """Return how many records the six partitions of a topic hold."""
    reader = make_reader(kafka.credentials(), "trap-reader")
    await reader.start()
    try:
        return sum((await reader.end_offsets([TopicPartition(topic, number) for number in range(6)])).values())
    finally:
        await reader.stop()


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Wait until a condition holds. Raises ``TimeoutError`` after 15 s."""
    async with asyncio.timeout(SECONDS):
        while not await _holds(condition()):
            await asyncio.sleep(0.02)


async def _holds(answer: Awaitable[bool] | bool) -> bool:
    return answer if isinstance(answer, bool) else await answer


async def committed(subscriber: Any, topic: str, partition: int = 0) -> int | None:
    """Return the offset that the subscriber's group committed."""
    offset: int | None = await subscriber.consumer.committed(TopicPartition(topic, partition))
    return offset


@asynccontextmanager
async def running(broker: KafkaBroker) -> AsyncIterator[KafkaBroker]:
    """Run a broker for the time of the block."""
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()
