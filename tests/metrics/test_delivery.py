"""Relay and consumer on real Kafka and PostgreSQL: their figures agree with what the tables and the broker hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import asyncpg
from aiokafka.errors import CommitFailedError

from ops.stack.processes import free_port
from shared.consumer import Consumer, request_redrive
from shared.consumer.measuring import CountedMessage, Measures
from shared.envelope import Event
from shared.metrics import Metrics
from shared.metrics.looking import outbox_look
from shared.relay import Relay
from tests.kernel.conftest import KernelDatabase, kernel_db
from tests.kernel.delivery import change, fact_on, published, running
from tests.kernel.test_consumer import TYPE, note, producing, record, until
from tests.metrics.reading import read
from tests.stack.servers import Kafka

__all__ = ["kernel_db"]


@asynccontextmanager
async def consuming(db: KernelDatabase, kafka: Kafka, topic: str, metrics: Metrics) -> AsyncIterator[Consumer]:
    """Run a measured consumer for the time of the block; of what is poison it knows the last life."""

    async def apply(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        if await connection.fetchval(
            "SELECT count(*) FROM thing WHERE id = ANY ($1::uuid[])", [e.meta.subject for e in events]
        ):
            raise ValueError("poison")
        await note(connection, events)

    consumer = Consumer(
        name=f"test-{topic}", topics=(topic,), types=frozenset({TYPE}), apply=apply, pool=db.pool,
        kafka=kafka.credentials(), instance="test",
    )  # fmt: skip
    consumer.measure(metrics)
    async with running(consumer):
        yield consumer


async def settled(metrics: Metrics, name: str, expected: int) -> dict[tuple[str, ...], float]:
    """Wait until so many records were settled and all is committed; return the figures of then."""
    async with asyncio.timeout(40):
        while True:
            found = await read(metrics)
            counted = sum(value for key, value in found.items() if key[:2] == ("naikkelas_consumer_events_total", name))
            lags = [value for key, value in found.items() if key[0] == "naikkelas_consumer_lag_records"]
            if counted == expected and lags == [0]:
                return found
            assert counted <= expected


async def test_a_consumer_tells_what_became_of_its_records(kernel_db: KernelDatabase, kafka: Kafka, topic: str) -> None:
    good, bad, gap = uuid4(), uuid4(), uuid4()
    await kernel_db.pool.execute("INSERT INTO thing (id) VALUES ($1)", bad)
    sent = [record(good, 1), record(good, 2), record(good, 2), record(bad, 1), record(bad, 2), record(gap, 2)]
    foreign = record(uuid4(), 1)
    headers = [(n, b"id.orang.9900." + v if n == "ce_type" and v else v) for n, v in foreign[2]]
    async with producing(kafka) as producer:
        for key, value, names in [*sent, (foreign[0], foreign[1], headers)]:
            await producer.send(topic, value, key=key, headers=names)
        await producer.send(topic, b"{}", key=b"?", headers=[])
        await producer.flush()
    metrics, name = Metrics(), f"test-{topic}"
    async with consuming(kernel_db, kafka, topic, metrics):
        found = await settled(metrics, name, 8)
        assert found["naikkelas_consumer_events_total", name, TYPE] == 6
        assert found["naikkelas_consumer_events_total", name, "other"] == 2
        assert found["naikkelas_consumer_applied_total", name] == 3
        assert found["naikkelas_consumer_duplicates_total", name] == 1
        for kind, count in {"poison": 1, "behind": 1, "gap": 1, "unreadable": 1}.items():
            assert found["naikkelas_consumer_parked_total", name, kind] == count
            assert found["naikkelas_consumer_parked", name, kind] == count
        assert found["naikkelas_consumer_batch_size_sum", name] == 8
        assert found["naikkelas_consumer_batch_duration_seconds_count", name] >= 1
        assert found["naikkelas_consumer_partitions", name] == 6
        assert found["naikkelas_consumer_rebalances_total", name] >= 1
        assert found["naikkelas_consumer_commit_errors_total", name] == 0
        await kernel_db.pool.execute("DELETE FROM thing")
        await request_redrive(kernel_db.pool, name, bad)
        await until(kernel_db, "SELECT count(*) FROM parked_event", 2)
        async with producing(kafka) as producer:
            key, value, names = record(gap, 1)
            await producer.send_and_wait(topic, value, key=key, headers=names)
        found = await settled(metrics, name, 9)
    assert found["naikkelas_consumer_redriven_total", name] == 2
    assert found["naikkelas_consumer_released_total", name] == 1
    assert found["naikkelas_consumer_applied_total", name] == 5
    assert [found["naikkelas_consumer_parked", name, kind] for kind in ("poison", "behind", "gap")] == [0, 0, 0]


async def test_lag_is_what_the_broker_has_and_nobody_committed(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    metrics, name = Metrics(), f"test-{topic}"
    async with producing(kafka) as producer, consuming(kernel_db, kafka, topic, metrics) as consumer:
        key, value, headers = record(uuid4(), 1)
        await producer.send_and_wait(topic, value, key=key, headers=headers)
        await settled(metrics, name, 1)
        blocker = await kernel_db.pool.acquire()
        try:
            async with blocker.transaction():
                await blocker.execute("LOCK TABLE stream_position")
                for _ in range(7):
                    key, value, headers = record(uuid4(), 1)
                    await producer.send_and_wait(topic, value, key=key, headers=headers)
                async with asyncio.timeout(20):
                    while consumer.idle.is_set():
                        await asyncio.sleep(0.01)
                found = await read(metrics)
                assert found["naikkelas_consumer_lag_records", name, topic] == 7
        finally:
            await kernel_db.pool.release(blocker)
        await settled(metrics, name, 8)


async def test_a_broker_that_is_away_and_a_commit_that_fails_are_counted(
    kernel_db: KernelDatabase, kafka: Kafka
) -> None:
    metrics, stop = Metrics(), asyncio.Event()
    nowhere = replace(kafka.credentials(), bootstrap=f"127.0.0.1:{free_port(0)}")
    consumer = Consumer(
        name="uji", topics=("uji",), types=frozenset(), apply=note, pool=kernel_db.pool, kafka=nowhere, instance="test"
    )
    consumer.measure(metrics)
    assert (await read(metrics))["naikkelas_consumer_failures_total", "uji", "broker"] == 0
    task = asyncio.create_task(consumer.run(stop))
    async with asyncio.timeout(30):
        while not (await read(metrics))["naikkelas_consumer_failures_total", "uji", "broker"]:
            await asyncio.sleep(0.05)
    stop.set()
    await task

    class Refusing:
        async def commit(self) -> None:
            raise CommitFailedError

        def seek(self, *_: object) -> None:
            """Go back."""

    measures = Measures(metrics := Metrics(), "uji", frozenset())
    message = CountedMessage((), Refusing(), measures)
    try:
        await message.ack()
    except CommitFailedError:
        assert (await read(metrics))["naikkelas_consumer_commit_errors_total", "uji"] == 1
    else:
        raise AssertionError("the failure was swallowed")


async def test_the_outbox_tells_how_much_waits_and_since_when_and_the_relay_what_it_published(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    fact, thing, metrics = fact_on(topic), uuid4(), Metrics()
    metrics.look("outbox", outbox_look(kernel_db.pool))
    assert await read(metrics) == {("naikkelas_outbox_depth",): 0, ("naikkelas_outbox_oldest_age_seconds",): 0}
    await kernel_db.pool.execute("INSERT INTO thing (id) VALUES ($1)", thing)
    async with kernel_db.connection() as connection:
        for _ in range(5):
            await change(connection, fact, thing)
    found = await read(metrics)
    assert found["naikkelas_outbox_depth",] == 5
    assert 0 < found["naikkelas_outbox_oldest_age_seconds",] < 60
    stop, relay = asyncio.Event(), Relay(kernel_db.dsn, kafka.credentials(), "test", metrics=metrics)
    task = asyncio.create_task(relay.run(stop))
    await published(kafka.credentials(), topic, 5)
    async with asyncio.timeout(20):
        while (found := await read(metrics))["naikkelas_outbox_depth",]:
            await asyncio.sleep(0.05)
    stop.set()
    await task
    assert found["naikkelas_relay_published_total", TYPE] == 5
    assert found["naikkelas_relay_batch_size_sum",] == 5
    assert found["naikkelas_relay_batch_duration_seconds_count",] == found["naikkelas_relay_batch_size_count",] >= 1
    assert found["naikkelas_outbox_oldest_age_seconds",] == 0
