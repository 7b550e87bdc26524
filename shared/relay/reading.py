"""What became visible between two snapshots of the outbox, in the order of id.

A row is new if its transaction is visible now and was not in the base snapshot: at or above its ``xmax``, or in its
list of transactions in progress. Rows of a transaction that stays open are looked for by its id alone, so a long one
elsewhere costs nothing. A backlog is walked in the order of id, page by page: nothing is sorted, no snapshot is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

import asyncpg

PAGE = 2_000
CHUNK = 5_000

PLANS = {
    "enable_sort": "off",
    "enable_seqscan": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_generic_plan",
}
"""Settings of the connection that reads: the planner knows nothing of a table that is filled and left behind in
minutes, and must never choose to sort the whole backlog for each of its pages. Planning anew costs more than a look."""

COLUMNS = """
    id, topic, partition_key::text AS key, event_id::text AS event_id, type, source, sequence,
    to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS occurred_at,
    correlation_id, causation_id, origin, traceparent, data"""

_FOUND = """id, topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, causation_id, origin,
           traceparent, data"""

# Found by (shard, xid), whatever the statistics say: an import writes thousands of rows with one xid, and with "OR" between the two
# the planner took any list of them for all there is, and read the whole day for each look. A row is never in both.
# Not "ORDER BY id": its index would be walked from the oldest row that is kept.
POLL = """
SELECT pg_current_snapshot()::text AS snapshot, COLUMNS FROM (
    SELECT * FROM (
        SELECT FOUND FROM outbox
        WHERE shard = ANY ($1::smallint[]) AND xid >= pg_snapshot_xmax($2::text::pg_snapshot)
        UNION ALL
        SELECT FOUND FROM outbox
        WHERE shard = ANY ($1::smallint[]) AND xid = ANY (ARRAY(SELECT pg_snapshot_xip($2::text::pg_snapshot)))
    ) AS new
    ORDER BY id + 0 LIMIT $3) AS found
ORDER BY id""".replace("FOUND", _FOUND).replace("COLUMNS", COLUMNS)

# Found by id. Conditions that (shard, xid) cannot serve: for each page it would find the whole backlog.
NEXT = """
SELECT COLUMNS FROM outbox
WHERE id > $4 AND shard + 0 = ANY ($1::int[])
  AND pg_visible_in_snapshot(xid, $3::text::pg_snapshot) AND NOT pg_visible_in_snapshot(xid, $2::text::pg_snapshot)
ORDER BY id LIMIT $5""".replace("COLUMNS", COLUMNS)


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
    """Yield what is new for ``shards``, in order: nothing, one page, or the pages of a whole backlog.

    Each round's cursor may be stored only after its rows are acknowledged by the broker. ``connection`` has ``PLANS``.
    """
    if cursor.target is not None:
        target, last_id = cursor.target, cursor.last_id
    else:
        page = await connection.fetch(POLL, shards, cursor.base, PAGE)
        if not page:
            return
        target, last_id = page[0]["snapshot"], page[-1]["id"]
        if len(page) < PAGE:
            yield Round(page, Cursor(target, None, 0))
            return
        yield Round(page, Cursor(cursor.base, target, last_id))
    async for chunk in _chunks(connection, shards, cursor.base, target, last_id):
        yield Round(chunk, Cursor(cursor.base, target, chunk[-1]["id"]))
    yield Round((), Cursor(target, None, 0))


async def _chunks(
    connection: asyncpg.Connection, shards: Sequence[int], base: str, target: str, last_id: int
) -> AsyncGenerator[list[asyncpg.Record], None]:
    """Yield chunks; the database makes the next one while the caller works on this one."""
    coming = asyncio.create_task(connection.fetch(NEXT, shards, base, target, last_id, CHUNK))
    try:
        while chunk := await coming:
            coming = asyncio.create_task(connection.fetch(NEXT, shards, base, target, chunk[-1]["id"], CHUNK))
            await asyncio.sleep(0)  # let the request leave
            yield chunk
    finally:
        coming.cancel()
        await asyncio.wait([coming])
        if not coming.cancelled():
            coming.exception()  # nobody waits for it any more: what it died of, the locks' connection will tell
