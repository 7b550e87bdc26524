"""How the shards of an outbox stand: who holds each, where its cursor is, and what waits. Nothing is changed.

The login of the audit may ask it: who holds a lock, and by what name it has connected, every login sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.relay.leadership import LOCK_CLASS

# A shard is one lock, so at most one session holds it.
_SHARDS = """
SELECT c.shard, held.pid, held.application_name AS holder, c.base::text, c.target::text, c.last_id, c.epoch, c.published,
       c.published_at, waits.depth AS waiting,
       coalesce(extract(epoch FROM clock_timestamp() - waits.oldest), 0)::float8 AS oldest_seconds
FROM relay_cursor c
JOIN outbox_waiting() AS waits USING (shard)
LEFT JOIN LATERAL (
    SELECT l.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objid = c.shard
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS held ON true
ORDER BY c.shard
"""


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard of an outbox."""

    shard: int
    pid: int | None
    """The process of PostgreSQL that keeps the holder's lock; ``None``: nobody holds it, and nobody publishes it."""
    holder: str | None
    """The name of the relay that holds it."""
    base: str
    """All that this snapshot shows is published."""
    target: str | None
    """While a backlog is walked: the snapshot up to which."""
    last_id: int
    """Of that backlog, all up to here is published."""
    epoch: int
    """How often it changed hands."""
    published: int
    """Rows since ever."""
    published_at: datetime | None
    waiting: int
    """Rows that are not published yet."""
    oldest_seconds: float
    """How long ago the oldest of them was written, by the database's clock; 0 if there is none."""


async def look_at_shards(connection: asyncpg.Connection | asyncpg.Pool) -> list[Shard]:
    """Return all shards of the outbox in this database."""
    return [Shard(**dict(row)) for row in await connection.fetch(_SHARDS, LOCK_CLASS)]
