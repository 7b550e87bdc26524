"""An audit that continues from the last green one: only what came since is read, and what was proved then is held against two figures.

It never says more than it read: where the ground moved, all is read again, and the report says why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic

import asyncpg

from ops.audit.audit import Compared, Progress, audit, compare_consumers, compare_declared, compare_outboxes
from ops.audit.checkpoint import Checkpoint, Ground, MovedError, Total, moved_on, version_in
from ops.audit.comparing import compare_log, compare_messages
from ops.audit.ground import compare_ground, read_ground
from ops.audit.keeping import keep, load, one_further
from ops.audit.log import Log, Since, read_log
from ops.audit.reading import (
    Connections,
    Databases,
    Positions,
    connect,
    has,
    notifying_types,
    side_by_side,
    subscriptions,
    until_quiet,
)
from ops.audit.report import Report
from ops.audit.scope import Scope, scope_of
from ops.audit.settling import CAME, SETTLING_SECONDS, Afresh, newer_in
from ops.audit.since import Views, effects_of, messages_of, open_views, positions_of, read_versions_since, total_of
from shared.broker import KafkaSettings


@dataclass(slots=True)
class Look:
    """One look at what came since."""

    report: Report
    log: Log
    views: Views
    totals: dict[str, Total] = field(default_factory=dict)
    """Topic → what its sources must come to now, if nothing else moved."""
    known: dict[str, Positions] = field(default_factory=dict)
    """Topic → what was proved of the aggregates that something came of."""
    moved: str | None = None
    """What moved of which nothing came."""


async def audit_since(
    databases: Databases, kafka: KafkaSettings, wait: float, progress: Progress, services: Collection[str] = ()
) -> Report:
    """Continue from the checkpoint of an earlier audit, or read all again where that does not carry.

    Waits up to ``wait`` seconds for what is under way, if anything is. Raises ``RefusedError`` if the checkpoint was changed or is of another
    cluster, the errors of the servers, ``ValueError`` for a service that there is not.
    """
    started, scope = monotonic(), scope_of(services)
    try:
        checkpoint = await load(databases["projections"], kafka)
        async with AsyncExitStack() as stack:
            connections = await connect(stack, databases, scope.asked)
            fresh = await connect(stack, databases, scope.asked)
            looking = _Looking(checkpoint, connections, fresh, kafka, progress, scope)
            report = await _continue(looking, databases["projections"], wait)
    except MovedError as moved:
        report = await audit(databases, kafka, wait, progress, services, keep=True)
        report.fell_back = str(moved)
    report.seconds = monotonic() - started
    return report


@dataclass(frozen=True, slots=True)
class _Looking:
    """What a look needs."""

    checkpoint: Checkpoint
    connections: Connections
    fresh: Connections
    """The same databases again: to ask beside the views what has come by now."""
    kafka: KafkaSettings
    progress: Progress
    scope: Scope


async def _continue(looking: _Looking, dsn: str, wait: float) -> Report:
    checkpoint, scope = looking.checkpoint, looking.scope
    ground = await read_ground(looking.kafka, looking.connections, scope.topics)
    compare_ground(checkpoint.ground, ground)
    found = await _look(looking, 0.0)
    wrong = found.moved is not None or not found.report.ok
    if wrong or found.report.under_way:
        # What is merely under way is not called lost, and nobody continues from it.
        patience = wait if wrong else min(wait, SETTLING_SECONDS)
        quiet = await until_quiet(looking.connections, scope.chosen, patience) if patience else None
        found = await _look(looking, wait)
        found.report.quiet = quiet
    if found.moved is not None:
        raise MovedError(found.moved)
    if scope.whole and found.report.ok:
        further = _next(checkpoint, ground, found)
        found.report.checkpoint = CAME if found.report.under_way else await keep(dsn, looking.kafka, further)
    return found.report


def _next(checkpoint: Checkpoint, ground: Ground, found: Look) -> Checkpoint:
    heads = {
        topic: moved_on(packed, found.views.sources.versions.get(topic, {}))
        for topic, packed in checkpoint.heads.items()
    }
    return one_further(
        checkpoint,
        found.report.events,
        ground=ground,
        places=found.log.places,
        totals=found.totals,
        snapshots=found.views.sources.snapshots,
        heads=heads,
    )


async def _look(looking: _Looking, seconds: float) -> Look:
    """Look at what came since. Views of the databases first, then the log: whatever a view shows, it tells of."""
    checkpoint, connections, scope = looking.checkpoint, looking.connections, looking.scope
    looked_at = {name: connection for name, connection in connections.items() if name in scope.chosen}
    afresh = Afresh(looking.fresh, seconds)
    async with AsyncExitStack() as stack:
        views = await open_views(stack, connections, looked_at, scope.topics)
        unpublished = await afresh.unpublished(looked_at, views.sources.snapshots)
        log = await read_log(
            looking.kafka,
            scope.topics,
            await notifying_types(looked_at),
            lambda done, total: looking.progress("log", done, total),
            since=Since(checkpoint.places, lambda topic, subject: version_in(checkpoint.heads[topic], subject)),
        )
        found = Look(_report(checkpoint, scope), log, views)
        await read_versions_since(views.sources, connections, checkpoint, log)
        await _hold_sources(found, checkpoint, connections, scope)
        compare_outboxes(found.report, unpublished)
        versions = views.sources.versions
        compare_log(found.report, versions, log, scope.owned, await newer_in(log, versions, scope.owned, afresh))
        compared = Compared(found.report, scope, versions, log, afresh)
        # Beside one another: each is asked for itself.
        await side_by_side(
            _compare_service(found, compared, checkpoint, service, connection)
            for service, connection in looked_at.items()
        )
    found.report.under_way = afresh.came
    return found


def _report(checkpoint: Checkpoint, scope: Scope) -> Report:
    report = Report(services=list(scope.chosen), left_out=[*scope.left_out(), *_left_out(checkpoint, scope)])
    report.since = {
        "whole_at": checkpoint.whole_at,
        "at": checkpoint.at,
        "links": checkpoint.links,
        "events": checkpoint.events,
        "aggregates": checkpoint.aggregates,
    }
    return report


def _left_out(checkpoint: Checkpoint, scope: Scope) -> list[str]:
    of = (
        "Their versions and positions" if scope.whole else f"Of {', '.join(scope.chosen)}: their versions and positions"
    )
    return [
        f"before {checkpoint.at}: {checkpoint.events:,} events of {checkpoint.aggregates:,} aggregates were read then, all of them last at "
        f"{checkpoint.whole_at}. {of} still come to the same; their records, effects and messages were not read again",
        "agencies and public topics: only an audit that reads all looks at them",
    ]


async def _hold_sources(found: Look, checkpoint: Checkpoint, connections: Connections, scope: Scope) -> None:
    """Hold what the sources come to against what was proved, and what came since."""
    calculating, sources = next(iter(connections.values())), found.views.sources
    for topic in scope.topics:
        subjects = sources.versions.get(topic, {}).keys() | found.log.topics[topic].heads.keys()
        found.known[topic] = {subject: version_in(checkpoint.heads[topic], subject) for subject in subjects}
        now = await _brought_on(calculating, checkpoint, found, topic, sources.versions.get(topic, {}))
        found.totals[topic] = now
        if topic in scope.owned and now != sources.totals.get(topic, Total()):
            found.moved = f"versions of {topic} have changed of which no fact came"
    found.report.aggregates = sum(len(found.known[topic]) for topic in scope.owned)


async def _brought_on(
    connection: asyncpg.Connection, checkpoint: Checkpoint, found: Look, topic: str, now: Mapping[str, int]
) -> Total:
    """Return what all aggregates of a topic come to, if those that something came of went from what was proved to ``now``."""
    before = {subject: version for subject, version in found.known[topic].items() if version}
    changed = {subject: version for subject, version in now.items() if subject in found.known[topic]}
    return checkpoint.totals[topic] - await total_of(connection, before) + await total_of(connection, changed)


async def _compare_service(
    found: Look, compared: Compared, checkpoint: Checkpoint, service: str, connection: asyncpg.Connection
) -> None:
    if await has(connection, "position"):
        await _compare_consumers(found, compared, checkpoint, service, connection)
    if await has(connection, "message"):
        left = found.log.notifying - (await messages_of(connection, found.log.notifying)).keys()
        compare_messages(found.report, left, await compared.afresh.told(service, left))


async def _compare_consumers(
    found: Look, compared: Compared, checkpoint: Checkpoint, service: str, connection: asyncpg.Connection
) -> None:
    read = [(consumer, topic) for consumer, topic in await subscriptions(connection) if topic in found.known]
    subjects = sorted({subject for _, topic in read for subject in found.known[topic]})
    positions, totals = await positions_of(connection, subjects), found.views.positions[service]
    for consumer, topic in read:
        now = positions.get((consumer, topic), {})
        expected = await _brought_on(connection, checkpoint, found, topic, now)
        if expected != totals.get((consumer, topic), Total()):
            found.moved = f"positions of {consumer} on {topic} have changed of which no fact came"
    await compare_consumers(compared, service, connection, positions)
    await compare_declared(found.report, connection, positions, await effects_of(connection, subjects))
