"""The consumer on real Kafka: odd records are set aside, an outage is waited for, a redelivery has no second effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaProducer
from confluent_kafka import KafkaException
from faststream import AckPolicy

from ops.stack.processes import free_port
from proof.network import Cable
from shared.broker import KafkaSettings, make_producer
from shared.consumer import Consumer
from shared.contracts.registry import BusinessVerified
from shared.envelope import Event, EventMeta, to_kafka
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import running
from tests.stack.servers import Kafka

TYPE = BusinessVerified.type_name()
Apply = Callable[[asyncpg.Connection, Sequence[Event]], Awaitable[None]]
RawHeaders = list[tuple[str, bytes | None]]


async def note(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
    """Write one effect per event; a second one of the same event would fail."""
    await connection.executemany(
        "INSERT INTO effect (aggregate_id, sequence) VALUES ($1, $2)",
        [(event.meta.subject, event.meta.sequence) for event in events],
    )


def record(thing: UUID, sequence: int) -> tuple[bytes, bytes, RawHeaders]:
    """Return key, value and headers of a good record."""
    meta = EventMeta(uuid4(), TYPE, "/test", str(thing), datetime.now(UTC), sequence, "c", None, "command", None)
    key, value, headers = to_kafka(Event(meta, BusinessVerified(business_id=thing)))
    return key, value, list(headers)


@asynccontextmanager
async def producing(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer."""
    producer = make_producer(kafka.credentials(), "test")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def consuming(db: KernelDatabase, kafka: Kafka, topic: str, apply: Apply) -> AsyncIterator[Consumer]:
    """Run a consumer for the time of the block."""
    consumer = Consumer(
        name=f"test-{topic}", topics=(topic,), types=frozenset({TYPE}), apply=apply, pool=db.pool,
        kafka=kafka.credentials(), instance="test",
    )  # fmt: skip
    async with running(consumer):
        yield consumer


async def until(db: KernelDatabase, query: str, expected: int) -> None:
    """Wait until a count is what it must become."""
    async with asyncio.timeout(40):
        while await db.pool.fetchval(query) != expected:
            await asyncio.sleep(0.05)


async def forget_offsets(kafka: Kafka, group: str) -> None:
    """Delete a group once the broker has given its static member up (the session time-out)."""
    async with asyncio.timeout(40):
        while not await _deleted(kafka, group):
            await asyncio.sleep(0.5)


async def _deleted(kafka: Kafka, group: str) -> bool:
    try:
        await asyncio.to_thread(kafka.admin.delete_consumer_groups([group])[group].result, 15)
    except KafkaException:
        return False
    return True


