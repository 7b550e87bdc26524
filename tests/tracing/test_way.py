"""Relay and consumer on real Kafka and PostgreSQL: what they tell of facts that somebody follows, and of which they tell nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from shared.consumer import Consumer, Definition
from shared.consumer.applying import Apply, apply_batch
from shared.contracts.registry import BusinessVerified
from shared.envelope import Event, EventMeta
from shared.outbox import append
from shared.relay import Relay
from shared.tracing import MOST_SPANS
from shared.tracing.running import TraceSettings, traced
from tests.desk import items
from tests.kernel.conftest import KernelDatabase, kernel_db
from tests.kernel.delivery import cause, fact_on
from tests.kernel.test_consumer import TYPE, note, until
from tests.stack.servers import Kafka
from tests.tracing.receiving import Receiver, receiving_spans

__all__ = ["kernel_db"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving_spans() as opened:
        yield opened


def line(flags: str = "01") -> str:
    """Return the span of somebody's command."""
    return f"00-{uuid4().hex}-{uuid4().hex[:16]}-{flags}"


async def store(db: KernelDatabase, topic: str, traceparent: str | None, origin: str = "command") -> UUID:
    """Store the first fact of a thing, of this cause."""
    thing, why = uuid4(), replace(cause(), traceparent=traceparent, origin=origin)
    async with db.connection() as connection, connection.transaction():
        await append(connection, "test", [(1, fact_on(topic)(business_id=thing))], why)
    return thing


async def go_the_way(db: KernelDatabase, kafka: Kafka, topic: str, apply: Apply, expected: int) -> None:
    """Publish what is stored, and apply it until so many things have an effect or are parked."""
    stop = asyncio.Event()
    relay = Relay(db.dsn, kafka.credentials(), "test")
    consumer = Consumer(
        name=f"test-{topic}", topics=(topic,), types=frozenset({TYPE}), apply=apply, pool=db.pool,
        kafka=kafka.credentials(), instance="test",
    )  # fmt: skip
    running = [asyncio.create_task(part(stop)) for part in (relay.run, consumer.run)]
    await until(db, "SELECT (SELECT count(*) FROM effect) + (SELECT count(*) FROM parked_event)", expected)
    stop.set()
    await asyncio.gather(*running)


async def test_a_fact_that_is_followed_is_told_of_on_its_way_and_its_effects_name_who_made_them(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str, receiver: Receiver
) -> None:
    followed, poison = line(), line()
    things = {await store(kernel_db, topic, followed): followed, await store(kernel_db, topic, poison): poison}
    good, bad = things
    for traceparent, origin in ((None, "command"), (line("00"), "command"), (line(), "import")):
        await store(kernel_db, topic, traceparent, origin)
    seen: dict[str, str | None] = {}

    async def apply(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        if any(event.fact.aggregate_id == bad for event in events):
            raise ValueError("poison")
        seen.update({event.meta.subject: event.meta.traceparent for event in events})
        await note(connection, events)

    with traced(TraceSettings(receiver.endpoint), "uji", "worker", "worker-1"), capture_logs() as logs:
        await go_the_way(kernel_db, kafka, topic, apply, 5)
    for traceparent, failed in ((followed, False), (poison, True)):
        _, trace_id, parent, _ = traceparent.split("-")
        sent, applied = sorted(receiver.of_trace(trace_id), key=lambda span: span.kind, reverse=True)
        assert (sent.name, sent.kind, sent.parent, sent.failed) == (f"send {topic}", "producer", parent, False)
        assert (applied.name, applied.kind, applied.parent) == (f"process {topic}", "consumer", parent)
        assert (applied.failed, applied.attributes.get("error.type")) == (failed, "parked" if failed else None)
        assert applied.attributes["messaging.message.id"] == sent.attributes["messaging.message.id"]
        assert applied.attributes["messaging.consumer.group.name"] == f"test-{topic}"
    assert len(receiver.spans) == 4
    (applied,) = (span for span in receiver.of_trace(followed.split("-")[1]) if span.kind == "consumer")
    assert seen.pop(str(good)) == f"00-{applied.trace_id}-{applied.span_id}-01"
    assert len(seen) == 3
    (parked,) = (entry for entry in logs if entry["event"] == "event_parked")
    assert parked["trace_id"] == poison.split("-")[1]


async def test_of_a_backlog_the_first_facts_of_a_round_are_told(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str, receiver: Receiver
) -> None:
    count, events = 5 * MOST_SPANS, []
    async with kernel_db.connection() as connection, connection.transaction():
        for _ in range(count):
            fact, why = fact_on(topic)(business_id=uuid4()), replace(cause(), traceparent=line())
            (event_id,) = await append(connection, "test", [(1, fact)], why)
            told = (event_id, TYPE, "/test", str(fact.aggregate_id), why.now, 1, "c", None, "command", why.traceparent)
            events.append(Event(EventMeta(*told), BusinessVerified(business_id=fact.aggregate_id)))
    seen: list[str | None] = []

    async def apply(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        seen.extend(event.meta.traceparent for event in events)
        await note(connection, events)

    stop, relay = asyncio.Event(), Relay(kernel_db.dsn, kafka.credentials(), "test")
    with traced(TraceSettings(receiver.endpoint), "uji", "worker", "worker-1"):
        running = asyncio.create_task(relay.run(stop))
        async with asyncio.timeout(20):
            while relay.published < count:
                await asyncio.sleep(0.01)
        stop.set()
        await running
        async with kernel_db.connection() as connection:
            await apply_batch(connection, Definition("uji", frozenset({TYPE}), apply), items(*events))
    for kind in ("producer", "consumer"):
        spans = [span for span in receiver.spans if span.kind == kind]
        assert len(spans) == MOST_SPANS
        assert spans[0].attributes["messaging.batch.message_count"] == count
    before = [event.meta.traceparent for event in events]
    assert [mine == theirs for mine, theirs in zip(seen, before, strict=True)] == [False] * MOST_SPANS + [True] * (
        count - MOST_SPANS
    )
