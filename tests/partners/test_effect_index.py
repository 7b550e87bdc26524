"""An audit that continues asks which of some subjects' events were kept: by their index, not of every event."""

from __future__ import annotations

import asyncpg

from tests.stack.servers import Database

MANY = """
INSERT INTO event (stream, position, event_id, type, subject, sequence, recorded_at, owner_ids)
SELECT 'business', n, gen_random_uuid(), 'x', gen_random_uuid(), 1, now(), '{}' FROM generate_series(1, 20000) AS n
"""


async def test_effects_of_some_subjects_are_found_by_the_index(partners_db: Database) -> None:
    superuser, auditor = await asyncpg.connect(partners_db.superuser_dsn), await asyncpg.connect(partners_db.audit_dsn)
    try:
        await superuser.execute(MANY)
        await superuser.execute("ANALYZE event")
        one = await superuser.fetchval("SELECT subject FROM event WHERE position = 77")
        some = f"SELECT * FROM audit.effect WHERE aggregate_id = ANY ('{{{one}}}'::uuid[])"
        assert [row["position"] for row in await auditor.fetch(some)] == [1]
        plan = "\n".join(row[0] for row in await auditor.fetch(f"EXPLAIN {some}"))
    finally:
        await superuser.close()
        await auditor.close()
    assert "event_subject" in plan
    assert "Seq Scan on event" not in plan
