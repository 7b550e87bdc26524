"""The daily passes: one row per day, whose lock is the turn of one worker."""

from __future__ import annotations

from datetime import date, datetime

from services.registry.store import licensing_queries as queries
from shared.database import Connection, Pool


async def is_finished(pool: Pool, day: date) -> bool:
    """Tell whether nothing is left of a day's pass."""
    return bool(await pool.fetchval(queries().daily_pass_finished, day))


async def take_turn(connection: Connection, day: date, now: datetime) -> bool:
    """Wait for the turn of one chunk and hold it until the transaction ends; ``False`` once the pass is finished."""
    await connection.execute(queries().begin_daily_pass, day, now)
    return await connection.fetchval(queries().lock_daily_pass, day) is not None


async def note(connection: Connection, day: date, facts: int, finished_at: datetime | None) -> None:
    """Note what a chunk told, and when nothing was left."""
    await connection.execute(queries().note_daily_pass, day, facts, finished_at)
