"""``audit.effect_of`` says of some aggregates what ``audit.effect`` says of all, whole and damaged."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ops.audit.audit import compare_declared
from ops.audit.comparing import compare_effects
from ops.audit.reading import read_differing
from ops.audit.report import Report
from ops.audit.since import effects_of, positions_of
from tests.projections.logs import MemoryLog
from tests.projections.service_stories import service_streams
from tests.projections.stories import interleaved
from tests.projections.test_batches import lives, project
from tests.projections.test_services import BUSINESSES
from tests.stack.servers import Database

ALL = "SELECT effect, topic, aggregate_id, position FROM audit.effect ORDER BY 1, 2, 3"
SOME = "SELECT effect, topic, aggregate_id, position FROM audit.effect_of($1) ORDER BY 1, 2, 3"
DAMAGES = (
    "DELETE FROM district_dashboard WHERE business_id = $1",
    "DELETE FROM business_timeline WHERE business_id = $1 AND sequence = 2",
    "DELETE FROM class_funnel WHERE business_id = $1",
    "DELETE FROM class_history WHERE business_id = $1",
    "UPDATE jobs SET workers = coalesce(workers, 0) + 1 WHERE business_id = $1",
    "DELETE FROM training_outcome WHERE stream_id = $1",
    "UPDATE exhibition_turnover SET facts = facts + 1 WHERE stream_id = $1",
    "DELETE FROM mentoring_activity WHERE stream_id = $1 AND sequence = 1",
    "DELETE FROM service_timeline WHERE stream_id = $1",
)


@pytest.fixture
async def connections(projections_db: Database) -> Any:
    """The service's login, the superuser's and the audit's."""
    opened = [
        await asyncpg.connect(dsn)
        for dsn in (projections_db.dsn, projections_db.superuser_dsn, projections_db.audit_dsn)
    ]
    yield opened
    for connection in opened:
        await connection.close()


async def _fill(live: asyncpg.Connection) -> None:
    log = MemoryLog()
    log.publish([*lives(), *interleaved(service_streams(7, BUSINESSES), 3)])
    await project(live, log)


async def test_it_says_the_same_whole_and_damaged(connections: list[asyncpg.Connection]) -> None:
    live, superuser, auditor = connections
    await _fill(live)
    ids = [row[0] for row in await superuser.fetch("SELECT aggregate_id FROM stream_position ORDER BY 1")]
    assert len({row[0] for row in await superuser.fetch("SELECT DISTINCT topic FROM stream_position")}) > 8
    whole = await auditor.fetch(ALL)
    assert await auditor.fetch(SOME, ids) == whole
    for number, damage in enumerate(DAMAGES):
        table = damage.split()[2 if damage.startswith("DELETE") else 1]
        column = next(name for name in ("business_id", "stream_id") if f"{name} = $1" in damage)
        last = number if column == "business_id" else 0  # another business each time
        victim: UUID = await superuser.fetchval(f"SELECT {column} FROM {table} ORDER BY 1 OFFSET {last} LIMIT 1")
        await superuser.execute(damage, victim)
        damaged = await auditor.fetch(ALL)
        assert damaged != whole, damage
        whole = damaged
        assert await auditor.fetch(SOME, ids) == whole, damage
    await superuser.execute("DELETE FROM stream_position WHERE aggregate_id = ANY ($1)", ids[::2])
    assert await auditor.fetch(SOME, ids) == await auditor.fetch(ALL)


async def _row_by_row(auditor: asyncpg.Connection, ids: list[str]) -> Report:
    report = Report()
    await compare_declared(report, auditor, await positions_of(auditor, ids), await effects_of(auditor, ids))
    return report


async def _in_the_database(auditor: asyncpg.Connection) -> Report:
    report = Report()
    async with auditor.transaction(isolation="repeatable_read", readonly=True):
        compare_effects(report, await read_differing(auditor))
    return report


async def test_the_database_finds_what_a_comparison_row_by_row_finds(connections: list[asyncpg.Connection]) -> None:
    live, superuser, auditor = connections
    await _fill(live)
    ids = [row[0] for row in await superuser.fetch("SELECT aggregate_id::text FROM stream_position ORDER BY 1")]
    sound, same = await _in_the_database(auditor), await _row_by_row(auditor, ids)
    assert (set(sound.findings), sound.consumers) == (set(same.findings), same.consumers)
    assert min(sound.consumers["projections"].effects.values()) > 0
    for damage in DAMAGES:
        table = damage.split()[2 if damage.startswith("DELETE") else 1]
        column = next(name for name in ("business_id", "stream_id") if f"{name} = $1" in damage)
        await superuser.execute(damage, await superuser.fetchval(f"SELECT {column} FROM {table} ORDER BY 1 LIMIT 1"))
    await superuser.execute("DELETE FROM stream_position WHERE aggregate_id = ANY ($1::text[]::uuid[])", ids[::3])
    found, expected = await _in_the_database(auditor), await _row_by_row(auditor, ids)
    assert found.total_findings == expected.total_findings
    assert {"effect", "doubled"} <= found.total_findings.keys()
    assert found.total_findings.total() > sound.total_findings.total()
    assert set(found.findings) == set(expected.findings)
    assert (found.lost, found.doubled, found.consumers) == (expected.lost, expected.doubled, expected.consumers)


async def test_of_some_streams_the_timeline_is_asked_by_its_index(connections: list[asyncpg.Connection]) -> None:
    _, superuser, _ = connections
    await superuser.execute(
        "INSERT INTO service_timeline (business_id, stream_id, sequence, topic, event_id, name, at, origin, detail) "
        "SELECT gen_random_uuid(), gen_random_uuid(), 1, 'umkm.brand', gen_random_uuid(), 'x', now(), 'command', '{}' "
        "FROM generate_series(1, 20000)"
    )
    await superuser.execute("ANALYZE service_timeline")
    one = await superuser.fetchval("SELECT stream_id FROM service_timeline LIMIT 1 OFFSET 7")
    scans = "SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'service_timeline'"
    async with superuser.transaction():
        before = tuple(await superuser.fetchrow(scans))
        assert await superuser.fetch(SOME, [one])
        after = tuple(await superuser.fetchrow(scans))
    assert after == (before[0], before[1] + 1)


async def test_of_some_it_says_nothing_of_others(connections: list[asyncpg.Connection]) -> None:
    live, superuser, auditor = connections
    await _fill(live)
    one = await superuser.fetchval("SELECT business_id FROM district_dashboard LIMIT 1")
    found = await auditor.fetch(SOME, [one])
    assert {row["aggregate_id"] for row in found} == {one}
    assert found == [row for row in await auditor.fetch(ALL) if row["aggregate_id"] == one]
    assert await auditor.fetch(SOME, []) == []


async def test_only_the_audit_may_keep_a_checkpoint_and_it_reads_no_row_of_it_else(
    connections: list[asyncpg.Connection],
) -> None:
    live, _, auditor = connections
    await auditor.execute("SELECT audit.keep_checkpoint($1, $2)", bytes(32), b"x")
    await auditor.execute("SELECT audit.keep_checkpoint($1, $2)", bytes(32), b"y")
    assert [tuple(row) for row in await auditor.fetch("TABLE audit.checkpoint")] == [(bytes(32), b"y")]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.execute("DELETE FROM audit_checkpoint")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await live.execute("SELECT audit.keep_checkpoint($1, $2)", bytes(32), b"z")
