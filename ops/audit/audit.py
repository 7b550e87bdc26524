"""The comparison: source ↔ log ↔ consumer ↔ effect ↔ message, aggregate by aggregate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from time import monotonic

import asyncpg

from ops.audit.checkpoint import MovedError
from ops.audit.comparing import compare_effect, compare_log, compare_messages, compare_positions, told
from ops.audit.ground import read_ground
from ops.audit.keeping import keep_whole
from ops.audit.log import Log, read_log
from ops.audit.partners import compare_agencies
from ops.audit.public import compare_public
from ops.audit.reading import (
    ByConsumer,
    Connections,
    Databases,
    Effects,
    Positions,
    Sources,
    connect,
    has,
    notifying_types,
    parked_of,
    read_effects,
    read_positions,
    read_sources,
    side_by_side,
    subscriptions,
    until_quiet,
    without_message,
)
from ops.audit.report import ConsumerState, Finding, Report
from ops.audit.scope import Scope, scope_of
from shared.broker import KafkaSettings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much."""

SIDE_BY_SIDE = 2
"""Services whose positions and effects are in memory at a time."""


async def audit(
    databases: Databases,
    kafka: KafkaSettings,
    wait: float,
    progress: Progress,
    services: Collection[str] = (),
    *,
    keep: bool = False,
) -> Report:
    """Compare everything, or what some ``services`` own, and return the report.

    First waits up to ``wait`` seconds until outboxes are empty and consumers have caught up, so that what is merely
    under way is not called lost. ``keep``: what was proved is kept, if all is green, for audits that continue from it.
    Raises the errors of the servers if one cannot be reached, ``ValueError`` for a service that there is not.
    """
    started, scope = monotonic(), scope_of(services)
    async with AsyncExitStack() as stack:
        connections = await connect(stack, databases, scope.asked)
        looked_at = {name: connection for name, connection in connections.items() if name in scope.chosen}
        await until_quiet(connections, looked_at, wait)
        report = Report(services=list(scope.chosen), left_out=scope.left_out())
        ground = None
        if keep and scope.whole:
            try:
                ground = await read_ground(kafka, connections, scope.topics)
            except MovedError as error:  # the comparison below says what that comes to
                report.checkpoint = f"not kept: {error}"
        sources = await read_sources(connections)
        report.aggregates = sum(len(sources.versions.get(topic, ())) for topic in scope.owned)
        log = await read_log(
            kafka,
            scope.topics,
            await notifying_types(looked_at),
            lambda done, total: progress("log", done, total),
            share=sources.ids,
        )
        await compare_outboxes(report, looked_at)
        compare_log(report, sources.versions, log, scope.owned)
        await _compare_services(report, list(looked_at.values()), scope, sources, log, kafka)
        if ground is not None and report.ok:
            report.checkpoint = await keep_whole(databases["projections"], kafka, ground, sources, log, report.events)
    report.seconds = monotonic() - started
    return report


async def wait_until_quiet(databases: Databases, seconds: float) -> bool:
    """Wait until outboxes are empty and consumers have caught up; ``False`` if they have not within ``seconds``."""
    async with AsyncExitStack() as stack:
        connections = await connect(stack, databases, databases)
        return await until_quiet(connections, connections, seconds)


async def compare_outboxes(report: Report, connections: Connections) -> None:
    """Name what is stored and not published yet."""
    for service, connection in connections.items():
        if await has(connection, "source") and (pending := await connection.fetchval("SELECT outbox_pending()")):
            report.unpublished += pending
            detail = f"{pending} facts of {service} are stored and not published yet"
            report.add(Finding("unpublished", service, None, 0, pending, detail))


async def _compare_services(
    report: Report,
    connections: list[asyncpg.Connection],
    scope: Scope,
    sources: Sources,
    log: Log,
    kafka: KafkaSettings,
) -> None:
    """Compare some at a time: while a database works, what another has sent is compared; all at once would take the memory of all."""
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(connection: asyncpg.Connection) -> None:
        async with turns:
            await _compare_service(report, connection, scope, sources, log, kafka)

    await side_by_side(map(one, connections))


async def _compare_service(
    report: Report, connection: asyncpg.Connection, scope: Scope, sources: Sources, log: Log, kafka: KafkaSettings
) -> None:
    # One view of a service's database: what it applies between two questions would be an effect without a position.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if await has(connection, "position"):
            positions = await read_positions(connection, sources.ids)
            await compare_consumers(report, connection, scope, sources.versions, log, positions)
            await compare_declared(report, connection, positions, await read_effects(connection, sources.ids))
        if await has(connection, "message"):
            compare_messages(report, await without_message(connection, log.notifying), {})
    if await has(connection, "disclosure"):
        await compare_agencies(report, connection, kafka)
        await compare_public(report, connection, kafka)


async def compare_consumers(
    report: Report,
    connection: asyncpg.Connection,
    scope: Scope,
    versions: Mapping[str, Positions],
    log: Log,
    positions: ByConsumer,
) -> None:
    """Compare the positions of a service's consumers with the sources; where these are not looked at, with what was published."""
    for consumer, topic in await subscriptions(connection):
        state = report.consumers.setdefault(consumer, ConsumerState())
        parked, found = await parked_of(connection, consumer, topic), positions.get((consumer, topic), {})
        asked = versions.get(topic, {})
        if topic not in scope.owned:
            asked = told(asked, log.topics[topic].heads, found)
        compare_positions(report, state, consumer, topic, asked, found, parked)


async def compare_declared(
    report: Report,
    connection: asyncpg.Connection,
    positions: ByConsumer,
    effects: Effects,
) -> None:
    """Compare every effect that a service declares with the positions of its consumer."""
    if not await has(connection, "effect_declared"):
        return
    for consumer, effect, topic in await connection.fetch("SELECT consumer, effect, topic FROM audit.effect_declared"):
        found = effects.get((consumer, effect, topic), {})
        state = report.consumers.setdefault(consumer, ConsumerState())
        state.effects[effect] = len(found)
        compare_effect(report, effect, positions.get((consumer, topic), {}), found)
