"""The way out of the database: the relay against a raw producer; and a relay for others to measure with."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from bench.harness import Result, Size, VoidRunError, by_turns
from bench.relay_process import environment
from bench.rig import PARTITIONS, Rig
from shared.broker import MAX_REQUEST_BYTES, make_reader
from shared.contracts.registry import BusinessVerified
from shared.envelope import dynamic_headers, format_time, static_headers
from shared.metrics import Metrics
from shared.outbox import WAKE_CHANNEL
from shared.relay import Relay

BODY = '{"business_id":"%s","pad":"%r"}'
"""``%r`` is 428 characters of base64 that do not compress, as a sealed text does not; zeros would flatter a compressor."""
NUMBERED_FILL = """
INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, origin, data)
SELECT $1, id, gen_random_uuid(), $2, 'bench', number, now(), 'bench', 'import', replace(replace($3, '%s', id::text), '%r', (
    SELECT translate(encode(string_agg(sha512((id::text || n)::bytea), ''), 'base64'), E'\n', '') FROM generate_series(1, 5) AS n))
FROM (SELECT gen_random_uuid() AS id, number FROM generate_series(1, $4::int) AS number) AS made
"""
"""Facts of an aggregate each, the sequence counting through all of them, so that their order can be checked."""
FILL = NUMBERED_FILL.replace("'bench', number,", "'bench', 1,")
"""The same as first facts of their aggregates."""
_TRACEPARENT = """
    '00-' || translate(gen_random_uuid()::text, '-', '') || '-' || substr(translate(gen_random_uuid()::text, '-', ''), 1, 16) || '-01',"""
FOLLOWED_FILL = NUMBERED_FILL.replace("origin, data)", "origin, traceparent, data)").replace(
    "'bench', 'import',", f"'bench', 'command',{_TRACEPARENT}"
)
"""The same, each of a command that somebody follows."""
TYPE = BusinessVerified.type_name()


def fact_on(topic: str) -> type[BusinessVerified]:
    """Return a fact that is published on ``topic``."""

    class Benched(BusinessVerified):
        TOPIC: ClassVar[str] = topic

    return Benched


async def check_records(rig: Rig, topic: str, expected: int) -> None:
    """Read a topic whose records are numbered by their sequence; void the run if one is missing, double or out of order."""
    reader = make_reader(rig.kafka, "bench-check")
    await reader.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        reader.assign(places)
        last, found = dict.fromkeys(places, 0), 0
        if (held := sum((await reader.end_offsets(places)).values())) != expected:
            raise VoidRunError(f"{topic} holds {held} records, expected {expected}")
        while found < expected:
            for place, records in (await reader.getmany(timeout_ms=100)).items():
                for record in records:
                    number = int(dict(record.headers)["ce_sequence"])
                    if number <= last[place]:
                        raise VoidRunError(f"{topic}: {number} comes after {last[place]}")
                    last[place] = number
                found += len(records)
    finally:
        await reader.stop()


@asynccontextmanager
async def relaying(dsn: str, rig: Rig, metrics: Metrics | None = None) -> AsyncIterator[Relay]:
    """Run a relay for the time of the block, which counts in ``metrics``, if any."""
    stop, relay = asyncio.Event(), Relay(dsn, rig.kafka, "bench", metrics=metrics)
    task = asyncio.create_task(relay.run(stop))
    try:
        yield relay
    finally:
        stop.set()
        await task


@asynccontextmanager
async def relaying_apart(dsn: str, rig: Rig, *, waking: str = "", notes: Path | None = None) -> AsyncIterator[None]:
    """Run a relay in a process of its own for the time of the block, once it owns the shards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.relay_process",
        env=environment(dsn, rig.kafka, waking=waking, notes=notes),
        stderr=DEVNULL,
        stdout=DEVNULL,
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


