"""Read models over all services in PostgreSQL: whatever order, the same tables; rebuilt, compared, swapped, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.projections.commands import Projection
from services.projections.domain.making import MAKINGS
from shared.consumer import apply_batch
from shared.contracts.registry import BUSINESS_TOPIC
from shared.envelope import Event
from tests.projections.logs import MemoryLog
from tests.projections.rebuilds import ALL, Bench
from tests.projections.service_stories import service_streams
from tests.projections.stories import interleaved, random_story
from tests.projections.test_batches import LIVE, effects
from tests.stack.servers import Database

NEW = tuple(name for name in ALL if MAKINGS[name].topics != (BUSINESS_TOPIC,))
SOUND = {name.value: {0} for name in ALL}


def city(seed: int = 3) -> list[list[Event]]:
    """Return streams of some businesses and of all that other services tell of them."""
    lives = [random_story(seed * 100 + number, 4) for number in range(8)]
    return [*lives, *service_streams(seed, [life[0].fact.aggregate_id for life in lives])]


async def all_tables(connection: asyncpg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name.value: [
            tuple(row) for row in await connection.fetch(f"TABLE {name.value} ORDER BY {', '.join(MAKINGS[name].key)}")
        ]
        for name in ALL
    }


async def project(connection: asyncpg.Connection, events: Sequence[Event], batch: int) -> None:
    log = MemoryLog()
    log.publish(events)
    items = log.items()
    for start in range(0, len(items), batch):
        assert (await apply_batch(connection, LIVE, items[start : start + batch])).parkings == []


@pytest.fixture
async def full(bench: Bench) -> Bench:
    """A live consumer that has applied nothing, and a log of everything that all services told."""
    bench.log = MemoryLog()
    bench.log.publish(interleaved(city(), 1))
    return bench


@pytest.mark.parametrize(("order", "batch"), [(1, 1), (2, 7), (3, 400)])
async def test_every_order_between_streams_ends_in_the_same_tables(bench: Bench, order: int, batch: int) -> None:
    await project(bench.live, [event for stream in city() for event in stream], 50)
    expected = await all_tables(bench.auditor)
    assert all(expected.values())
    for name in (*(name.value for name in ALL), "stream_position"):
        await bench.auditor.execute(f"TRUNCATE {name}")
    await project(bench.live, list(interleaved(city(), order)), batch)
    assert await all_tables(bench.auditor) == expected
    assert await effects(bench.auditor) == SOUND


async def test_the_whole_log_again_repairs_and_doubles_nothing(full: Bench) -> None:
    await full.go_on(batch=11)
    before = await all_tables(full.auditor)
    await full.auditor.execute("DELETE FROM stream_position; DELETE FROM service_timeline WHERE sequence = 2")
    full.applied = 0
    await full.go_on(batch=5)
    assert await all_tables(full.auditor) == before
    assert await effects(full.auditor) == SOUND


async def test_all_are_rebuilt_in_one_pass_equal_and_swapped(full: Bench) -> None:
    await full.go_on()
    before = await all_tables(full.auditor)
    result = await full.rebuild(*ALL)
    assert (result.equal, result.swapped, result.events) == (True, True, len(full.log.order))
    assert {name: found["rows"] for name, found in result.comparisons.items()} == {
        name: len(rows) for name, rows in before.items()
    }
    assert await all_tables(full.auditor) == before
    assert await effects(full.auditor) == SOUND


@pytest.mark.parametrize("projection", NEW)
async def test_a_lost_row_is_named_and_one_that_was_tampered_with_shows_in_the_audit(
    full: Bench, projection: Projection
) -> None:
    await full.go_on()
    table = projection.value
    await full.auditor.execute(f"DELETE FROM {table} WHERE ctid = (SELECT min(ctid) FROM {table})")
    assert (await effects(full.auditor))[table] != {0}
    result = await full.rebuild(projection, swap=False)
    found = result.comparisons[table]
    assert (found["extra"], found["missing"], found["differing"], result.equal) == (1, 0, 1, False)
    assert (await full.rebuild(projection, accept_differences=True)).swapped
    assert await effects(full.auditor) == SOUND


@pytest.mark.parametrize("projection", [Projection.TRAINING_OUTCOME, Projection.EXHIBITION_TURNOVER])
async def test_a_row_that_lacks_a_fact_shows_in_the_audit(full: Bench, projection: Projection) -> None:
    await full.go_on()
    await full.auditor.execute(f"UPDATE {projection.value} SET facts = facts - 1 WHERE version > 1")
    assert min((await effects(full.auditor))[projection.value]) < 0


async def test_the_new_generation_has_the_indexes_and_rights_of_the_old(full: Bench) -> None:
    await full.go_on()
    names = [name.value for name in NEW]
    shape = (
        "SELECT tablename, regexp_replace(indexdef, '(INDEX )\\S+( ON)', '\\1\\2') AS def FROM pg_indexes "
        "WHERE tablename = ANY ($1) ORDER BY 1, 2"
    )
    rights = (
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = 'projections' AND table_name = ANY ($1) ORDER BY 1, 2"
    )
    options = "SELECT relname, reloptions FROM pg_class WHERE relname = ANY ($1) ORDER BY 1"
    queries = (shape, rights, options)
    before = [await full.auditor.fetch(query, names) for query in queries]
    await full.rebuild(*NEW)
    await full.rebuild(*NEW)
    assert [await full.auditor.fetch(query, names) for query in queries] == before


async def test_what_comes_after_a_swap_and_a_roll_back_is_in_both_generations(full: Bench) -> None:
    await full.go_on(upto=90)
    assert (await full.rebuild(*NEW)).swapped
    await full.go_on()
    full.log.publish(interleaved(service_streams(77, [UUID(int=77)]), 2))
    await full.go_on()
    expected = await all_tables(full.auditor)
    assert (await full.roll_back(*NEW)).swapped
    await full.go_on()
    assert await all_tables(full.auditor) == expected
    assert await effects(full.auditor) == SOUND
    assert (await full.rebuild(*NEW, swap=False)).equal


async def test_a_fact_that_is_parked_holds_up_its_own_stream_alone_and_comes_back(full: Bench) -> None:
    bad = next(
        stream
        for stream in service_streams(5, [UUID(int=5)])
        if stream[0].meta.type.endswith("enrolment.registered.v1")
    )
    full.log.publish(bad, spoil=frozenset({(bad[0].meta.subject, 2)}))
    await full.go_on()
    parked = await full.auditor.fetch("SELECT kind, sequence FROM parked_event ORDER BY sequence")
    assert [row["sequence"] for row in parked] == [event.meta.sequence for event in bad[1:]]
    result = await full.rebuild(*ALL)
    assert (result.equal, result.swapped) == (True, True)
    assert await effects(full.auditor) == SOUND


async def test_the_running_login_reads_where_businesses_are_after_a_swap_too(
    full: Bench, projections_db: Database
) -> None:
    await full.go_on()
    reader = await asyncpg.connect(projections_db.dsn)
    known = await reader.fetchval("SELECT count(*) FROM counted_businesses()")
    await full.rebuild(Projection.DISTRICT_DASHBOARD)
    await full.auditor.execute("TRUNCATE district_dashboard_standby")
    assert await reader.fetchval("SELECT count(*) FROM counted_businesses()") == known > 0
    await reader.close()
