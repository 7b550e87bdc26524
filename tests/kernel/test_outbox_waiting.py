"""What waits in an outbox: counted by the index alone, and as the cursors say, whatever ran when they were written."""

from __future__ import annotations

import asyncpg
import pytest

from shared.database import connected
from shared.outbox import outbox_backlog
from tests.kernel.conftest import KernelDatabase
from tests.stack.servers import Database

ROWS = 20_000
STORE = """
INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, data)
SELECT 'uji', gen_random_uuid(), gen_random_uuid(), 'uji.v1', '/uji', 1, now(), 'x', '{}' FROM generate_series(1, $1)
"""
PUBLISHED = "UPDATE relay_cursor SET base = pg_current_snapshot()"
READ = "SELECT sum(seq_tup_read)::bigint + sum(idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'outbox\\_%'"
PLAIN = """
SELECT count(*) FROM relay_cursor c JOIN outbox o ON o.shard = c.shard
WHERE NOT pg_visible_in_snapshot(o.xid, c.base)
  AND NOT (c.target IS NOT NULL AND pg_visible_in_snapshot(o.xid, c.target) AND o.id <= c.last_id)
"""
"""The same in so many words, for tables that are small enough to be read."""


async def waiting(connection: asyncpg.Connection, shown: str | None = None) -> int:
    """Return how many rows wait, of those that a snapshot shows."""
    return int(await connection.fetchval("SELECT sum(depth) FROM outbox_waiting($1::text::pg_snapshot)", shown))


async def rows_read(connection: asyncpg.Connection) -> int:
    """Return how many rows of the outbox were read so far, by an index or without."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    return int(await connection.fetchval(READ))


@pytest.mark.parametrize("analyzed", [True, False], ids=["statistics", "no statistics"])
async def test_a_look_at_the_backlog_does_not_read_what_is_published(
    kernel_db: KernelDatabase, empty_db: Database, analyzed: bool
) -> None:
    server = empty_db.superuser_dsn
    async with connected(server) as superuser, connected(server) as slow, connected(kernel_db.dsn) as connection:
        for _ in range(2):
            await superuser.execute(STORE, ROWS)
        if analyzed:
            await superuser.execute("ANALYZE")
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(STORE, 2)
        await superuser.execute(PUBLISHED)  # while one runs
        await connection.execute(
            "SET random_page_cost = 1000000"
        )  # the planner believes that any index costs the world
        before = await rows_read(connection)
        assert (await outbox_backlog(connection)).depth == 0
        await superuser.execute(STORE, 3)
        assert (await outbox_backlog(connection)).depth == 3
        await transaction.commit()
        assert (await outbox_backlog(connection)).depth == 3 + 2
        assert await rows_read(connection) <= before + 20
        assert await connection.fetchval(PLAIN) == 3 + 2
        assert await rows_read(connection) >= before + 2 * ROWS  # so it would have been noticed


async def test_of_a_backlog_that_is_walked_the_rest_waits_and_a_snapshot_shows_its_part(
    kernel_db: KernelDatabase, empty_db: Database
) -> None:
    async with connected(empty_db.superuser_dsn) as superuser, kernel_db.connection() as connection:
        await superuser.execute(STORE, 100)
        shown = await superuser.fetchval("SELECT pg_current_snapshot()::text")
        half = await superuser.fetchval("SELECT id FROM outbox ORDER BY id OFFSET 49 LIMIT 1")
        await superuser.execute("UPDATE relay_cursor SET target = $1::text::pg_snapshot, last_id = $2", shown, half)
        await superuser.execute(STORE, 7)
        assert (await waiting(connection), await connection.fetchval(PLAIN)) == (57, 57)
        assert await waiting(connection, shown) == 50
        # What a restore brought of another cluster no snapshot shows, and it waits.
        await superuser.execute("UPDATE outbox SET xid = '900000000000' WHERE id > $1", half)
        assert (await waiting(connection), await waiting(connection, shown)) == (57, 57)
