"""The way out of the database: relay against raw ``send()``, command to acknowledgement, commands with an outbox."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import quantiles
from time import perf_counter
from typing import ClassVar
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaProducer, TopicPartition

from bench.harness import Result, Size, VoidRunError, in_turn
from bench.relay_process import environment
from bench.rig import PARTITIONS, Rig
from shared.broker import make_reader
from shared.contracts.registry import BusinessVerified
from shared.database import Connection, Pool
from shared.envelope import dynamic_headers, format_time, static_headers
from shared.outbox import WAKE_CHANNEL, Cause, append
from shared.relay import Relay

BODY = '{"business_id":"%s","pad":"%r"}'
"""``%r`` is 428 characters of base64 that do not compress, as a sealed text does not; zeros would flatter a compressor."""
FILL = """
INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, origin, data)
SELECT $1, id, gen_random_uuid(), $2, 'bench', 1, now(), 'bench', 'import', replace(replace($3, '%s', id::text), '%r', (
    SELECT translate(encode(string_agg(sha512((id::text || n)::bytea), ''), 'base64'), E'\n', '') FROM generate_series(1, 5) AS n))
FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, $4::int)) AS made
"""
TYPE = BusinessVerified.type_name()


def fact_on(topic: str) -> type[BusinessVerified]:
    """Return a fact that is published on ``topic``."""

    class Benched(BusinessVerified):
        TOPIC: ClassVar[str] = topic

    return Benched


async def count(rig: Rig, topic: str) -> int:
    """Return how many records a topic holds."""
    reader = make_reader(rig.kafka, "bench-count")
    await reader.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        return int(sum((await reader.end_offsets(places)).values()))
    finally:
        await reader.stop()


async def _check(rig: Rig, topic: str, expected: int) -> None:
    if (found := await count(rig, topic)) != expected:
        raise VoidRunError(f"{topic} holds {found} records, expected {expected}")


@asynccontextmanager
async def relaying(dsn: str, rig: Rig) -> AsyncIterator[Relay]:
    """Run a relay for the time of the block."""
    stop, relay = asyncio.Event(), Relay(dsn, rig.kafka, "bench")
    task = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await task


@asynccontextmanager
async def relaying_apart(dsn: str, rig: Rig) -> AsyncIterator[None]:
    """Run a relay in a process of its own for the time of the block, once it owns the shards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.relay_process", env=environment(dsn, rig.kafka), stderr=DEVNULL, stdout=DEVNULL
    )
    try:
        connection = await asyncpg.connect(dsn)
        while await connection.fetchval("SELECT min(epoch) FROM relay_cursor") == 0:
            await asyncio.sleep(0.02)
        await connection.close()
        yield
    finally:
        process.terminate()
        await process.wait()


async def relay_backlog(rig: Rig, size: Size) -> Result:
    """A backlog of 100,000 facts, published by the relay and by a raw producer's pipelined ``send()``, per second."""
    rows = size.of(100_000)

    async def product() -> float:
        topic = rig.topic()
        async with rig.database() as (dsn, pool), relaying(dsn, rig) as relay:
            while not relay.shards:
                await asyncio.sleep(0.005)
            # Both clients are connected when their time begins; the backlog becomes visible at once, by one commit,
            # and the relay is told as every command tells it.
            await pool.execute(FILL, topic, TYPE, BODY, rows)
            started = perf_counter()
            await pool.execute(f"NOTIFY {WAKE_CHANNEL}")
            while relay.published < rows:
                await asyncio.sleep(0.005)
            seconds = perf_counter() - started
        await _check(rig, topic, rows)
        return rows / seconds

    async def baseline() -> float:
        topic = rig.topic()
        producer = AIOKafkaProducer(
            **rig.kafka.client(),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=512 * 1024,
        )
        await producer.start()
        records = [_record() for _ in range(rows)]
        started = perf_counter()
        sent = [await producer.send(topic, value, key=key, headers=headers) for key, value, headers in records]
        await asyncio.gather(*sent)
        seconds = perf_counter() - started
        await producer.stop()
        await _check(rig, topic, rows)
        return rows / seconds

    return await in_turn(Result("relay ÷ raw send()", "facts/s", "≥ 1.5"), size.runs, product, baseline)


def _record() -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    subject = str(uuid4())
    dynamic = dynamic_headers(str(uuid4()), subject, 1, format_time(datetime.now(UTC)), "bench", None, "import", None)
    return (
        subject.encode(),
        BODY.replace("%s", subject).replace("%r", b64encode(os.urandom(320)).decode()).encode(),
        [*static_headers(TYPE, "bench"), *dynamic],
    )


async def _command(connection: Connection, fact: type[BusinessVerified], thing: UUID) -> None:
    async with connection.transaction():
        version = await connection.fetchval(
            "UPDATE thing SET version = version + 1, sales = $2 WHERE id = $1 RETURNING version", thing, 36_000_000
        )
        cause = Cause("b", None, "b", "command", None, datetime.now(UTC))
        await append(connection, "bench", [(version, fact(business_id=thing))], cause)


async def _things(pool: Pool, number: int) -> list[UUID]:
    ids = [uuid4() for _ in range(number)]
    await pool.executemany("INSERT INTO thing (id, name) VALUES ($1, 'Warung')", [(thing,) for thing in ids])
    return ids


async def command_to_ack(rig: Rig, size: Size) -> list[Result]:
    """Commands at 500 a second, from their start to the moment a reader has the record, in milliseconds."""
    p50 = Result("command to a reader at 500/s, p50", "ms", "≤ 10")
    p99 = Result("command to a reader at 500/s, p99", "ms", "≤ 40")
    for _ in range(size.runs):
        waits = sorted(await _latencies(rig, max(300, size.of(5_000))))
        cuts = quantiles(waits, n=100)
        p50.product.append(cuts[49] * 1000)
        p99.product.append(cuts[98] * 1000)
    return [p50, p99]


async def _latencies(rig: Rig, commands: int) -> list[float]:
    topic = rig.topic()
    begun: dict[str, float] = {}
    seen: dict[str, float] = {}
    fact = fact_on(topic)
    reader = make_reader(rig.kafka, "bench-latency")
    await reader.start()
    reader.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])

    async def watch() -> None:
        while len(seen) < commands:
            for records in (await reader.getmany(timeout_ms=50)).values():
                for record in records:
                    seen[record.key.decode()] = perf_counter()

    async with rig.database() as (dsn, pool), relaying_apart(dsn, rig):
        things = await _things(pool, commands)
        watching = asyncio.create_task(watch())

        async def one(thing: UUID) -> None:
            begun[str(thing)] = perf_counter()
            async with pool.acquire() as connection:
                await _command(connection, fact, thing)

        started, tasks = perf_counter(), []
        for number, thing in enumerate(things):
            await asyncio.sleep(max(0.0, started + number / 500 - perf_counter()))
            tasks.append(asyncio.create_task(one(thing)))
        await asyncio.gather(*tasks)
        await asyncio.wait_for(watching, 30)
    await reader.stop()
    return [seen[key] - begun[key] for key in begun]
