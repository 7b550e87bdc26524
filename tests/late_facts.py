"""Facts on the real topics in every bad order, the service's own consumer with its own rights, and what the audit says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from ops.audit.audit import audit
from shared.broker import KafkaSettings, make_producer
from shared.consumer import Consumer
from shared.database import Pool, connected
from shared.envelope import Event, to_kafka
from tests.desk import Desk
from tests.kernel.delivery import running
from tests.notifications.waiting import until
from tests.stack.servers import Kafka

MakeConsumer = Callable[[Pool, KafkaSettings, str], Consumer]


@asynccontextmanager
async def working(desk: Desk, kafka: Kafka, service: str, make: MakeConsumer) -> AsyncIterator[Consumer]:
    """Run the consumer of a service, as the principal that it is, for the time of the block."""
    async with running(make(desk.pool, kafka.credentials(service), "test")) as consumer:
        yield consumer


async def publish(kafka: Kafka, *events: Event) -> None:
    """Write events to their topics in this order, whatever their sequences say."""
    producer = make_producer(kafka.credentials(), "test")
    await producer.start()
    try:
        for event in events:
            key, value, headers = to_kafka(event)
            await producer.send_and_wait(event.fact.TOPIC, value, key=key, headers=headers)
    finally:
        await producer.stop()


async def publish_broken(kafka: Kafka, event: Event) -> None:
    """Write a record with the headers of an event and a value that no contract takes."""
    producer = make_producer(kafka.credentials(), "test")
    await producer.start()
    try:
        key, _, headers = to_kafka(event)
        await producer.send_and_wait(event.fact.TOPIC, b'{"rusak":true}', key=key, headers=headers)
    finally:
        await producer.stop()


async def is_applied(desk: Desk, event: Event) -> bool:
    """Tell whether the consumer has applied an event."""
    found = await desk.pool.fetchval(
        "SELECT position FROM stream_position WHERE aggregate_id = $1", event.fact.aggregate_id
    )
    return (found or 0) >= event.meta.sequence


async def until_position(desk: Desk, event: Event) -> None:
    """Wait until the consumer has applied an event."""
    await until(lambda: is_applied(desk, event))


async def until_parked(desk: Desk, *events: Event) -> None:
    """Wait until these events are parked."""
    wanted = {(event.fact.aggregate_id, event.meta.sequence) for event in events}

    async def parked() -> bool:
        rows = await desk.pool.fetch("SELECT aggregate_id, sequence FROM parked_event")
        return wanted <= {(row["aggregate_id"], row["sequence"]) for row in rows}

    await until(parked)


async def duplicates(desk: Desk) -> int:
    """Return how many records the consumer passed over, because they had been applied before."""
    found = await desk.pool.fetchval("SELECT sum(value) FROM consumer_counter WHERE name = 'duplicates'")
    return int(found or 0)


async def until_duplicates(desk: Desk, least: int) -> None:
    """Wait until so many records were passed over."""

    async def passed() -> bool:
        return await duplicates(desk) >= least

    await until(passed)


async def said_by_the_audit(desk: Desk, service: str, kafka: Kafka, *events: Event) -> tuple[dict[UUID, int], int]:
    """Return what ``naikkelas audit`` says of this service alone.

    How many events are parked of each aggregate that these events are of, and how many effects are missing or doubled.
    """
    asked = {event.fact.aggregate_id for event in events}
    while True:
        # The consumer may still be reading what other tests left in the log: compared is what stood still meanwhile.
        before = await _parked(desk)
        report = await audit({service: desk.database.audit_dsn}, kafka.credentials(), 0, lambda *_: None)
        rows = await _parked(desk)
        if rows == before:
            break
    assert report.consumers[service].parked == sum(rows.values())
    parked = {aggregate_id: count for aggregate_id, count in rows.items() if aggregate_id in asked}
    return parked, report.total_findings["effect"] + report.total_findings["doubled"]


async def _parked(desk: Desk) -> dict[UUID | None, int]:
    """Return how many events are parked of each aggregate, as the audit's login sees it."""
    async with connected(desk.database.audit_dsn) as connection:
        rows = await connection.fetch("SELECT aggregate_id, sum(events)::int AS events FROM audit.parked GROUP BY 1")
    return {row["aggregate_id"]: row["events"] for row in rows}
