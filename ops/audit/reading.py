"""What the audit asks of the services' databases, by its own login: versions, positions, effects, what is parked and unpublished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

import asyncpg

from ops.audit.checkpoint import Total
from ops.audit.log import Watched

Databases = dict[str, str]
"""Service → DSN of its ``audit`` login."""

Connections = Mapping[str, asyncpg.Connection]
"""By service."""

Positions = dict[str, int]
"""Aggregate id → sequence."""

ByConsumer = dict[tuple[str, str], Positions]
"""Consumer and topic → its positions."""

Effects = dict[tuple[str, str, str], Positions]
"""Consumer, effect and topic → what the effect shows."""

T = TypeVar("T")
U = TypeVar("U")
QUIET_POLL_SECONDS = 0.2
RESTS = 5
"""How many times as long as a look it waits until the next."""
AT_ONCE = 10_000
"""Rows that a cursor fetches at a time."""

_SUMS = """
SELECT s.consumer, s.topic, coalesce(p.total, 0) FROM audit.subscription s
LEFT JOIN (SELECT consumer, topic, sum(position)::bigint AS total FROM audit.position GROUP BY 1, 2) p USING (consumer, topic)
"""
"""Also of a consumer that has not begun."""
_VERSIONS = "SELECT topic, aggregate_id::text, version FROM audit.source"
_SOURCE_TOTALS = """
SELECT topic, count(*), coalesce(sum(uuid_hash_extended(aggregate_id, version)), 0)::text FROM audit.source GROUP BY 1
"""
_POSITIONS = """
SELECT consumer, topic, aggregate_id::text, position FROM audit.position
WHERE (consumer, topic) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_POSITION_TOTALS = """
SELECT consumer, topic, count(*), coalesce(sum(uuid_hash_extended(aggregate_id, position)), 0)::text
FROM audit.position WHERE consumer NOT LIKE '%@%' GROUP BY 1, 2
"""
_DIFFERING = """
WITH e AS MATERIALIZED (SELECT consumer, effect, topic, aggregate_id, position FROM audit.effect),
p AS (
    SELECT d.consumer, d.effect, d.topic, p.aggregate_id, p.position
    FROM audit.effect_declared d JOIN audit.position p ON p.consumer = d.consumer AND p.topic = d.topic
)
SELECT consumer, effect, topic, NULL::text, NULL::bigint, NULL::bigint, count(*) FROM e GROUP BY 1, 2, 3
UNION ALL
SELECT consumer, effect, topic, aggregate_id::text, p.position, e.position, 0
FROM p FULL JOIN e USING (consumer, effect, topic, aggregate_id) WHERE p.position IS DISTINCT FROM e.position
"""
"""How many rows each effect has; and those that do not show the position of their aggregate, with what they show, and the position."""
_MEMORY = "SET LOCAL work_mem = '64MB'"
"""So that a join of millions does not go over the disk."""


@dataclass(slots=True)
class Differing:
    """What of the effects is not where the positions are, by consumer, effect and topic; and how many rows each effect has."""

    declared: list[tuple[str, str, str]] = field(default_factory=list)
    counts: dict[tuple[str, str, str], int] = field(default_factory=dict)
    positions: Effects = field(default_factory=dict)
    effects: Effects = field(default_factory=dict)


async def side_by_side(works: Iterable[Awaitable[T]]) -> list[T]:
    """Do works beside one another; when all have ended, return what came of them, or raise the first error.

    None goes on after the others were given up: a connection that is asked something cannot be closed.
    """
    found = await asyncio.gather(*works, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if not isinstance(each, BaseException)]


async def both(one: Awaitable[T], other: Awaitable[U]) -> tuple[T, U]:
    """Do two works beside one another, and return what came of them; if one fails, give the other up, and raise once it has ended."""
    works = asyncio.ensure_future(one), asyncio.ensure_future(other)
    try:
        return await asyncio.gather(*works)
    except BaseException:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        raise


async def batches(
    connection: asyncpg.Connection, statement: str, *values: object
) -> AsyncIterator[list[asyncpg.Record]]:
    """Give the rows of a statement as they come, inside a transaction, so that never all of them are in memory."""
    cursor = await connection.cursor(statement, *values)
    while rows := await cursor.fetch(AT_ONCE):
        yield rows


