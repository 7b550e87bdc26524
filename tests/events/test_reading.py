"""What a curation reads costs a step for each application, also while the planner's statistics know of none of them."""

from __future__ import annotations

from datetime import date

from services.events.store import queries
from shared.identifiers import new_id
from tests.events.fair import FIRST_DAY, JURY, Fair
from tests.plans import rows_touched

APPLICATIONS = 300
STEPS = 30
"""Rows that the plan's nodes may touch for each application; a join of whole tables touches hundreds."""
ROWS = """
WITH business AS (
    INSERT INTO business_copy (business_id, owner_ids, kelurahan, kelas, status, version)
    SELECT id, ARRAY[id], '64.71.01.1001', 'mikro', 'terverifikasi', 1 FROM unnest($2::uuid[]) AS id
), licensed AS (
    INSERT INTO licence_copy (licence_id, business_id, kind, verified, version)
    SELECT gen_random_uuid(), id, 'p_irt', true, 2 FROM unnest($2::uuid[]) AS id
), passed AS (
    INSERT INTO enrolment_copy (enrolment_id, owner_id, business_id, completed_on, version)
    SELECT gen_random_uuid(), id, id, '2026-06-01', 5 FROM unnest($2::uuid[]) AS id
), scored AS (
    INSERT INTO score (application_id, curator, criterion, score, given_at)
    SELECT id, 'kurator-' || k, 'kemasan', 80, now() FROM unnest($2::uuid[]) AS id, generate_series(1, 3) AS k
)
INSERT INTO application (id, version, exhibition_id, owner_id, business_id, kelurahan, kind, state, applied_by, applied_at)
SELECT id, 1, $1, id, id, '64.71.01.1001', 'umum', 'kurasi', 'desk', now() FROM unnest($2::uuid[]) AS id
"""


async def test_a_curation_reads_in_steps_that_grow_with_its_applications_alone(fair: Fair) -> None:
    exhibition = await fair.exhibition(criteria=JURY)
    await fair.pool.execute(ROWS, exhibition, [new_id() for _ in range(APPLICATIONS)])
    since = date(2024, 12, 3)
    for statement, arguments in (
        (queries().load_entries, (exhibition, since, FIRST_DAY)),
        (queries().sum_scores, (exhibition,)),
    ):
        assert len(await fair.pool.fetch(statement, *arguments)) == APPLICATIONS
        async with fair.pool.acquire() as connection:
            touched = await rows_touched(connection, statement, *arguments)
        assert APPLICATIONS < touched < STEPS * APPLICATIONS, statement
