"""What an audit that continues asks of the databases: of what came since, each row; of all else, how many and their sum."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import asyncpg

from ops.audit.checkpoint import Checkpoint, Total, version_in
from ops.audit.log import Log
from ops.audit.reading import ByConsumer, Connections, Effects, Sources, has, read_totals

_STORED = """
SELECT DISTINCT o.topic, o.partition_key::text FROM relay_cursor c JOIN outbox o ON o.shard = c.shard
WHERE o.xid >= pg_snapshot_xmax($1::text::pg_snapshot) OR o.xid = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))
"""
"""Of which aggregates facts were stored that a snapshot does not show, as far as the outbox keeps them."""
_VERSIONS = "SELECT topic, aggregate_id::text, version FROM audit.source WHERE aggregate_id = ANY ($1::uuid[])"
_POSITIONS = """
SELECT consumer, topic, aggregate_id::text, position FROM audit.position
WHERE consumer NOT LIKE '%@%' AND aggregate_id = ANY ($1::uuid[])
"""
_POSITION_TOTALS = """
SELECT consumer, topic, count(*), coalesce(sum(uuid_hash_extended(aggregate_id, position)), 0)::text
FROM audit.position WHERE consumer NOT LIKE '%@%' GROUP BY 1, 2
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


async def read_sources_since(
    connections: Connections, topics: Sequence[str], checkpoint: Checkpoint, log: Log
) -> Sources:
    """Read the versions of what came since, by the log or by the outbox, and the figures of all; each database in one view of it.

    What only the outbox tells of is put into the log with what was known of it.
    """
    found = Sources(versions={topic: {} for topic in topics})
    for service, connection in connections.items():
        if await has(connection, "source"):
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await read_totals(found, service, connection)
                for topic, subject in await connection.fetch(_STORED, checkpoint.snapshots[service]):
                    if topic in log.topics and subject not in log.topics[topic].heads:
                        log.topics[topic].heads[subject] = version_in(checkpoint.heads[topic], subject)
                seen = sorted({subject for topic in log.topics.values() for subject in (*topic.heads, *topic.early)})
                for topic, subject, version in await connection.fetch(_VERSIONS, seen):
                    if topic in found.versions:
                        found.versions[topic][subject] = version
    return found


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


async def position_totals(connection: asyncpg.Connection) -> dict[tuple[str, str], Total]:
    """Return the positions of all aggregates as two figures for each consumer and topic."""
    rows = await connection.fetch(_POSITION_TOTALS)
    return {(consumer, topic): Total(count, int(digest)) for consumer, topic, count, digest in rows}


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
