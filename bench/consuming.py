"""The way into a service: the consumer layer against a raw ``getmany`` loop with the same effect."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from time import perf_counter
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer

from bench.delivery import BODY, FILL, TYPE, relaying
from bench.harness import Result, Size, VoidRunError, in_turn
from bench.rig import Rig
from shared.consumer import Consumer
from shared.consumer.consumer import MAX_RECORDS
from shared.database import Connection, Pool
from shared.envelope import Event

UPSERT = """
INSERT INTO effect (id, sequence, at, type) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[])
ON CONFLICT (id) DO UPDATE SET sequence = EXCLUDED.sequence, at = EXCLUDED.at, type = EXCLUDED.type
"""


async def _apply(connection: Connection, events: Sequence[Event]) -> None:
    await connection.execute(
        UPSERT,
        [event.meta.subject for event in events],
        [event.meta.sequence for event in events],
        [event.meta.time for event in events],
        [event.meta.type for event in events],
    )


async def _raw(rig: Rig, pool: Pool, topic: str, rows: int) -> float:
    consumer = AIOKafkaConsumer(
        topic, **rig.kafka.client(), group_id=f"projections-{uuid4().hex}", enable_auto_commit=False,
        auto_offset_reset="earliest", max_partition_fetch_bytes=1024 * 1024,
    )  # fmt: skip
    await consumer.start()
    done, first, started = 0, 0, 0.0
    async with pool.acquire() as connection:
        while done < rows:
            found = await consumer.getmany(timeout_ms=100, max_records=MAX_RECORDS)
            if not found:
                continue
            records = [record for part in found.values() for record in part]
            await connection.execute(UPSERT, *_columns(records))
            await consumer.commit()
            done += len(records)
            if not started:  # as in the layer's run, the clock starts when the first batch is done
                first, started = done, perf_counter()
    seconds = perf_counter() - started
    await consumer.stop()
    return max(1, rows - first) / seconds


def _columns(records: Sequence[AIOKafkaConsumer]) -> tuple[list[str], list[int], list[datetime], list[str]]:
    headers = [dict(record.headers) for record in records]
    return (
        [orjson.loads(record.value)["business_id"] for record in records],
        [int(header["ce_sequence"]) for header in headers],
        [datetime.fromisoformat(header["ce_time"].decode()) for header in headers],
        [header["ce_type"].decode() for header in headers],
    )


async def _layer(rig: Rig, pool: Pool, topic: str, rows: int) -> float:
    stop = asyncio.Event()
    consumer = Consumer(
        name=f"projections-{uuid4().hex}", topics=(topic,), types=frozenset({TYPE}), apply=_apply, pool=pool,
        kafka=rig.kafka, instance="bench",
    )  # fmt: skip
    task = asyncio.create_task(consumer.run(stop))
    while not consumer.applied:
        await asyncio.sleep(0.001)
    first, started = consumer.applied, perf_counter()
    while consumer.applied < rows:
        await asyncio.sleep(0.001)
    seconds = perf_counter() - started
    stop.set()
    await task
    if await pool.fetchval("SELECT count(*) FROM stream_position WHERE position = 1") != rows:
        raise VoidRunError("not every aggregate has its position")
    return max(1, rows - first) / seconds


async def consumer_layer(rig: Rig, size: Size) -> Result:
    """Facts per second into one table: with positions, isolation and parking, and by a raw loop that has none."""
    rows, topic = size.of(60_000), rig.topic()
    async with rig.database() as (dsn, pool):
        await pool.execute(FILL, topic, TYPE, BODY, rows)
        async with relaying(dsn, rig) as relay:
            while relay.published < rows:
                await asyncio.sleep(0.01)

    async def measure(way: str) -> float:
        async with rig.database() as (_, pool):
            figure = await (_layer if way == "layer" else _raw)(rig, pool, topic, rows)
            if await pool.fetchval("SELECT count(*) FROM effect") != rows:
                raise VoidRunError("effects are missing")
            return figure

    return await in_turn(
        Result("consumer layer ÷ raw getmany with the same upsert", "facts/s", "≥ 0.7"),
        size,
        lambda: measure("layer"),
        lambda: measure("raw"),
    )
