"""Partitions of the outbox go while commands and the relay go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from shared.database import Connection, connected
from shared.relay import Relay
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import change, fact_on, published
from tests.stack.servers import Kafka

DROP = "SELECT * FROM outbox_drop_partitions(now() - interval '7 days')"
ROWS = 3_000
FILL = """
INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, data, written_at)
SELECT 't', gen_random_uuid(), gen_random_uuid(), 'y', 's', 1, now(), 'c', '{}', now() - make_interval(days => $1)
FROM generate_series(1, $2::int)
"""
ALL_IS_PUBLISHED = "UPDATE relay_cursor SET base = pg_current_snapshot()"
EXPIRED = """
SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'outbox'::regclass
AND c.relname ~ '^outbox_[0-9]{8}$' AND c.relname < format('outbox_%s', to_char(now() - interval '8 days', 'YYYYMMDD')) ORDER BY 1
"""


async def names(connection: Connection, query: str = DROP) -> list[str]:
    """Return the partitions that a query names."""
    return [row[0] for row in await connection.fetch(query)]


@asynccontextmanager
async def expired(db: KernelDatabase, *, published: bool = True) -> AsyncIterator[tuple[Connection, list[str]]]:
    """Give a connection of the owner, and the names of two partitions whose days are over, with rows in both."""
    async with connected(db.owner_dsn) as owner:
        for days in (20, 10):
            await owner.execute("SELECT outbox_make_partitions((now() AT TIME ZONE 'UTC')::date - $1::int, 1)", days)
            await owner.execute(FILL, days, ROWS)
        if published:
            await owner.execute(ALL_IS_PUBLISHED)
        found = await names(owner, EXPIRED)
        assert len(found) == 2
        yield owner, found


async def test_one_partition_goes_at_a_time_the_oldest_first(kernel_db: KernelDatabase) -> None:
    """A drop locks the outbox until its transaction ends, in which nothing else must be looked at."""
    async with expired(kernel_db) as (owner, found):
        assert [await names(owner) for _ in range(3)] == [found[:1], found[1:], []]


async def test_whether_a_partition_may_go_is_asked_without_reading_it(kernel_db: KernelDatabase) -> None:
    read = "SELECT sum(seq_tup_read)::int FROM pg_stat_xact_user_tables WHERE relname ~ '^outbox_[0-9]{8}$'"
    async with expired(kernel_db) as (owner, found), kernel_db.connection() as reader, reader.transaction():
        await reader.execute("LOCK TABLE outbox IN ACCESS SHARE MODE")  # so none of them can go
        async with owner.transaction():
            assert await names(owner) == []
            assert await owner.fetchval(read) == 0
        assert await names(owner, EXPIRED) == found


@pytest.mark.parametrize("waiting", ["not published", "in progress"])
async def test_a_partition_stays_while_a_row_of_it_waits(kernel_db: KernelDatabase, waiting: str) -> None:
    async with expired(kernel_db) as (owner, found):
        if waiting == "not published":
            await owner.execute(FILL, 10, 1)
        else:  # published is what was committed when the relay looked; this was not, though its number is lower
            async with kernel_db.connection() as writer, writer.transaction():
                await writer.execute(FILL, 10, 1)
                await owner.execute("INSERT INTO thing (id) VALUES (gen_random_uuid())")
                await owner.execute(ALL_IS_PUBLISHED)
        assert [await names(owner) for _ in range(2)] == [found[:1], []]
        assert await names(owner, EXPIRED) == found[1:]


async def test_a_relay_drops_all_that_may_go_and_publishes_though_its_housekeeping_fails(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    fact, thing, stop = fact_on(topic), uuid4(), asyncio.Event()
    await kernel_db.pool.execute("INSERT INTO thing (id) VALUES ($1)", thing)
    async with expired(kernel_db) as (owner, _):
        await owner.execute(
            "ALTER FUNCTION outbox_make_partitions RENAME TO made; "
            "CREATE FUNCTION outbox_make_partitions(first date, days int) RETURNS int LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'took too long' USING ERRCODE = 'query_canceled'; END $$"
        )
        async with kernel_db.connection() as connection:
            await change(connection, fact, thing)
        await publish_until(kernel_db, kafka, topic, thing)
        await owner.execute(
            "DROP FUNCTION outbox_make_partitions; ALTER FUNCTION made RENAME TO outbox_make_partitions"
        )
        relay = asyncio.create_task(Relay(kernel_db.dsn, kafka.credentials(), "uji").run(stop))
        async with asyncio.timeout(30):
            while await names(owner, EXPIRED):
                await asyncio.sleep(0.05)
        stop.set()
        await relay


async def publish_until(db: KernelDatabase, kafka: Kafka, topic: str, thing: object) -> None:
    """Run a relay until a fact of a thing is published, and see that nothing keeps it from its work."""
    stop = asyncio.Event()
    relay = Relay(db.dsn, kafka.credentials(), "uji")
    running = asyncio.create_task(relay.run(stop))
    async with asyncio.timeout(30):
        assert list(await published(kafka.credentials(), topic, 1)) == [thing]
    assert relay.problem is None
    stop.set()
    await running
