"""How the relay reads the outbox: planned once, and by its indexes, whatever the planner knew of the outbox by then."""

from __future__ import annotations

import asyncpg
import pytest

from shared.relay.leadership import SHARDS
from shared.relay.reading import NEXT, PLANS, POLL
from tests.kernel.conftest import KernelDatabase
from tests.plans import blocks_touched

FILL = """
INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, origin, data)
SELECT 't', gen_random_uuid(), gen_random_uuid(), 'y', 's', 1, now(), 'c', 'import', repeat('x', 300) FROM generate_series(1, $1::int)
"""
PUBLISHED = 30_000
NEW = 20
SHARD_LIST = "{" + ",".join(map(str, range(SHARDS))) + "}"


@pytest.mark.parametrize("analyzed", [0, 200, 5_000])
async def test_a_look_is_planned_once_and_finds_what_is_new_among_all_that_is_published(
    kernel_db: KernelDatabase, analyzed: int
) -> None:
    if analyzed:  # a chunk of an import, as the server may have seen it a minute ago: all of it by one transaction
        await kernel_db.pool.execute(FILL, analyzed)
        owner = await asyncpg.connect(kernel_db.owner_dsn)
        try:
            await owner.execute("ANALYZE outbox")
        finally:
            await owner.close()
    connection = await asyncpg.connect(kernel_db.dsn, server_settings=PLANS)
    try:
        await connection.execute(f"PREPARE poll (smallint[], text, bigint) AS {POLL}")
        await connection.execute(f"PREPARE next (int[], text, text, bigint, int) AS {NEXT}")

        async def now() -> str:
            return str(await kernel_db.pool.fetchval("SELECT pg_current_snapshot()::text"))

        def poll(base: str) -> str:
            return f"EXECUTE poll ('{SHARD_LIST}', '{base}', 2000)"

        def page(base: str, target: str, last: int) -> str:
            return f"EXECUTE next ('{SHARD_LIST}', '{base}', '{target}', {last}, 1000)"

        begin = await now()
        for _ in range(7):  # by then the server has made up its mind how to plan
            await connection.execute(poll(begin))
            await connection.execute(page(begin, begin, 0))

        await kernel_db.pool.execute(FILL, PUBLISHED)
        base = await now()
        last = await kernel_db.pool.fetchval("SELECT max(id) FROM outbox")
        await kernel_db.pool.execute(FILL, NEW)
        assert len(await connection.fetch(poll(base))) == NEW
        assert await blocks_touched(connection, poll(base)) < 200
        # A page of what is new goes on where the one before ended, and one in the middle of a backlog reads no more than a page.
        assert len(await connection.fetch(page(base, await now(), last))) == NEW
        assert await blocks_touched(connection, page(base, await now(), last)) < 200
        assert len(await connection.fetch(page(begin, await now(), last - PUBLISHED // 2))) == 1000
        assert await blocks_touched(connection, page(begin, await now(), last - PUBLISHED // 2)) < 400

        plans = await connection.fetch(
            "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements ORDER BY name"
        )
        made = {row["name"]: row["custom_plans"] for row in plans if row["name"] in {"poll", "next"}}
        assert made == {"next": 0, "poll": 0}
    finally:
        await connection.close()
