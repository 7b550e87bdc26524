"""The topics of agencies as tests see them: a user made as an operator makes it, who writes, and readers on librdkafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from time import monotonic
from typing import Any
from uuid import uuid4

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from confluent_kafka import Consumer, Message

from ops.kafka_admin.agencies import Access, create_user, revoke_users
from ops.kafka_admin.client import client_config
from services.partners.handlers.measuring import Measures
from services.partners.handlers.texts import Texts
from services.partners.handlers.writing import AgencyPublisher, Writer
from shared.broker import KafkaSettings
from shared.database import Pool
from tests.stack.servers import Kafka

READ_SECONDS = 30.0
QUIET_SECONDS = 1.0


@contextmanager
def an_agency(kafka: Kafka) -> Iterator[tuple[str, Access]]:
    """Give the code of an agency that exists for one test, with the access of its first user."""
    code = f"uji-{uuid4().hex[:10]}"
    access = create_user(kafka.admin, code)
    try:
        yield code, access
    finally:
        revoke_users(kafka.admin, code)
        kafka.admin.delete_topics([access.topic])[access.topic].result(15)


def settings_of(kafka: Kafka, access: Access) -> KafkaSettings:
    """Return how an agency reaches the broker."""
    return replace(kafka.credentials(), username=access.user, password=access.password)


def writer_of(
    kafka: Kafka, pool: Pool, publisher: AgencyPublisher | None = None, measures: Measures | None = None
) -> Writer:
    """Return who writes, as the partners' worker does, with the partners' rights."""
    publisher = publisher or AgencyPublisher(kafka.credentials("partners"), f"test-{uuid4().hex[:8]}")
    return Writer(pool, publisher, Texts(pool), 0.05, measures)


@asynccontextmanager
async def writing(*writers: Writer) -> AsyncIterator[None]:
    """Let writers run meanwhile."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(writer.run(stop)) for writer in writers]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def reader_of(kafka: Kafka, access: Access, group: str = "pembaca") -> Consumer:
    """Return a client of the agency that has subscribed to its topic in a group of its own."""
    config = client_config(settings_of(kafka, access)) | {
        "group.id": access.group_prefix + group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    consumer = Consumer(config)
    consumer.subscribe([access.topic])
    return consumer


def poll(consumer: Consumer, count: int, seconds: float = READ_SECONDS) -> list[Message]:
    """Return so many records, or what came in so many seconds."""
    found: list[Message] = []
    deadline = monotonic() + seconds
    while len(found) < count and monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append(message)
    return found


def parsed(messages: Sequence[Message]) -> list[Any]:
    """Return records as the SDK of CloudEvents reads them; the type that a header has is checked too."""
    return [
        from_binary_event(
            KafkaMessage(headers=dict(message.headers() or []), key=message.key(), value=message.value() or b"")
        )
        for message in messages
    ]


async def read_topic(kafka: Kafka, access: Access, count: int, *, more: bool = False) -> list[Any]:
    """Return the events of a topic from its beginning: ``count``, and with ``more`` what else comes in a second after them."""

    def work() -> list[Message]:
        consumer = reader_of(kafka, access, f"semua-{uuid4().hex[:8]}")
        try:
            found = poll(consumer, count)
            return found + (poll(consumer, 1_000_000, QUIET_SECONDS) if more else [])
        finally:
            consumer.close()

    return parsed(await asyncio.to_thread(work))