async def relay_backlog(rig: Rig, size: Size) -> list[Result]:
    """A backlog of 100,000 facts a second: by the relay, by pipelined ``send()``, by ``send_batch()`` of ready batches."""
    rows = size.of(100_000)
    kept = await by_turns(
        size,
        {
            "send": partial(_send, rig, rows),
            "send_batch": partial(_send_batches, rig, rows),
            "relay": partial(relay_speed, rig, rows),
        },
    )
    return [
        Result("relay ÷ raw send()", "facts/s", "≥ 2.0", kept["relay"], kept["send"]),
        Result("relay ÷ raw send_batch() of ready batches", "facts/s", "≥ 0.5", kept["relay"], kept["send_batch"]),
    ]


async def relay_speed(rig: Rig, rows: int, metrics: Metrics | None = None, fill: str = NUMBERED_FILL) -> float:
    """Return how many facts of a backlog a relay publishes per second. Raises ``VoidRunError`` for a lost or doubled one."""
    topic = rig.topic()
    async with rig.database() as (dsn, pool), relaying(dsn, rig, metrics) as relay:
        while not relay.shards:
            await asyncio.sleep(0.005)
        # All clients are connected when their time begins; the backlog becomes visible at once, by one commit, and the
        # relay is told as every command tells it.
        await pool.execute(fill, topic, TYPE, BODY, rows)
        started = perf_counter()
        await pool.execute(f"NOTIFY {WAKE_CHANNEL}")
        while relay.published < rows:
            await asyncio.sleep(0.005)
        seconds = perf_counter() - started
    await check_records(rig, topic, rows)
    return rows / seconds


@asynccontextmanager
async def raw_producer(rig: Rig, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """Give a producer as safe as the relay's, started."""
    producer = AIOKafkaProducer(
        **rig.kafka.client(), acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=512 * 1024, **options
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _send(rig: Rig, rows: int) -> float:
    topic = rig.topic()
    async with raw_producer(rig) as producer:
        records = [record(number) for number in range(1, rows + 1)]
        started = perf_counter()
        sent = [await producer.send(topic, value, key=key, headers=headers) for key, value, headers in records]
        await asyncio.gather(*sent)
        seconds = perf_counter() - started
    await check_records(rig, topic, rows)
    return rows / seconds


async def _send_batches(rig: Rig, rows: int) -> float:
    topic = rig.topic()
    async with raw_producer(rig, max_request_size=MAX_REQUEST_BYTES) as producer:
        ready = ready_batches(producer, [record(number) for number in range(1, rows + 1)])
        started = perf_counter()
        sent = [await producer.send_batch(batch, topic, partition=partition) for partition, batch in ready]
        await asyncio.gather(*sent)
        seconds = perf_counter() - started
    await check_records(rig, topic, rows)
    return rows / seconds


RawRecord = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""Key, value, headers."""


def ready_batches(
    producer: AIOKafkaProducer, records: Iterable[RawRecord], partitions: int = PARTITIONS
) -> list[tuple[int, Any]]:
    """Return the records in full batches with their partitions, those that are full first in front."""
    ready: list[tuple[int, Any]] = []
    filling: dict[int, Any] = {}
    for key, value, headers in records:
        partition = (murmur2(key) & 0x7FFFFFFF) % partitions
        batch = filling.get(partition)
        if batch is None or batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            if batch is not None:
                ready.append((partition, batch))
            batch = filling[partition] = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=headers)
    return [*ready, *filling.items()]


def record(number: int) -> RawRecord:
    """Return a fact as the relay would send it, its sequence ``number``, of an aggregate of its own."""
    subject = str(uuid4())
    now = format_time(datetime.now(UTC))
    dynamic = dynamic_headers(str(uuid4()), subject, number, now, "bench", None, "import", None)
    return (
        subject.encode(),
        BODY.replace("%s", subject).replace("%r", b64encode(os.urandom(320)).decode()).encode(),
        [*static_headers(TYPE, "bench"), *dynamic],
    )
