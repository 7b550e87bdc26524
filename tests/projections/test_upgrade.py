"""What a migration sets right in a database that had facts before it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import asyncpg

from services.projections.store.batches import migrations
from shared.database import migrate
from tests.projections.logs import MemoryLog
from tests.projections.service_stories import service_streams
from tests.projections.stories import interleaved
from tests.projections.test_batches import project
from tests.projections.test_services import BUSINESSES
from tests.stack.servers import Database

ROLES = {"app_role": "registry", "audit_role": "audit"}

BEFORE = """
INSERT INTO jobs (business_id, sequence, ordinal, event_id, name, at, day, is_in, kelurahan, kecamatan, kelas, workers, counted_on)
SELECT c.id::uuid, c.n, c.n, gen_random_uuid(), 'business.workers_recorded', now(), DATE '2026-03-01', true, 'x', 'x', 'mikro',
       c.workers, c.counted_on
FROM (VALUES ('00000000-0000-0000-0000-000000000001', 1, 4, DATE '2026-02-01'),
             ('00000000-0000-0000-0000-000000000001', 2, 9, DATE '2025-09-01'),
             ('00000000-0000-0000-0000-000000000002', 1, NULL, NULL)) AS c(id, n, workers, counted_on);
INSERT INTO district_dashboard (business_id, kelurahan, kecamatan, kelas, status, sector, workers, source, class_facts, facts,
                                version, changed_at)
VALUES ('00000000-0000-0000-0000-000000000001', 'x', 'x', 'mikro', 'draf', 'x', 9, 'x', 1, 2, 2, now()),
       ('00000000-0000-0000-0000-000000000002', 'x', 'x', 'mikro', 'draf', 'x', NULL, 'x', 1, 1, 1, now());
"""


async def test_a_late_count_that_was_shown_gives_way_to_the_newest(empty_db: Database, tmp_path: Path) -> None:
    *kernel, mine = migrations()
    older = replace(mine, folder=tmp_path)
    for path in mine.folder.glob("0[01]*.sql"):
        shutil.copy(path, tmp_path)
    for name in ("0200_class_funnel_and_jobs.sql", "0201_jobs_since_first_counted.sql"):
        shutil.copy(mine.folder / name, tmp_path)
    await migrate(empty_db.migrate_dsn, [*kernel, older], ROLES)
    connection = await asyncpg.connect(empty_db.migrate_dsn)
    await connection.execute(BEFORE)
    await migrate(empty_db.migrate_dsn, migrations(), ROLES)
    rows = await connection.fetch("SELECT workers, workers_as_of FROM district_dashboard ORDER BY business_id")
    await connection.close()
    assert [tuple(row) for row in rows] == [(4, date(2026, 2, 1)), (None, None)]


async def test_who_had_withdrawn_before_has_the_cause_that_was_told(projections_db: Database) -> None:
    """The migration finds in the timeline what the rule makes of the facts, so that nothing has to be rebuilt."""
    live, owner = await asyncpg.connect(projections_db.dsn), await asyncpg.connect(projections_db.migrate_dsn)
    log = MemoryLog()
    log.publish(interleaved([stream for seed in range(12) for stream in service_streams(seed, BUSINESSES)], 1))
    await project(live, log)
    told = await owner.fetch("SELECT stream_id, state, cause FROM training_outcome ORDER BY stream_id")
    causes = {row["cause"] for row in told if row["state"] == "mengundurkan_diri"}
    assert causes > {"angkatan_dibatalkan", "permintaan_peserta"}
    assert {row["cause"] for row in told if row["state"] != "mengundurkan_diri"} == {None}
    await owner.execute("ALTER TABLE training_outcome DROP COLUMN cause")
    await owner.execute("CREATE TABLE training_outcome_standby (LIKE training_outcome)")
    (migration,) = migrations()[-1].folder.glob("0304_*.sql")
    await owner.execute(migration.read_text(encoding="utf-8"))
    assert await owner.fetch("SELECT stream_id, state, cause FROM training_outcome ORDER BY stream_id") == told
    assert await owner.fetchval("SELECT to_regclass('training_outcome_standby')") is None
    for connection in (live, owner):
        await connection.close()
