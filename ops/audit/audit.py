"""The comparison: source ↔ log ↔ consumer ↔ effect ↔ message, aggregate by aggregate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from time import monotonic

import asyncpg

from ops.audit.comparing import compare_effect, compare_log, compare_messages, compare_positions
from ops.audit.log import Log, Watched, read_log
from ops.audit.partners import compare_agencies
from ops.audit.public import compare_public
from ops.audit.report import ConsumerState, Finding, Report
from shared.broker import KafkaSettings
from shared.topology import TOPICS

Databases = dict[str, str]
"""Service → DSN of its ``audit`` login."""

Positions = dict[str, int]
"""Aggregate id → sequence."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much."""

QUIET_POLL_SECONDS = 0.2

_POSITIONS = """
SELECT consumer, topic, aggregate_id::text AS id, position FROM audit.position WHERE consumer NOT LIKE '%@%'
"""


async def audit(databases: Databases, kafka: KafkaSettings, wait: float, progress: Progress) -> Report:
    """Compare everything and return the report.

    First waits up to ``wait`` seconds until outboxes are empty and consumers have caught up, so that what is merely
    under way is not called lost. Raises the errors of the servers if one cannot be reached.
    """
    started = monotonic()
    async with AsyncExitStack() as stack:
        connections = await _connect(stack, databases)
        await _wait_until_quiet(connections, wait)
        sources = await _sources(connections)
        log = await read_log(
            kafka,
            [topic.name for topic in TOPICS],
            await _notifying_types(connections),
            lambda done, total: progress("log", done, total),
        )
        report = Report(aggregates=sum(len(versions) for versions in sources.values()))
        await _compare_outboxes(report, connections)
        compare_log(report, sources, log)
        for connection in connections.values():
            # One view of a service's database: what it applies between two questions would be an effect without a position.
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await _compare_consumers(report, connection, sources)
                await _compare_messages(report, connection, log)
            if await _has(connection, "disclosure"):
                await compare_agencies(report, connection, kafka)
                await compare_public(report, connection, kafka)
    report.seconds = monotonic() - started
    return report


async def _has(connection: asyncpg.Connection, view: str) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass('audit.' || $1) IS NOT NULL", view))


async def wait_until_quiet(databases: Databases, seconds: float) -> bool:
    """Wait until outboxes are empty and consumers have caught up; ``False`` if they have not within ``seconds``."""
    async with AsyncExitStack() as stack:
        connections = await _connect(stack, databases)
        return await _wait_until_quiet(connections, seconds)


async def _connect(stack: AsyncExitStack, databases: Databases) -> dict[str, asyncpg.Connection]:
    connections: dict[str, asyncpg.Connection] = {}
    for service, dsn in databases.items():
        connections[service] = await asyncpg.connect(dsn, timeout=10)
        stack.push_async_callback(connections[service].close)
    return connections


async def _wait_until_quiet(connections: dict[str, asyncpg.Connection], seconds: float) -> bool:
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if await _quiet(connections):
            return True
        await asyncio.sleep(QUIET_POLL_SECONDS)
    return False


async def _quiet(connections: dict[str, asyncpg.Connection]) -> bool:
    """Tell whether outboxes are empty and every consumer has applied or parked what its topics hold."""
    published: dict[str, int] = {}
    for connection in connections.values():
        if await _has(connection, "source"):
            if await connection.fetchval("SELECT outbox_pending()"):
                return False
            rows = await connection.fetch("SELECT topic, sum(version)::bigint FROM audit.source GROUP BY 1")
            published |= {row[0]: row[1] for row in rows}
    for connection in connections.values():
        if await _has(connection, "position"):
            rows = await connection.fetch(
                "SELECT topic, sum(position)::bigint FROM audit.position WHERE consumer NOT LIKE '%@%' "
                "GROUP BY consumer, topic"
            )
            parked = await connection.fetchval("SELECT count(*) FROM parked_event")
            if any(row[1] + parked < published.get(row[0], 0) for row in rows):
                return False
    return True


