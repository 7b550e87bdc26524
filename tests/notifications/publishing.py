"""Putting events on Kafka, as the relay of their service does."""

from __future__ import annotations

from collections.abc import Sequence

from shared.broker import KafkaSettings, make_producer
from shared.envelope import Event, to_kafka


async def publish(kafka: KafkaSettings, events: Sequence[Event], names: dict[str, str] | None = None) -> None:
    """Publish events in order, to the topics that stand for theirs."""
    producer = make_producer(kafka, "test")
    await producer.start()
    try:
        for event in events:
            key, value, headers = to_kafka(event)
            topic = (names or {}).get(event.fact.TOPIC, event.fact.TOPIC)
            await producer.send(topic, value, key=key, headers=headers)
        await producer.flush()
    finally:
        await producer.stop()
