"""What the delivery tests share: writers that race on the same aggregates, and a reader of the whole topic."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

import asyncpg

from shared.broker import KafkaSettings, make_reader
from shared.consumer import Consumer
from shared.contracts.registry import BusinessVerified
from shared.envelope import format_time, headers_of, read_address
from shared.outbox import Cause, append

AGGREGATE_TABLE = "CREATE TABLE thing (id uuid PRIMARY KEY, version bigint NOT NULL DEFAULT 0)"


@asynccontextmanager
async def running(consumer: Consumer) -> AsyncIterator[Consumer]:
    """Run a consumer for the time of the block, and let it stop in order."""
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield consumer
    finally:
        stop.set()
        await task


def fact_on(topic: str) -> type[BusinessVerified]:
    """Return a fact like ``BusinessVerified`` that is published on ``topic``."""

    class Moved(BusinessVerified):
        TOPIC: ClassVar[str] = topic

    return Moved


def cause() -> Cause:
    """Return the cause of a command that happens now."""
    return Cause("test", None, "tester", "command", None, datetime.now(UTC))


def outbox_row(topic: str) -> dict[str, Any]:
    """Return a row of an outbox as the relay reads it: the first fact of an aggregate of its own."""
    return {
        "topic": topic,
        "key": str(uuid4()),
        "event_id": str(uuid4()),
        "type": BusinessVerified.type_name(),
        "source": "/test",
        "sequence": 1,
        "occurred_at": format_time(datetime.now(UTC)),
        "correlation_id": "c",
        "causation_id": None,
        "origin": "command",
        "traceparent": None,
        "data": "{}",
    }


async def change(connection: asyncpg.Connection, fact: type[BusinessVerified], thing: UUID) -> int:
    """Lock an aggregate, count its version up and store the fact; return the version."""
    async with connection.transaction():
        version: int = await connection.fetchval(
            "UPDATE thing SET version = version + 1 WHERE id = $1 RETURNING version", thing
        )
        await append(connection, "test", [(version, fact(business_id=thing))], cause())
    return version


async def race(
    pool: asyncpg.Pool, topic: str, *, writers: int, changes: int, things: int, abort: float = 0.1
) -> dict[UUID, int]:
    """Let writers change random aggregates at once, some changes rolled back; return each one's last version."""
    fact = fact_on(topic)
    ids = [uuid4() for _ in range(things)]
    await pool.executemany("INSERT INTO thing (id) VALUES ($1)", [(thing,) for thing in ids])
    dice = random.Random(7)

    async def write() -> None:
        async with pool.acquire() as connection:
            for _ in range(changes):
                transaction = connection.transaction()
                await transaction.start()
                for thing in sorted(dice.sample(ids, dice.choice((1, 1, 3)))):
                    await change(connection, fact, thing)
                await (transaction.rollback() if dice.random() < abort else transaction.commit())

    await asyncio.gather(*(write() for _ in range(writers)))
    return {row["id"]: row["version"] for row in await pool.fetch("SELECT id, version FROM thing WHERE version > 0")}


async def published(kafka: KafkaSettings, topic: str, at_least: int) -> dict[UUID, list[int]]:
    """Read the topic from its start until ``at_least`` records came; return the sequences of each aggregate."""
    reader = make_reader(kafka, "test-reader")
    await reader.start()
    found: dict[UUID, list[int]] = defaultdict(list)
    try:
        reader.subscribe([topic])
        count = 0
        while count < at_least:
            for records in (await reader.getmany(timeout_ms=500)).values():
                for record in records:
                    address = read_address(headers_of(record.headers))
                    found[UUID(address.subject)].append(address.sequence)
                    count += 1
    finally:
        await reader.stop()
    return found


def first_seen(sequences: list[int]) -> list[int]:
    """Return the sequences without repetitions, in the order in which each came first."""
    return list(dict.fromkeys(sequences))
