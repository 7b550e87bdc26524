"""What of the log is read by range costs what the range holds, and nothing for what lies before it, whatever the planner has heard of it."""

from __future__ import annotations

from uuid import uuid4

import asyncpg
import pytest

from services.partners.store import queries
from shared.database import connected
from tests.partners.bureau import REGISTERED
from tests.plans import blocks_touched, rows_touched
from tests.stack.servers import Database

EVENTS = 20_000
OWNED = (3, 11_111, EVENTS - 9)
PAGES = 60_000
LENGTHS = 15
BLOCKS = 5
"""That a look-up of one event among the pages of one length may look at, and for each page that it finds."""
RECORD = """
INSERT INTO event (stream, position, event_id, type, subject, sequence, recorded_at, owner_ids)
SELECT s, n, gen_random_uuid(), $2, gen_random_uuid(), 1, now(),
       ARRAY[CASE WHEN s = 'business' AND n = ANY ($3::int[]) THEN $4::uuid ELSE gen_random_uuid() END]
FROM generate_series(1, $1::int) AS n, unnest('{business,owner}'::text[]) AS s
"""
BODIES = """
INSERT INTO event_body (stream, position, source, occurred_at, data)
SELECT stream, position, '/registry', now(), '{}' FROM event
"""
GIVE = """
INSERT INTO disclosure (agency, agreement_id, revision, way, stream, after_position, upto_position, events, withheld)
SELECT 'dpmptsp', gen_random_uuid(), 1, 'feed', s, n % $2::int, n % $2::int + length, 1, '{}'
FROM generate_series(0, $1::int - 1) AS n, unnest('{business,owner}'::text[]) AS s,
     LATERAL (SELECT CASE WHEN n % 1000 = 0 THEN 4096 ELSE 1 + n % 7 END AS length) AS page
"""
"""Short pages all along two streams, three times, as replays give them, and now and then a long one."""
HOLDING = """
SELECT e.position, d.id FROM event e, disclosure d
WHERE d.stream = e.stream AND d.after_position < e.position AND d.upto_position >= e.position AND $1 = ANY (e.owner_ids)
ORDER BY d.id, e.position
"""
"""The same in so many words."""
JOINS = ("nestloop", "mergejoin", "hashjoin")


async def _analyse(database: Database, analysed: bool, *tables: str) -> None:
    async with connected(database.migrate_dsn) as owner:
        for table in tables if analysed else ():
            await owner.execute(f"ANALYZE {table}")


@pytest.fixture
async def login(partners_db: Database) -> asyncpg.Connection:
    """The running login, with events in two streams."""
    async with connected(partners_db.dsn) as connection:
        yield connection


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "statistics"])
async def test_the_pages_that_hold_an_owners_events_are_found_without_those_that_do_not(
    partners_db: Database, login: asyncpg.Connection, analysed: bool
) -> None:
    owner_id = uuid4()
    await login.execute(RECORD, EVENTS, REGISTERED, list(OWNED), owner_id)
    await login.execute(GIVE, PAGES, EVENTS)
    await _analyse(partners_db, analysed, "event", "disclosure")
    statement = queries().disclosures_of_owner
    found = [(row["position"], row["id"]) for row in await login.fetch(statement, owner_id)]
    assert found == [tuple(row) for row in await login.fetch(HOLDING, owner_id)]
    assert {position for position, _ in found} == set(OWNED)
    bound = BLOCKS * (LENGTHS * len(OWNED) + len(found))
    assert await blocks_touched(login, statement, owner_id) < bound


@pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "statistics"])
@pytest.mark.parametrize("joined", JOINS)
async def test_a_page_at_the_end_of_a_stream_reads_no_body_before_it(
    partners_db: Database, login: asyncpg.Connection, joined: str, analysed: bool
) -> None:
    await login.execute(RECORD, EVENTS // 4, REGISTERED, [], uuid4())
    await login.execute(BODIES)
    await _analyse(partners_db, analysed, "event", "event_body")
    for other in set(JOINS) - {joined}:
        await login.execute(f"SET enable_{other} = off")
    after, upto = EVENTS // 4 - 100, EVENTS // 4 - 50
    for statement, arguments in (
        (queries().read_events, ("business", after, upto, [REGISTERED], 500)),
        (queries().read_all, ("business", after, upto)),
    ):
        found = [row["position"] for row in await login.fetch(statement, *arguments)]
        assert found == list(range(after + 1, upto + 1))
        assert await rows_touched(login, statement, *arguments) <= 10 * len(found), statement