async def connect(
    stack: AsyncExitStack, databases: Databases, services: Collection[str]
) -> dict[str, asyncpg.Connection]:
    """Open a connection to each of these databases until the stack ends."""

    async def one(dsn: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(dsn, timeout=10)
        stack.push_async_callback(connection.close)
        return connection

    asked = {service: dsn for service, dsn in databases.items() if service in services}
    return dict(zip(asked, await side_by_side(map(one, asked.values())), strict=True))


async def has(connection: asyncpg.Connection, view: str) -> bool:
    """Tell whether the audit has such a view in this database."""
    return bool(await connection.fetchval("SELECT to_regclass('audit.' || $1) IS NOT NULL", view))


async def until_quiet(connections: Connections, looked_at: Iterable[str], seconds: float) -> bool:
    """Wait until outboxes are empty and the consumers of ``looked_at`` have caught up; ``False`` if they have not in time."""
    chosen, deadline = list(looked_at), monotonic() + seconds
    while (began := monotonic()) < deadline:
        if await _quiet(connections, chosen):
            return True
        # A look adds up whole tables of databases that serve: at most a sixth of the time.
        rest = max(QUIET_POLL_SECONDS, RESTS * (monotonic() - began))
        await asyncio.sleep(max(0.0, min(rest, deadline - monotonic())))
    return False


async def _quiet(connections: Connections, looked_at: Collection[str]) -> bool:
    """Tell whether outboxes are empty and every consumer has applied or parked what its topics hold."""
    for service, connection in connections.items():
        owns = service in looked_at and await has(connection, "source")
        if owns and await connection.fetchval("SELECT outbox_pending()"):
            return False
    published: dict[str, int] = {}
    for connection in connections.values():
        if await has(connection, "source"):
            rows = await connection.fetch("SELECT topic, sum(version)::bigint FROM audit.source GROUP BY 1")
            published |= {row[0]: row[1] for row in rows}
    for service, connection in connections.items():
        if service in looked_at and await has(connection, "position"):
            parked = await connection.fetchval("SELECT count(*) FROM parked_event")
            if any(row[2] + parked < published.get(row[1], 0) for row in await connection.fetch(_SUMS)):
                return False
    return True


@dataclass(slots=True)
class Sources:
    """What the owners of aggregates hold, and had committed when they were asked."""

    versions: dict[str, Positions] = field(default_factory=dict)
    """Topic → the version of each aggregate, as its owner has it."""
    totals: dict[str, Total] = field(default_factory=dict)
    """Topic → all of them in two figures."""
    snapshots: dict[str, str] = field(default_factory=dict)
    """Service → what was committed then."""
    ids: dict[str, str] = field(default_factory=dict)
    """Every id as it is in memory: whoever reads it again keeps this one, not another of the same letters."""

    def totals_of(self, topics: Iterable[str]) -> dict[str, Total]:
        """Return all of each of these topics in two figures, also of one that has none."""
        return {topic: self.totals.get(topic, Total()) for topic in topics}


async def read_sources(connections: Connections) -> Sources:
    """Read the version of every aggregate, each database in one view of it."""
    found = Sources()
    for service, connection in connections.items():
        if await has(connection, "source"):
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await read_totals(found, service, connection)
                async for rows in batches(connection, _VERSIONS):
                    for topic, aggregate_id, version in rows:
                        found.versions.setdefault(topic, {})[found.ids.setdefault(aggregate_id, aggregate_id)] = version
    return found


async def read_totals(found: Sources, service: str, connection: asyncpg.Connection) -> None:
    """Read the figures of a service's sources, and what its database has committed, inside a transaction."""
    found.snapshots[service] = await connection.fetchval("SELECT pg_current_snapshot()::text")
    for topic, count, digest in await connection.fetch(_SOURCE_TOTALS):
        found.totals[topic] = Total(count, int(digest))


async def position_totals(connection: asyncpg.Connection) -> dict[tuple[str, str], Total]:
    """Return the positions of all aggregates as two figures for each consumer and topic."""
    rows = await connection.fetch(_POSITION_TOTALS)
    return {(consumer, topic): Total(count, int(digest)) for consumer, topic, count, digest in rows}


async def read_positions(
    connection: asyncpg.Connection, ids: Mapping[str, str], asked: Collection[tuple[str, str]]
) -> ByConsumer:
    """Read the positions of these consumers on these topics, inside a transaction; ``ids`` are those that are in memory already."""
    positions: ByConsumer = {}
    if not asked:
        return positions
    consumers, topics = zip(*asked, strict=True)
    async for rows in batches(connection, _POSITIONS, consumers, topics):
        for consumer, topic, aggregate_id, position in rows:
            positions.setdefault((consumer, topic), {})[ids.get(aggregate_id, aggregate_id)] = position
    return positions


async def read_differing(connection: asyncpg.Connection) -> Differing:
    """Have the database compare each effect that the service declares with the positions, inside a transaction."""
    found = Differing(await declared_effects(connection))
    if not found.declared:
        return found
    await connection.execute(_MEMORY)
    async for rows in batches(connection, _DIFFERING):
        for consumer, effect, topic, aggregate_id, stood, shown, count in rows:
            if aggregate_id is None:
                found.counts[consumer, effect, topic] = count
            if stood is not None:
                found.positions.setdefault((consumer, effect, topic), {})[aggregate_id] = stood
            if shown is not None:
                found.effects.setdefault((consumer, effect, topic), {})[aggregate_id] = shown
    return found


async def without_message(connection: asyncpg.Connection, notifying: Collection[str]) -> set[str]:
    """Return which of these events led to no message, inside a transaction."""
    left = set(notifying)
    async for rows in batches(connection, "SELECT event_id::text FROM audit.message"):
        left.difference_update(row[0] for row in rows)
    return left


async def notifying_types(connections: Connections) -> Watched:
    """Return which events must lead to a message, and from when on; none where that service is not asked."""
    for connection in connections.values():
        if await has(connection, "notifying_since"):
            rows = await connection.fetch("SELECT type, origin, since FROM audit.notifying_since")
            return {(row[0].encode(), row[1].encode()): row[2] for row in rows}
    return {}


async def subscriptions(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    """Return what the service's consumers read, as its migrations declare it: also what they never got to."""
    rows = await connection.fetch("SELECT consumer, topic FROM audit.subscription ORDER BY 1, 2")
    return [(row[0], row[1]) for row in rows]


async def declared_effects(connection: asyncpg.Connection) -> list[tuple[str, str, str]]:
    """Return consumer, effect and topic of what the service's consumers must leave; nothing where it has none."""
    if not await has(connection, "effect_declared"):
        return []
    rows = await connection.fetch("SELECT consumer, effect, topic FROM audit.effect_declared")
    return [(row[0], row[1], row[2]) for row in rows]


async def parked_of(connection: asyncpg.Connection, consumer: str, topic: str) -> dict[str | None, int]:
    """Return how many events of each aggregate are parked; under ``None`` those that tell no aggregate."""
    rows = await connection.fetch(
        "SELECT aggregate_id::text, count(*) FROM parked_event WHERE consumer = $1 AND topic = $2 GROUP BY 1",
        consumer,
        topic,
    )
    return {row[0]: row[1] for row in rows}