async def _sources(connections: dict[str, asyncpg.Connection]) -> dict[str, Positions]:
    """Return for each topic the version of each aggregate, as its owner has it."""
    found: dict[str, Positions] = {}
    for connection in connections.values():
        if await _has(connection, "source"):
            async with connection.transaction():
                async for row in connection.cursor("SELECT topic, aggregate_id::text, version FROM audit.source"):
                    found.setdefault(row[0], {})[row[1]] = row[2]
    return found


async def _notifying_types(connections: dict[str, asyncpg.Connection]) -> Watched:
    for connection in connections.values():
        if await _has(connection, "notifying_type"):
            rows = await connection.fetch("SELECT type, origin FROM audit.notifying_type")
            return frozenset((row[0].encode(), row[1].encode()) for row in rows)
    return frozenset()


async def _compare_outboxes(report: Report, connections: dict[str, asyncpg.Connection]) -> None:
    for service, connection in connections.items():
        if await _has(connection, "source") and (pending := await connection.fetchval("SELECT outbox_pending()")):
            report.unpublished += pending
            detail = f"{pending} facts of {service} are stored and not published yet"
            report.add(Finding("unpublished", service, None, 0, pending, detail))


async def _compare_consumers(report: Report, connection: asyncpg.Connection, sources: dict[str, Positions]) -> None:
    if not await _has(connection, "position"):
        return
    positions: dict[tuple[str, str], Positions] = {}
    async for row in connection.cursor(_POSITIONS):
        positions.setdefault((row["consumer"], row["topic"]), {})[row["id"]] = row["position"]
    for consumer, topic in await _subscriptions(connection):
        state = report.consumers.setdefault(consumer, ConsumerState())
        parked = await _parked(connection, consumer, topic)
        compare_positions(
            report, state, consumer, topic, sources.get(topic, {}), positions.get((consumer, topic), {}), parked
        )
    await _compare_effects(report, connection, positions)


async def _subscriptions(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    """Return what the service's consumers read, as its migrations declare it: also what they never got to."""
    rows = await connection.fetch("SELECT consumer, topic FROM audit.subscription ORDER BY 1, 2")
    return [(row[0], row[1]) for row in rows]


async def _parked(connection: asyncpg.Connection, consumer: str, topic: str) -> dict[str | None, int]:
    """Return how many events of each aggregate are parked; under ``None`` those that tell no aggregate."""
    rows = await connection.fetch(
        "SELECT aggregate_id::text, count(*) FROM parked_event WHERE consumer = $1 AND topic = $2 GROUP BY 1",
        consumer,
        topic,
    )
    return {row[0]: row[1] for row in rows}


async def _compare_effects(
    report: Report, connection: asyncpg.Connection, positions: dict[tuple[str, str], Positions]
) -> None:
    if not await _has(connection, "effect"):
        return
    effects: dict[tuple[str, str, str], Positions] = {}
    async for row in connection.cursor(
        "SELECT consumer, effect, topic, aggregate_id::text, position FROM audit.effect"
    ):
        effects.setdefault((row[0], row[1], row[2]), {})[row[3]] = row[4]
    for consumer, effect, topic in await connection.fetch("SELECT consumer, effect, topic FROM audit.effect_declared"):
        found = effects.get((consumer, effect, topic), {})
        state = report.consumers.setdefault(consumer, ConsumerState())
        state.effects[effect] = len(found)
        compare_effect(report, effect, positions.get((consumer, topic), {}), found)


async def _compare_messages(report: Report, connection: asyncpg.Connection, log: Log) -> None:
    if await _has(connection, "message"):
        rows = await connection.fetch("SELECT event_id::text, messages FROM audit.message")
        compare_messages(report, log.notifying, {row[0]: row[1] for row in rows})
