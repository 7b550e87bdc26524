"""What an audit that continues asks of the databases: of what came since, each row; of all else, how many and their sum."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import starmap
from uuid import UUID

import asyncpg

from ops.audit.checkpoint import Checkpoint, Total, version_in
from ops.audit.log import Log
from ops.audit.reading import ByConsumer, Connections, Effects, Sources, has, position_totals, read_totals, side_by_side

_STORED = """
SELECT o.topic, o.partition_key::text FROM relay_cursor c JOIN outbox o ON o.shard = c.shard AND o.xid >= pg_snapshot_xmax($1::text::pg_snapshot)
UNION
SELECT o.topic, o.partition_key::text FROM relay_cursor c
JOIN outbox o ON o.shard = c.shard AND o.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))
"""
"""Of which aggregates facts were stored that a snapshot does not show, as far as the outbox keeps them."""
_BY_INDEX, _ANY_WAY = "SET LOCAL enable_seqscan = off", "SET LOCAL enable_seqscan = on"
"""The planner takes a third of the outbox for what came since, and would read all of it (``outbox_waiting`` says more)."""
_VERSIONS = "SELECT topic, aggregate_id::text, version FROM audit.source WHERE aggregate_id = ANY ($1::uuid[])"
_POSITIONS = """
SELECT consumer, topic, aggregate_id::text, position FROM audit.position
WHERE consumer NOT LIKE '%@%' AND aggregate_id = ANY ($1::uuid[])
"""
_TOTAL = """
SELECT count(*), coalesce(sum(uuid_hash_extended(id, number)), 0)::text FROM unnest($1::uuid[], $2::bigint[]) AS u(id, number)
"""
_EFFECTS = """
SELECT consumer, effect, topic, aggregate_id::text, position FROM audit.effect WHERE aggregate_id = ANY ($1::uuid[])
"""
_EFFECTS_OF = "SELECT consumer, effect, topic, aggregate_id::text, position FROM audit.effect_of($1::uuid[])"
"""Where a view could not be asked for some aggregates without computing all of them."""
_MESSAGES = "SELECT event_id::text, messages FROM audit.message WHERE event_id = ANY ($1::uuid[])"


@dataclass(slots=True)
class Views:
    """One view of each database, all of them older than the end of the log that is read then, and what they come to."""

    sources: Sources
    positions: dict[str, dict[tuple[str, str], Total]] = field(default_factory=dict)
    """Service → consumer and topic → the positions of all aggregates."""


async def open_views(
    stack: AsyncExitStack, connections: Connections, looked_at: Collection[str], topics: Sequence[str]
) -> Views:
    """Open a view of each database until the stack ends, and add up there what it holds."""
    views = Views(Sources(versions={topic: {} for topic in topics}))

    async def one(service: str, connection: asyncpg.Connection) -> None:
        await stack.enter_async_context(connection.transaction(isolation="repeatable_read", readonly=True))
        if await has(connection, "source"):
            await read_totals(views.sources, service, connection)
        if service in looked_at and await has(connection, "position"):
            views.positions[service] = await position_totals(connection)

    await side_by_side(starmap(one, connections.items()))
    return views


async def read_versions_since(sources: Sources, connections: Connections, checkpoint: Checkpoint, log: Log) -> None:
    """Read, in the views that are open, the versions of what came since, by the log or by the outbox.

    What only the outbox tells of is put into the log with what was known of it.
    """
    for service in sources.snapshots:
        await connections[service].execute(_BY_INDEX)
        stored = await connections[service].fetch(_STORED, checkpoint.snapshots[service])
        await connections[service].execute(_ANY_WAY)
        for topic, subject in stored:
            if topic in log.topics and subject not in log.topics[topic].heads:
                log.topics[topic].heads[subject] = version_in(checkpoint.heads[topic], subject)
        seen = sorted({subject for topic in log.topics.values() for subject in (*topic.heads, *topic.early)})
        for topic, subject, version in await connections[service].fetch(_VERSIONS, seen):
            if topic in sources.versions:
                sources.versions[topic][subject] = version


async def total_of(connection: asyncpg.Connection, numbers: Mapping[str, int]) -> Total:
    """Return versions or positions as two figures."""
    if not numbers:
        return Total()
    count, digest = await connection.fetchrow(_TOTAL, list(numbers), list(numbers.values()))
    return Total(count, int(digest))


async def positions_of(connection: asyncpg.Connection, subjects: Sequence[str]) -> ByConsumer:
    """Return the positions of some aggregates."""
    found: ByConsumer = {}
    for consumer, topic, subject, position in await connection.fetch(_POSITIONS, subjects):
        found.setdefault((consumer, topic), {})[subject] = position
    return found


async def effects_of(connection: asyncpg.Connection, subjects: Sequence[str]) -> Effects:
    """Return the effects of some aggregates, by consumer, effect and topic; nothing where the service has none."""
    if not await has(connection, "effect"):
        return {}
    narrow = await connection.fetchval("SELECT to_regprocedure('audit.effect_of(uuid[])') IS NOT NULL")
    found: Effects = {}
    for consumer, effect, topic, subject, position in await connection.fetch(
        _EFFECTS_OF if narrow else _EFFECTS, subjects
    ):
        found.setdefault((consumer, effect, topic), {})[subject] = position
    return found


async def messages_of(connection: asyncpg.Connection, event_ids: Collection[str]) -> dict[str, int]:
    """Return how many messages these events led to; an id that is none led to nothing."""
    asked = [event_id for event_id in event_ids if _is_id(event_id)]
    return {row[0]: row[1] for row in await connection.fetch(_MESSAGES, asked)} if asked else {}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
