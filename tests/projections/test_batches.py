"""Batches through the consumer layer into PostgreSQL, and what the audit sees of damage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.projections.domain.classes import class_row
from services.projections.domain.dashboard import DashboardRow, fold
from services.projections.domain.making import MAKINGS, TOPICS, TYPES
from services.projections.domain.timeline import timeline_row
from services.projections.handlers.projecting import project_batch
from shared.consumer import Definition, apply_batch
from shared.envelope import Event
from tests.projections.logs import MemoryLog
from tests.projections.stories import interleaved, random_story

LIVE = Definition("projections", TYPES, project_batch)
TABLES = ("district_dashboard", "business_timeline", "class_history", "class_funnel", "jobs")
SOUND = {name: {0} for name in TABLES}


@pytest.fixture
async def connection(projections_db: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(projections_db.dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def auditor(projections_db: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(projections_db.superuser_dsn)
    yield connection
    await connection.close()


def lives(count: int = 12, length: int = 5) -> list[Event]:
    return list(interleaved([random_story(seed, length) for seed in range(count)], 1))


async def project(connection: asyncpg.Connection, log: MemoryLog, batch: int = 9) -> None:
    items = log.items()
    for start in range(0, len(items), batch):
        plan = await apply_batch(connection, LIVE, items[start : start + batch])
        assert plan.parkings == []


async def tables(connection: asyncpg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {name: [tuple(row) for row in await connection.fetch(f"TABLE {name} ORDER BY 1, 2")] for name in TABLES}


async def effects(auditor: asyncpg.Connection) -> dict[str, set[int]]:
    """Return for each effect how its positions differ from the consumer's: {0} if nothing is wrong."""
    rows = await auditor.fetch(
        "SELECT e.effect, e.position - coalesce(p.position, 0) AS off FROM audit.effect e "
        "LEFT JOIN audit.position p USING (consumer, topic, aggregate_id)"
    )
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(row["effect"], set()).add(row["off"])
    return found


@pytest.mark.parametrize("batch", [1, 4, 1000])
async def test_the_tables_hold_what_the_rules_say(connection: asyncpg.Connection, batch: int) -> None:
    events, log = lives(), MemoryLog()
    log.publish(events)
    await project(connection, log, batch)
    found = await tables(connection)
    dashboard = {str(row[0]): DashboardRow(*row) for row in found["district_dashboard"]}
    assert dashboard == fold({}, events)
    assert {row[2] for row in found["business_timeline"]} == {timeline_row(each).event_id for each in events}
    assert len(found["business_timeline"]) == len(events)
    classes = [row for each in events if (row := class_row(each))]
    assert sorted(found["class_history"]) == sorted(tuple(row) for row in classes)


async def test_the_same_log_twice_changes_nothing(connection: asyncpg.Connection) -> None:
    log = MemoryLog()
    log.publish(lives())
    await project(connection, log)
    before = await tables(connection)
    await project(connection, log, 5)
    assert await tables(connection) == before


async def test_a_consumer_whose_positions_were_set_back_repairs_and_doubles_nothing(
    connection: asyncpg.Connection, auditor: asyncpg.Connection
) -> None:
    log = MemoryLog()
    log.publish(lives())
    await project(connection, log)
    before = await tables(connection)
    await auditor.execute("DELETE FROM stream_position; DELETE FROM business_timeline WHERE sequence = 2")
    await project(connection, log, 4)
    assert await tables(connection) == before
    assert await effects(auditor) == SOUND


async def test_the_running_login_may_not_change_the_schema(connection: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("DROP TABLE district_dashboard")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CREATE TABLE stray (id int)")


@pytest.mark.parametrize(
    ("damage", "effect", "off"),
    [
        ("DELETE FROM business_timeline WHERE sequence = 2 AND business_id = $1", "business_timeline", -1),
        ("DELETE FROM business_timeline WHERE business_id = $1", "business_timeline", -5),
        ("UPDATE business_timeline SET sequence = 9 WHERE sequence = 2 AND business_id = $1", "business_timeline", -6),
        ("DELETE FROM district_dashboard WHERE business_id = $1", "district_dashboard", -5),
        ("UPDATE district_dashboard SET facts = facts - 1 WHERE business_id = $1", "district_dashboard", -6),
        ("DELETE FROM class_history WHERE sequence = 1 AND business_id = $1", "class_history", -6),
        (
            "INSERT INTO class_history SELECT business_id, 77, before, after, basis, year, source, as_of, naik_kelas, at "
            "FROM class_history WHERE business_id = $1 LIMIT 1",
            "class_history",
            -6,
        ),
        ("DELETE FROM class_funnel WHERE ordinal = 1 AND business_id = $1", "class_funnel", -6),
        ("DELETE FROM class_funnel WHERE business_id = $1", "class_funnel", -6),
        ("UPDATE class_funnel SET kelas = 'besar' WHERE business_id = $1", "class_funnel", -6),
        ("DELETE FROM jobs WHERE ordinal = 1 AND business_id = $1", "jobs", -6),
        ("UPDATE jobs SET workers = coalesce(workers, 0) + 1 WHERE business_id = $1", "jobs", -6),
        (
            "UPDATE district_dashboard SET kelurahan = 'TIDAK_DIKETAHUI', kecamatan = 'x' WHERE business_id = $1",
            "jobs",
            -6,
        ),
    ],
)
async def test_a_damaged_row_shows_in_the_audit(
    connection: asyncpg.Connection, auditor: asyncpg.Connection, damage: str, effect: str, off: int
) -> None:
    log = MemoryLog()
    log.publish(lives())
    await project(connection, log)
    assert await effects(auditor) == SOUND
    victim = await connection.fetchval("SELECT business_id FROM district_dashboard ORDER BY 1 LIMIT 1")
    await auditor.execute(damage, victim)
    assert (await effects(auditor))[effect] == {0, off}


async def test_the_audit_sees_what_was_expected_and_no_personal_data(auditor: asyncpg.Connection) -> None:
    declared = await auditor.fetch("SELECT effect, topic FROM audit.effect_declared")
    assert {tuple(row) for row in declared} == {(name, topic) for name in MAKINGS for topic in MAKINGS[name].topics}
    subscribed = await auditor.fetch("SELECT consumer, topic FROM audit.subscription")
    assert {tuple(row) for row in subscribed} == {("projections", topic) for topic in TOPICS}
    await auditor.execute("SET ROLE audit")
    assert await auditor.fetchval("SELECT count(*) FROM audit.effect") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.execute("SELECT * FROM business_timeline")
