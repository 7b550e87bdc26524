"""The comparison: source ↔ log ↔ consumer ↔ effect ↔ message, aggregate by aggregate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import starmap
from time import monotonic

import asyncpg

from ops.audit.checkpoint import Ground, MovedError, Total
from ops.audit.comparing import (
    compare_effect,
    compare_effects,
    compare_log,
    compare_messages,
    compare_positions,
    name_parked,
    told,
)
from ops.audit.ground import read_ground
from ops.audit.keeping import keep_red, keep_whole
from ops.audit.log import Log, read_log
from ops.audit.partners import compare_agencies
from ops.audit.public import compare_public
from ops.audit.reading import (
    ByConsumer,
    Connections,
    Databases,
    Differing,
    Effects,
    Positions,
    Sources,
    both,
    connect,
    declared_effects,
    has,
    notifying_types,
    parked_of,
    position_totals,
    read_differing,
    read_positions,
    read_sources,
    side_by_side,
    subscriptions,
    until_quiet,
    without_message,
)
from ops.audit.report import ConsumerState, Finding, Report
from ops.audit.scope import Scope, scope_of
from ops.audit.settling import CAME, Afresh, newer_at, newer_in
from shared.broker import KafkaSettings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and of how much."""

SIDE_BY_SIDE = 2
"""Databases that are asked at a time for what takes all of one of them, and services whose positions are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What a service is compared with, and the report that is told of it."""

    report: Report
    scope: Scope
    versions: Mapping[str, Positions]
    """Topic → the version of each aggregate at its source."""
    log: Log
    afresh: Afresh


@dataclass(frozen=True, slots=True)
class AddedUp:
    """What one view of a service's database adds up to."""

    same: frozenset[tuple[str, str]] = frozenset()
    """Consumers and topics whose positions come to the same two figures as the sources: of these no row is read."""
    differing: Differing | None = None
    """What of the effects is not where the positions are, if all of these are where the sources are: effects of others are compared in the
    view that their positions are read in."""


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

    First waits up to ``wait`` seconds until outboxes are empty and consumers have caught up; what is under way all the same
    is asked for again. ``keep``: what was proved is kept, if all is green, for audits that continue from it.
    Raises the errors of the servers if one cannot be reached, ``ValueError`` for a service that there is not.
    """
    started, scope = monotonic(), scope_of(services)
    async with AsyncExitStack() as stack:
        connections = await connect(stack, databases, scope.asked)
        looked_at = {name: connection for name, connection in connections.items() if name in scope.chosen}
        afresh = Afresh(await connect(stack, databases, scope.asked), wait)
        report = Report(services=list(scope.chosen), left_out=scope.left_out())
        report.quiet = await until_quiet(connections, looked_at, wait) if wait else None
        ground = await _ground(report, kafka, connections, scope) if keep and scope.whole else None
        sources = await read_sources(connections)
        report.aggregates = sum(len(sources.versions.get(topic, ())) for topic in scope.owned)
        compare_outboxes(report, await afresh.unpublished(looked_at, sources.snapshots))
        reading = read_log(
            kafka,
            scope.topics,
            await notifying_types(looked_at),
            lambda done, total: progress("log", done, total),
            share=sources.ids,
        )
        # The databases add up and compare while the log is read: that takes this process alone.
        log, looks = await both(reading, _look_at_services(looked_at, sources.totals_of(scope.owned)))
        compare_log(
            report, sources.versions, log, scope.owned, await newer_in(log, sources.versions, scope.owned, afresh)
        )
        compared = Compared(report, scope, sources.versions, log, afresh)
        await _compare_services(compared, looked_at, looks, sources.ids, kafka)
        report.under_way = afresh.came
        if keep and scope.whole:
            report.checkpoint = await _keep(report, databases["projections"], kafka, ground, sources, log)
    report.seconds = monotonic() - started
    return report


async def _ground(report: Report, kafka: KafkaSettings, connections: Connections, scope: Scope) -> Ground | None:
    try:
        return await read_ground(kafka, connections, scope.topics)
    except MovedError as error:  # the comparison says what that comes to
        report.checkpoint = f"not kept: {error}"
        return None


async def _keep(
    report: Report, dsn: str, kafka: KafkaSettings, ground: Ground | None, sources: Sources, log: Log
) -> str | None:
    """Keep what was proved; return whether it was kept."""
    if not report.ok:
        return await keep_red(dsn, kafka, sum(report.total_findings.values()))
    if ground is None:
        return report.checkpoint
    return CAME if report.under_way else await keep_whole(dsn, kafka, ground, sources, log, report.events)


async def wait_until_quiet(databases: Databases, seconds: float) -> bool:
    """Wait until outboxes are empty and consumers have caught up; ``False`` if they have not within ``seconds``."""
    async with AsyncExitStack() as stack:
        connections = await connect(stack, databases, databases)
        return await until_quiet(connections, connections, seconds)


def compare_outboxes(report: Report, unpublished: Mapping[str, int]) -> None:
    """Name what is stored and not published yet, by service."""
    for service, pending in unpublished.items():
        if pending:
            report.unpublished += pending
            detail = f"{pending} facts of {service} are stored and not published yet"
            report.add(Finding("unpublished", service, None, 0, pending, detail))


async def _look_at_services(connections: Connections, totals: Mapping[str, Total]) -> dict[str, AddedUp]:
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(connection: asyncpg.Connection) -> AddedUp:
        async with turns:
            return await _look_at_service(connection, totals)

    return dict(zip(connections, await side_by_side(map(one, connections.values())), strict=True))


async def _look_at_service(connection: asyncpg.Connection, totals: Mapping[str, Total]) -> AddedUp:
    """Have a database add up positions and compare effects, in one view: what it applies between would be an effect without a position."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if not await has(connection, "position"):
            return AddedUp()
        found, read = await position_totals(connection), await subscriptions(connection)
        same = frozenset(
            (consumer, topic)
            for consumer, topic in read
            if topic in totals and found.get((consumer, topic), Total()) == totals[topic]
        )
        return AddedUp(same, await read_differing(connection) if len(same) == len(read) else None)


