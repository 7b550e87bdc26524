"""What is done to parked rows: asking the consumer's own process to try them again, and giving one up.

Who locks more than one row locks the aggregate's position first, as the consumer does, or waits for no row at all.
"""

from __future__ import annotations

from uuid import UUID

import asyncpg

MOST = 50_000
"""So many rows are asked for in one transaction, which must end long before the pool's bound."""

_ASK_AGAIN = """
UPDATE parked_event SET redrive_requested_at = now() WHERE consumer = $1 AND ($2::uuid IS NULL OR aggregate_id = $2)
"""
_ASK = """
WITH waiting AS (
    SELECT id FROM parked_event
    WHERE consumer = $1 AND redrive_requested_at IS NULL
      AND ($2::uuid IS NULL OR aggregate_id = $2) AND ($3::bigint IS NULL OR id = $3)
    ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE parked_event SET redrive_requested_at = now() FROM waiting WHERE parked_event.id = waiting.id
"""
_HOLD_POSITION = "SELECT position FROM stream_position WHERE consumer = $1 AND aggregate_id = $2 FOR UPDATE"
_HOLD = "SELECT id FROM parked_event WHERE consumer = $1 AND id = $2 FOR UPDATE"
_FIND = "SELECT aggregate_id, sequence, topic FROM parked_event WHERE id = $1 AND consumer = $2"
_COUNT_AS_APPLIED = """
INSERT INTO stream_position (consumer, aggregate_id, topic, position) VALUES ($1, $2, $3, $4)
ON CONFLICT (consumer, aggregate_id) DO UPDATE SET position = EXCLUDED.position
WHERE stream_position.position = EXCLUDED.position - 1
"""
_TAKE = "DELETE FROM parked_event WHERE id = $1 AND consumer = $2 RETURNING id"
_REMEMBER = """
INSERT INTO parked_history (consumer, aggregate_id, sequence, action, reason) VALUES ($1, $2, $3, 'discarded', $4)
"""


async def request_redrive(
    connection: asyncpg.Connection | asyncpg.Pool, consumer: str, aggregate_id: UUID | None = None
) -> int:
    """Ask for the parked events of one aggregate, or of all (``None``), and return how many events that are."""
    return _count(await connection.execute(_ASK_AGAIN, consumer, aggregate_id))


async def ask_new(
    connection: asyncpg.Connection, consumer: str, aggregate_id: UUID | None = None, parked_id: int | None = None
) -> int:
    """Ask for those that nobody has asked for yet, and return how many; rows that somebody works on are left out.

    At most ``MOST`` at a time, the oldest: whoever wants more asks again.
    """
    return _count(await connection.execute(_ASK, consumer, aggregate_id, parked_id, MOST))


async def hold(connection: asyncpg.Connection, consumer: str, parked_id: int, aggregate_id: UUID | None) -> bool:
    """Lock a row, after its aggregate's position if there is one; ``False`` if the row is gone."""
    if aggregate_id is not None:
        await connection.fetchval(_HOLD_POSITION, consumer, aggregate_id)
    return await connection.fetchval(_HOLD, consumer, parked_id) is not None


class _GoneError(Exception):
    """The row went while we waited for it: what was done already is undone."""


async def discard(connection: asyncpg.Connection, consumer: str, parked_id: int, reason: str) -> bool:
    """Give one parked event up, with a reason that stays in ``parked_history``; ``False`` if there is none.

    The stream goes on behind it: its sequence counts as applied.
    """
    try:
        async with connection.transaction():
            await _give_up(connection, consumer, parked_id, reason)
    except _GoneError:
        return False
    return True


async def _give_up(connection: asyncpg.Connection, consumer: str, parked_id: int, reason: str) -> None:
    row = await connection.fetchrow(_FIND, parked_id, consumer)
    if row is None:
        raise _GoneError
    aggregate_id, sequence, topic = row
    streamed = aggregate_id is not None and sequence is not None
    if streamed:
        await connection.execute(_COUNT_AS_APPLIED, consumer, aggregate_id, topic, sequence)
    if await connection.fetchval(_TAKE, parked_id, consumer) is None:
        raise _GoneError
    await connection.execute(_REMEMBER, consumer, aggregate_id, sequence, reason)
    if streamed:
        await request_redrive(connection, consumer, aggregate_id)


def _count(status: object) -> int:
    return int(str(status).removeprefix("UPDATE "))