async def test_odd_records_are_set_aside_and_the_others_go_on(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    good, things = [uuid4() for _ in range(5)], [uuid4() for _ in range(4)]
    key, value, headers = record(things[0], 1)
    odd: list[tuple[bytes | None, bytes | None, RawHeaders]] = [
        (key, b"bukan json", headers),
        (record(things[1], 1)[0], None, record(things[1], 1)[2]),  # a tombstone
        (record(things[2], 1)[0], b'{"pad":"' + b"x" * 5_000_000 + b'"}', record(things[2], 1)[2]),
        (b"\xff\xfe", b"{}", [("ce_type", None), ("x", b"\xff\xfe")]),
        (key, value, [("ce_type", TYPE.encode()), ("ce_subject", b"\xff"), ("ce_sequence", b"1")]),
    ]
    unknown = record(things[3], 1)
    unknown_headers = [(n, v.replace(b".v1", b".v9") if n == "ce_type" and v else v) for n, v in unknown[2]]
    async with producing(kafka) as producer:
        for number in range(3):
            for thing in good:
                k, v, h = record(thing, number + 1)
                await producer.send(topic, v, key=k, headers=h)
            if number == 1:
                for k, v, h in odd:
                    await producer.send(topic, v, key=k, headers=h)
                await producer.send(topic, unknown[1], key=unknown[0], headers=unknown_headers)
        await producer.flush()
    async with consuming(kernel_db, kafka, topic, note):
        await until(kernel_db, "SELECT count(*) FROM effect", 15)
        await until(kernel_db, "SELECT count(*) FROM parked_event", len(odd))
    kinds = await kernel_db.pool.fetch("SELECT kind, count(*) FROM parked_event GROUP BY 1 ORDER BY 1")
    assert [("poison", 3), ("unreadable", 2)] == [tuple(row) for row in kinds]
    assert await kernel_db.pool.fetchval("SELECT value FROM consumer_counter WHERE name = 'unknown_types'") == 1
    assert await kernel_db.pool.fetchval("SELECT position FROM stream_position WHERE aggregate_id = $1", things[3]) == 1


async def test_an_outage_is_waited_for_and_nothing_is_lost_or_doubled(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    failures = iter([ConnectionResetError(), asyncpg.DeadlockDetectedError("x"), TimeoutError()])

    async def flaky(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        await note(connection, events)
        if (failure := next(failures, None)) is not None:
            raise failure

    things = [uuid4() for _ in range(30)]
    async with producing(kafka) as producer:
        for thing in things:
            k, v, h = record(thing, 1)
            await producer.send(topic, v, key=k, headers=h)
        await producer.flush()
    async with consuming(kernel_db, kafka, topic, flaky) as consumer:
        await until(kernel_db, "SELECT count(*) FROM effect", 30)
        assert consumer.problem is None
    assert next(failures, None) is None
    assert await kernel_db.pool.fetchval("SELECT count(*) FROM parked_event") == 0


async def test_a_topic_read_again_from_its_start_changes_nothing(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    thing = uuid4()
    async with producing(kafka) as producer:
        for number in range(1, 21):
            k, v, h = record(thing, number)
            await producer.send(topic, v, key=k, headers=h)
        await producer.flush()
    async with consuming(kernel_db, kafka, topic, note):
        await until(kernel_db, "SELECT position FROM stream_position", 20)
    await forget_offsets(kafka, f"test-{topic}")
    async with consuming(kernel_db, kafka, topic, note):
        await until(kernel_db, "SELECT coalesce(sum(value), 0) FROM consumer_counter WHERE name = 'duplicates'", 20)
    assert await kernel_db.pool.fetchval("SELECT count(*) FROM effect") == 20


async def test_two_members_share_the_partitions_and_each_fact_has_one_effect(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    things = [uuid4() for _ in range(200)]

    async def produce(producer: AIOKafkaProducer, number: int) -> None:
        for thing in things:
            k, v, h = record(thing, number)
            await producer.send(topic, v, key=k, headers=h)

    async with producing(kafka) as producer, consuming(kernel_db, kafka, topic, note) as first:
        await produce(producer, 1)
        await until(kernel_db, "SELECT count(*) FROM effect", 200)
        second = Consumer(
            name=first.definition.name, topics=(topic,), types=frozenset({TYPE}), apply=note, pool=kernel_db.pool,
            kafka=kafka.credentials(), instance="second",
        )  # fmt: skip
        stop = asyncio.Event()
        running = asyncio.create_task(second.run(stop))
        await produce(producer, 2)
        await until(kernel_db, "SELECT count(*) FROM effect", 400)
        stop.set()
        await running
        await produce(producer, 3)
        await until(kernel_db, "SELECT count(*) FROM effect", 600)
    assert await kernel_db.pool.fetchval("SELECT count(*) FROM stream_position WHERE position = 3") == 200


async def test_a_consumer_finds_its_brokers_anew_when_all_of_them_have_moved(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    broker = int(kafka.bootstrap.rpartition(":")[2])
    old, new = Cable(broker, kafka=True), Cable(broker, kafka=True)
    ports = [free_port(0), free_port(0)]
    await old.lay(ports[0])
    stop, settings = asyncio.Event(), replace(kafka.credentials(), bootstrap=",".join(f"127.0.0.1:{p}" for p in ports))
    consumer = Consumer(
        name=f"test-{topic}", topics=(topic,), types=frozenset({TYPE}), apply=note, pool=kernel_db.pool, kafka=settings,
        instance="test",
    )  # fmt: skip
    running = asyncio.create_task(consumer.run(stop))
    async with producing(kafka) as producer:
        for number, cable in ((1, old), (2, new)):
            key, value, headers = record(uuid4(), 1)
            await producer.send_and_wait(topic, value, key=key, headers=headers)
            await until(kernel_db, "SELECT count(*) FROM effect", number)
            if cable is old:
                await old.remove()
                await new.lay(ports[1])
    stop.set()
    await running
    await new.remove()


def test_every_default_of_the_framework_that_loses_data_is_overridden() -> None:
    consumer = Consumer(
        name="c", topics=("t",), types=frozenset(), apply=note, pool=None, kafka=KafkaSettings("127.0.0.1:1", "u", "p"), instance="i",
    )  # fmt: skip
    (subscriber,) = consumer.make_broker().subscribers
    assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
    options = subscriber._connection_args
    assert (options["auto_offset_reset"], options["isolation_level"]) == ("earliest", "read_committed")
    assert options["group_instance_id"] == "c-i"