async def _compare_services(
    compared: Compared,
    connections: Connections,
    looks: dict[str, AddedUp],
    ids: Mapping[str, str],
    kafka: KafkaSettings,
) -> None:
    """Compare some at a time: while a database works, what another has sent is compared; all at once would take the memory of all."""
    turns = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(service: str, connection: asyncpg.Connection) -> None:
        async with turns:
            await _compare_service(compared, service, connection, looks.pop(service), ids, kafka)

    await side_by_side(starmap(one, connections.items()))


async def _compare_service(
    compared: Compared,
    service: str,
    connection: asyncpg.Connection,
    look: AddedUp,
    ids: Mapping[str, str],
    kafka: KafkaSettings,
) -> None:
    report = compared.report
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if await has(connection, "position"):
            differing = [each for each in await subscriptions(connection) if each not in look.same]
            positions = await read_positions(connection, ids, differing)
            await compare_consumers(compared, service, connection, positions, look.same)
            del positions
            compare_effects(report, look.differing or await read_differing(connection))
        if await has(connection, "message"):
            left = await without_message(connection, compared.log.notifying)
            compare_messages(report, left, await compared.afresh.told(service, left))
    if await has(connection, "disclosure"):
        await compare_agencies(report, connection, kafka)
        await compare_public(report, connection, kafka)


async def compare_consumers(
    compared: Compared,
    service: str,
    connection: asyncpg.Connection,
    positions: ByConsumer,
    same: Collection[tuple[str, str]] = (),
) -> None:
    """Compare the positions of a service's consumers with the sources; where these are not looked at, with what was published.

    ``same``: those that are known to be where the sources are.
    """
    report, log = compared.report, compared.log
    for consumer, topic in await subscriptions(connection):
        if topic not in log.topics:
            report.left_out.append(f"{consumer} on {topic}: this release does not know that topic")
            continue
        state = report.consumers.setdefault(consumer, ConsumerState())
        parked, found = await parked_of(connection, consumer, topic), positions.get((consumer, topic), {})
        asked = compared.versions.get(topic, {})
        if (consumer, topic) in same:
            state.aggregates += len(asked)
            name_parked(report, state, consumer, topic, parked)
            continue
        if topic not in compared.scope.owned:
            asked = told(asked, log.topics[topic].heads, found)
        newer = await newer_at(compared.afresh, service, consumer, topic, asked, found, parked)
        compare_positions(report, state, consumer, topic, asked, found, parked, newer)


async def compare_declared(
    report: Report,
    connection: asyncpg.Connection,
    positions: ByConsumer,
    effects: Effects,
) -> None:
    """Compare every effect that a service declares with the positions of its consumer: of these aggregates."""
    for consumer, effect, topic in await declared_effects(connection):
        found = effects.get((consumer, effect, topic), {})
        state = report.consumers.setdefault(consumer, ConsumerState())
        state.effects[effect] = len(found)
        compare_effect(report, effect, positions.get((consumer, topic), {}), found)
