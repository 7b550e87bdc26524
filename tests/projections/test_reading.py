"""What reading a figure costs: businesses of the city are read only for who is shown some of them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.projections.store.figures import FIGURES
from shared.database import Pool
from shared.wita import monday_of
from tests.plans import rows_touched

MANGGAR = "64.71.01.1001"


async def test_who_may_see_every_place_does_not_ask_where_each_business_is(pool: Pool) -> None:
    """A page of the public looks every 5 s, and each business of the city would be read for it."""
    week = monday_of(date(2026, 3, 4))
    for insert in (
        """INSERT INTO district_dashboard (business_id, kelurahan, kecamatan, kelas, status, sector, source, class_facts, facts,
               version, changed_at)
           SELECT gen_random_uuid(), $1, '64.71.01', 'mikro', 'terverifikasi', 'kuliner', 'impor', 1, 1, 1, now()
           FROM generate_series(1, 2000)""",
        """INSERT INTO exhibition_turnover (stream_id, topic, exhibition_id, business_id, cancelled, state, placed, days_reported,
               facts, version, changed_at)
           SELECT gen_random_uuid(), 'umkm.application', gen_random_uuid(), business_id, false, 'ikut', true, 0, 1, 1, now()
           FROM district_dashboard WHERE kelurahan = $1 LIMIT 1""",
        """INSERT INTO mentoring_activity (stream_id, sequence, topic, name, mentor_id, business_id, day, at)
           SELECT gen_random_uuid(), 1, 'umkm.mentoring', 'mentoring.visited', gen_random_uuid(), business_id, '2026-03-04', now()
           FROM district_dashboard WHERE kelurahan = $1 LIMIT 1""",
    ):
        await pool.execute(insert, MANGGAR)
    for statement, arguments in (
        (FIGURES.list_turnover, (UUID(int=0), 10, False)),
        (FIGURES.list_mentoring, (week, week, week, UUID(int=0), 10)),
    ):
        assert await pool.fetch(statement, None, *arguments) == await pool.fetch(statement, MANGGAR, *arguments) != []
        async with pool.acquire() as connection:
            assert await rows_touched(connection, statement, MANGGAR, *arguments) > 2000
            assert await rows_touched(connection, statement, None, *arguments) < 100, statement
