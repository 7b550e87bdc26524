"""What is asked again and again touches what it asks for and not a whole table, whatever the planner has heard of the tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.notifications.domain.messages import Priority
from services.notifications.handlers.fanning import FanOut
from services.notifications.settings import CHANNELS
from services.notifications.store import announcements, attending, messages
from shared.database import Pool
from shared.identifiers import new_id
from tests.notifications.city import EMAIL, announce, cancel, finish, state_of
from tests.notifications.workshop import NOON
from tests.plans import rows_touched
from tests.stack.servers import Database

KNOWN = 6_000
"""Rows of each table that are not asked for, or not any more."""
BATCH = 50
ASKED = 100
"""Rows that are asked for."""
STEPS = 15
"""Rows that the nodes of a plan may touch for each of them; a look through a table touches four times as many."""
MESSAGES = """
INSERT INTO message (id, event_id, event_type, occurred_at, template, language, channel, owner_id, officer_sub, state, priority,
                     next_attempt_at)
SELECT gen_random_uuid(), $2, 'announcement', $1, 'announcement', 'id', $4, CASE WHEN $5::text IS NULL THEN gen_random_uuid() END,
       $5, $6, $7::int, $1
FROM generate_series(1, $3::int)
"""
OWNERS = """
INSERT INTO recipient (owner_id, language, channel, consent, version)
SELECT gen_random_uuid(), 'id', 'email', true, 1 FROM generate_series(1, $1::int)
"""
RECIPIENTS = """
INSERT INTO recipient (owner_id, language, channel, consent, version) SELECT DISTINCT owner_id, 'id', 'email', true, 1 FROM message
"""
BATCHES = """
INSERT INTO batch_copy (batch_id, course_id, place) SELECT gen_random_uuid(), gen_random_uuid(), 'Aula' FROM generate_series(1, $1::int)
"""
SESSIONS = "INSERT INTO session_copy (batch_id, number, starts_at, version) SELECT batch_id, 1, $1, 1 FROM batch_copy"
PARTICIPATIONS = """
INSERT INTO participation (id, kind, gathering_id, owner_id, business_id, attending, since, said, version)
SELECT gen_random_uuid(), 'enrolment', batch_id, gen_random_uuid(), gen_random_uuid(), true, $1, 1, 1
FROM batch_copy, generate_series(1, $2::int)
"""
REMINDERS = """
WITH made AS (
    INSERT INTO message (id, event_id, event_type, occurred_at, template, language, channel, owner_id, state, next_attempt_at)
    SELECT gen_random_uuid(), id, 'reminder', $1, 'session_reminder', 'id', 'email', owner_id, 'queued', $1 FROM participation
    RETURNING id, event_id
)
INSERT INTO reminder (participation_id, template, number, version, message_id, starts_at)
SELECT event_id, 'session_reminder', 1, 1, id, $1 FROM made
"""

Analyse = Callable[[], Awaitable[None]]
statistics = pytest.mark.parametrize("analysed", [False, True], ids=["no statistics", "statistics"])


@pytest.fixture
def analyse(notifications_db: Database) -> Analyse:
    """Let the planner's statistics tell of all tables as they are."""

    async def run() -> None:
        connection = await asyncpg.connect(notifications_db.migrate_dsn)
        await connection.execute("ANALYZE")
        await connection.close()

    return run


async def put(
    pool: Pool,
    count: int,
    *,
    event_id: UUID | None = None,
    channel: str | None = "email",
    officer: str | None = None,
    state: str = "queued",
    priority: Priority = Priority.AWAITED,
) -> None:
    """Store messages, to owners unless ``officer`` is named."""
    await pool.execute(MESSAGES, NOON, event_id or new_id(), count, channel, officer, state, priority)


async def touched(pool: Pool, statement: str, *arguments: Any) -> float:
    """Return how many rows a statement touches."""
    async with pool.acquire() as connection:
        return await rows_touched(connection, statement, *arguments)


