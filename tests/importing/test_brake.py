"""An import holds back while its own facts are not published, and never for long."""

from __future__ import annotations

import asyncio
import time

import pytest

from services.registry.importing import brake as module
from services.registry.importing.brake import CHUNKS_AHEAD, Brake
from services.registry.importing.store import queries
from services.registry.importing.writing import Mark
from shared.database import Pool
from tests.importing.office import Office

LIMIT = 0.3


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_SECONDS", LIMIT)


async def append_fact(pool: Pool) -> Mark:
    """Append one fact in a transaction of its own, as a chunk does, and return where it ends."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, data) "
            "VALUES ('t', gen_random_uuid(), gen_random_uuid(), 'y', 's', 1, now(), 'c', '{}')"
        )
        return Mark(*await connection.fetchrow(queries().mark))


async def held(brake: Brake, pool: Pool) -> float:
    """Return for how many seconds the brake held."""
    started = time.monotonic()
    await brake.hold(pool, asyncio.sleep)
    return time.monotonic() - started


async def brake_behind(pool: Pool) -> tuple[Brake, list[Mark]]:
    """Return a brake after as many chunks as may wait, none of them published."""
    brake, marks = Brake(), [await append_fact(pool) for _ in range(CHUNKS_AHEAD)]
    for mark in marks:
        brake.note(mark)
    return brake, marks


async def test_it_holds_back_while_the_relay_is_behind_and_soon_gives_up_where_nothing_moves(office: Office) -> None:
    brake, _ = await brake_behind(office.pool)
    assert await held(brake, office.pool) >= LIMIT
    assert await held(brake, office.pool) < LIMIT / 2  # Kafka is away: the import goes on without it


async def test_it_keeps_holding_back_while_the_relay_is_slow_but_moves(office: Office) -> None:
    (brake, _), moved = await brake_behind(office.pool), asyncio.Event()

    async def move() -> None:
        while not moved.is_set():
            await office.pool.execute("UPDATE relay_cursor SET published = published + 1")
            await asyncio.sleep(LIMIT / 10)

    moving = asyncio.create_task(move())
    try:
        assert [await held(brake, office.pool) >= LIMIT for _ in range(2)] == [True, True]
    finally:
        moved.set()
        await moving


async def test_what_is_published_whole_or_in_a_round_under_way_holds_nobody(office: Office) -> None:
    brake, (first, _) = await brake_behind(office.pool)
    await office.pool.execute("UPDATE relay_cursor SET target = pg_current_snapshot(), last_id = $1", first.last_id - 1)
    assert await held(brake, office.pool) >= LIMIT
    brake, (first, _) = await brake_behind(office.pool)
    await office.pool.execute("UPDATE relay_cursor SET target = pg_current_snapshot(), last_id = $1", first.last_id)
    assert await held(brake, office.pool) < LIMIT / 2
    await office.pool.execute("UPDATE relay_cursor SET base = pg_current_snapshot(), target = NULL, last_id = 0")
    assert await held(brake, office.pool) < LIMIT / 2


async def test_it_does_not_hold_before_enough_chunks_or_for_chunks_without_facts(office: Office) -> None:
    brake = Brake()
    for _ in range(CHUNKS_AHEAD + 1):
        brake.note(None)
    brake.note(await append_fact(office.pool))
    assert await held(brake, office.pool) < LIMIT / 2
