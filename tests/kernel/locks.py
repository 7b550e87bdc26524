"""Waiting until sessions of a database wait for a lock: then what a test holds is what they stand at."""

from __future__ import annotations

import asyncio

from shared.database import Pool

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def until_waiting(pool: Pool, count: int = 1, *, unless: asyncio.Future[object] | None = None) -> None:
    """Return once ``count`` sessions of the pool's database wait for a lock, or ``unless`` is done. Raises ``TimeoutError`` after 30 s."""
    async with asyncio.timeout(30):
        while await pool.fetchval(WAITING) < count and not (unless and unless.done()):
            await asyncio.sleep(0.01)
