"""What became visible between two snapshots of the outbox, in the order of id.

A row is new if its transaction is visible now and was not in the base snapshot: at or above its ``xmax``, or in its
list of transactions in progress. Rows of a transaction that stays open are looked for by its id alone, so a long one
elsewhere costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import asyncpg
import asyncpg.cursor

PAGE = 2_000
CHUNK = 5_000

COLUMNS = """
    id, shard, topic, partition_key::text AS key, event_id::text AS event_id, type, source, sequence,
    to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at, correlation_id, causation_id, origin, traceparent, data"""

_NEW = """
FROM outbox
WHERE shard = ANY ($1::smallint[])
  AND (xid >= pg_snapshot_xmax($2::text::pg_snapshot) OR xid = ANY (ARRAY(SELECT pg_snapshot_xip($2::text::pg_snapshot))))
"""

POLL = f"SELECT pg_current_snapshot()::text AS snapshot, {COLUMNS} {_NEW} ORDER BY id LIMIT {PAGE}"
FRESH = f"SELECT {COLUMNS} {_NEW} ORDER BY id"
RESUMED = f"""SELECT {COLUMNS} {_NEW}
  AND pg_visible_in_snapshot(xid, $3::text::pg_snapshot) AND id > $4 ORDER BY id"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where one shard stands: ``base`` is published; of ``target`` minus ``base``, all up to ``last_id``."""

    base: str
    target: str | None
    last_id: int


@dataclass(frozen=True, slots=True)
class Round:
    """Rows to publish now, and the cursor that holds once they are acknowledged."""

    rows: Sequence[asyncpg.Record]
    after: Cursor


async def rounds(connection: asyncpg.Connection, shards: Sequence[int], cursor: Cursor) -> AsyncGenerator[Round, None]:
    """Yield what is new for ``shards``, in order: nothing, one page, or the chunks of a whole backlog.

    Each round's cursor may be stored only after its rows are acknowledged by the broker.
    """
    if cursor.target is None:
        page = await connection.fetch(POLL, shards, cursor.base)
        if not page:
            return
        if len(page) < PAGE:
            yield Round(page, Cursor(page[0]["snapshot"], None, 0))
            return
    async for chunk in _backlog(connection, shards, cursor):
        yield chunk


async def _backlog(
    connection: asyncpg.Connection, shards: Sequence[int], cursor: Cursor
) -> AsyncGenerator[Round, None]:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # The rows come from one sort over one snapshot; a page at a time would sort the backlog for each page.
        if cursor.target is None:
            target = str(await connection.fetchval("SELECT pg_current_snapshot()::text"))
            rows = await connection.cursor(FRESH, shards, cursor.base)
        else:
            target = cursor.target
            rows = await connection.cursor(RESUMED, shards, cursor.base, target, cursor.last_id)
        async with aclosing(_chunks(rows)) as chunks:
            async for chunk in chunks:
                yield Round(chunk, Cursor(cursor.base, target, chunk[-1]["id"]))
    yield Round((), Cursor(target, None, 0))


async def _chunks(rows: asyncpg.cursor.Cursor) -> AsyncGenerator[list[asyncpg.Record], None]:
    """Yield chunks; the database makes the next one while the caller works on this one."""
    coming = asyncio.create_task(rows.fetch(CHUNK))
    try:
        while chunk := await coming:
            coming = asyncio.create_task(rows.fetch(CHUNK))
            await asyncio.sleep(0)  # let the request leave
            yield chunk
    finally:
        if not coming.done():
            coming.cancel()
            await asyncio.wait([coming])