@pytest.mark.parametrize("analysed", ["never", "before", "now"])
async def test_what_makes_reminders_untrue_reads_their_own_participants(
    pool: Pool, analyse: Analyse, analysed: str
) -> None:
    """Also when the statistics are of the moment when no message was queued."""
    await put(pool, KNOWN, state="sent")
    await pool.execute(BATCHES, KNOWN // BATCH)
    await pool.execute(SESSIONS, NOON)
    await pool.execute(PARTICIPATIONS, NOON, BATCH)
    if analysed == "before":
        await analyse()
    await pool.execute(REMINDERS, NOON)
    first, second, third = await pool.fetch("SELECT batch_id FROM batch_copy ORDER BY 1 LIMIT 3")
    # One is not held. Those of another do not come, in two groups: told one by one, and by their batch.
    await pool.execute("UPDATE batch_copy SET cancelled = true WHERE batch_id = $1", first[0])
    await pool.execute("UPDATE participation SET attending = false WHERE gathering_id = $1", second[0])
    alone = [row[0] for row in await pool.fetch("SELECT id FROM participation WHERE gathering_id = $1", second[0])]
    if analysed == "now":
        await analyse()
    batches = [first[0], third[0]]
    count = await touched(pool, attending.QUERIES.void_stale, alone, batches, NOON)
    void = await pool.fetch(
        "SELECT gathering_id, count(*) FROM participation JOIN message ON event_id = participation.id"
        " WHERE state = 'suppressed' AND reason = 'reminder_void' GROUP BY 1"
    )
    assert {tuple(row) for row in void} == {(first[0], BATCH), (second[0], BATCH)}
    assert ASKED < count < STEPS * (len(alone) + BATCH * len(batches))


@statistics
async def test_what_leaves_a_channel_is_found_among_what_waits_for_it(
    pool: Pool, analyse: Analyse, analysed: bool
) -> None:
    await put(pool, KNOWN)
    await put(pool, ASKED, channel="whatsapp")
    await put(pool, ASKED, channel="whatsapp", officer="budi")
    if analysed:
        await analyse()
    not_run = [name for name in CHANNELS if name != "email"]
    assert await touched(pool, messages.QUERIES.leave_channels, not_run, "email", NOON, "uji") < STEPS * ASKED
    rows = await pool.fetch("SELECT channel, officer_sub IS NULL, count(*) FROM message GROUP BY 1, 2")
    assert {tuple(row) for row in rows} == {("email", True, KNOWN + ASKED), ("whatsapp", False, ASKED)}


@statistics
async def test_in_quiet_hours_officers_are_told_without_a_look_at_all_that_waits_for_the_morning(
    pool: Pool, analyse: Analyse, analysed: bool
) -> None:
    await put(pool, KNOWN)
    await put(pool, ASKED, officer="budi")
    if analysed:
        await analyse()
    async with pool.acquire() as connection:
        # A sender's connection has it prepared, and may have one plan for quiet hours and for others.
        await connection.execute(
            "SET plan_cache_mode = force_generic_plan; PREPARE claim AS " + messages.QUERIES.claim_due
        )
        claim = f"EXECUTE claim('email', '{NOON}', true, 'uji', '{NOON + timedelta(minutes=2)}', {ASKED}, {Priority.AWAITED})"
        assert await rows_touched(connection, claim) < STEPS * ASKED
    rows = await pool.fetch("SELECT state, officer_sub, count(*) FROM message GROUP BY 1, 2")
    assert {tuple(row) for row in rows} == {("queued", None, KNOWN), ("sending", "budi", ASKED)}


@pytest.mark.parametrize("analysed", ["never", "now", "while all waited"])
async def test_who_waited_for_an_owner_is_found_among_those_who_wait(
    pool: Pool, analyse: Analyse, analysed: str
) -> None:
    """Also after a replay, when the statistics are of the moment when every message waited."""
    await put(pool, KNOWN, channel=None, state="waiting")
    await pool.execute(RECIPIENTS)
    if analysed == "while all waited":
        await analyse()
    await pool.execute("UPDATE message SET state = 'sent', channel = 'email'")
    await put(pool, ASKED, channel=None, state="waiting")
    await pool.execute(RECIPIENTS + " ON CONFLICT DO NOTHING")
    await pool.execute(
        "INSERT INTO business_contact (business_id, owner_id, version) SELECT owner_id, owner_id, 1 FROM recipient"
    )
    await pool.execute("UPDATE message SET business_id = owner_id, owner_id = NULL WHERE state = 'waiting'")
    if analysed == "now":
        await analyse()
    for statement in (messages.QUERIES.find_owners, messages.QUERIES.find_completable):
        assert ASKED < await touched(pool, statement, 500) < STEPS * ASKED, statement
    assert await pool.fetchval("SELECT count(*) FROM message WHERE owner_id = business_id") == ASKED


@pytest.mark.parametrize("analysed", ["never", "before", "in the midst"])
async def test_an_announcement_is_taken_back_in_steps_that_read_their_own_owners(
    pool: Pool, analyse: Analyse, analysed: str
) -> None:
    await pool.execute(OWNERS, KNOWN)
    kept, cancelled = await announce(pool), await announce(pool)
    await finish(FanOut(pool, EMAIL, clock=lambda: NOON))
    if analysed == "before":
        await analyse()
    counts: list[float] = []
    first, last = announcements.LAST, announcements.LAST
    while first != announcements.NONE:
        first = await pool.fetchval(announcements.QUERIES.start_of_chunk, last, ASKED) or announcements.NONE
        step = await touched(pool, announcements.QUERIES.start_of_chunk, last, ASKED)
        counts.append(step + await touched(pool, announcements.QUERIES.take_back, cancelled, first, last, NOON))
        last = first
        if len(counts) == 3 and analysed == "in the midst":
            await analyse()
    assert len(counts) == KNOWN // ASKED
    assert ASKED < max(counts) < STEPS * ASKED
    rows = await pool.fetch("SELECT event_id, state, count(*) FROM message GROUP BY 1, 2")
    assert {tuple(row) for row in rows} == {(cancelled, "suppressed", KNOWN), (kept, "queued", KNOWN)}


async def test_all_of_an_announcement_is_taken_back_also_where_it_was_forgotten_how_far_it_had_come(pool: Pool) -> None:
    await pool.execute(OWNERS, ASKED)
    made, worker = await announce(pool), FanOut(pool, EMAIL, chunk=ASKED // 3, clock=lambda: NOON)
    await finish(worker)
    await pool.execute("UPDATE announcement SET state = 'running', done = 0, last_owner = $1", announcements.NONE)
    await cancel(pool, made)
    assert await finish(worker) == 4
    assert (await state_of(pool, made))[0] == "cancelled"
    assert await pool.fetchval("SELECT count(*) FROM message WHERE state = 'suppressed'") == ASKED
