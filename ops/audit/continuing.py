"""An audit that continues from the last green one: only what came since is read, and what was proved then is held against two figures.

It never says more than it read: where the ground moved, all is read again, and the report says why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic

import asyncpg

from ops.audit.audit import Progress, audit, compare_consumers, compare_declared, compare_outboxes
from ops.audit.checkpoint import Checkpoint, Ground, MovedError, Total, moved_on, version_in
from ops.audit.comparing import compare_log, compare_messages
from ops.audit.ground import compare_ground, read_ground
from ops.audit.keeping import keep, load, one_further
from ops.audit.log import Log, Since, read_log
from ops.audit.reading import (
    Connections,
    Databases,
    Positions,
    Sources,
    connect,
    has,
    notifying_types,
    side_by_side,
    subscriptions,
    until_quiet,
)
from ops.audit.report import Report
from ops.audit.scope import Scope, scope_of
from ops.audit.since import effects_of, messages_of, position_totals, positions_of, read_sources_since, total_of
from shared.broker import KafkaSettings


@dataclass(slots=True)
class Look:
    """One look at what came since."""

    report: Report
    log: Log
    sources: Sources
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

    Waits up to ``wait`` seconds for what is under way. Raises ``RefusedError`` if the checkpoint was changed or is of another
    cluster, the errors of the servers, ``ValueError`` for a service that there is not.
    """
    started, scope = monotonic(), scope_of(services)
    try:
        checkpoint = await load(databases["projections"], kafka)
        async with AsyncExitStack() as stack:
            connections = await connect(stack, databases, scope.asked)
            report = await _continue(checkpoint, connections, databases["projections"], kafka, wait, progress, scope)
    except MovedError as moved:
        report = await audit(databases, kafka, wait, progress, services, keep=True)
        report.fell_back = str(moved)
    report.seconds = monotonic() - started
    return report


async def _continue(
    checkpoint: Checkpoint,
    connections: Connections,
    dsn: str,
    kafka: KafkaSettings,
    wait: float,
    progress: Progress,
    scope: Scope,
) -> Report:
    ground = await read_ground(kafka, connections, scope.topics)
    compare_ground(checkpoint.ground, ground)
    found = await _look(checkpoint, connections, kafka, progress, scope)
    if found.moved is not None or not found.report.ok:
        await until_quiet(connections, scope.chosen, wait)  # what is merely under way is not called lost
        found = await _look(checkpoint, connections, kafka, progress, scope)
    if found.moved is not None:
        raise MovedError(found.moved)
    if scope.whole and found.report.ok:
        found.report.checkpoint = await keep(dsn, kafka, _next(checkpoint, ground, found))
    return found.report


def _next(checkpoint: Checkpoint, ground: Ground, found: Look) -> Checkpoint:
    heads = {
        topic: moved_on(packed, found.sources.versions.get(topic, {})) for topic, packed in checkpoint.heads.items()
    }
    return one_further(
        checkpoint,
        found.report.events,
        ground=ground,
        places=found.log.places,
        totals=found.totals,
        snapshots=found.sources.snapshots,
        heads=heads,
    )


async def _look(
    checkpoint: Checkpoint, connections: Connections, kafka: KafkaSettings, progress: Progress, scope: Scope
) -> Look:
    looked_at = {name: connection for name, connection in connections.items() if name in scope.chosen}
    log = await read_log(
        kafka,
        scope.topics,
        await notifying_types(looked_at),
        lambda done, total: progress("log", done, total),
        since=Since(checkpoint.places, lambda topic, subject: version_in(checkpoint.heads[topic], subject)),
    )
    report = Report(services=list(scope.chosen), left_out=[*scope.left_out(), *_left_out(checkpoint)])
    report.since = {
        "whole_at": checkpoint.whole_at,
        "at": checkpoint.at,
        "links": checkpoint.links,
        "events": checkpoint.events,
        "aggregates": checkpoint.aggregates,
    }
    sources = await read_sources_since(connections, scope.topics, checkpoint, log)
    found = Look(report, log, sources)
    await _hold_sources(found, checkpoint, connections, scope)
    report.aggregates = sum(len(found.known[topic]) for topic in scope.owned)
    await compare_outboxes(report, looked_at)
    compare_log(report, sources.versions, log, scope.owned)
    # Beside one another: each adds up all that its database holds.
    await side_by_side(_compare_service(found, checkpoint, each, scope) for each in looked_at.values())
    return found


def _left_out(checkpoint: Checkpoint) -> list[str]:
    return [
        f"before {checkpoint.at}: {checkpoint.events:,} events of {checkpoint.aggregates:,} aggregates were read then, all of them last at "
        f"{checkpoint.whole_at}. Their versions and positions still come to the same; their records, effects and messages were "
        "not read again",
        "agencies and public topics: only an audit that reads all looks at them",
    ]


async def _hold_sources(found: Look, checkpoint: Checkpoint, connections: Connections, scope: Scope) -> None:
    """Hold what the sources come to against what was proved, and what came since."""
    calculating = next(iter(connections.values()))
    for topic in scope.topics:
        subjects = found.sources.versions.get(topic, {}).keys() | found.log.topics[topic].heads.keys()
        found.known[topic] = {subject: version_in(checkpoint.heads[topic], subject) for subject in subjects}
        now = await _brought_on(calculating, checkpoint, found, topic, found.sources.versions.get(topic, {}))
        found.totals[topic] = now
        if topic in scope.owned and now != found.sources.totals.get(topic, Total()):
            found.moved = f"versions of {topic} have changed of which no fact came"


async def _brought_on(
    connection: asyncpg.Connection, checkpoint: Checkpoint, found: Look, topic: str, now: Mapping[str, int]
) -> Total:
    """Return what all aggregates of a topic come to, if those that something came of went from what was proved to ``now``."""
    before = {subject: version for subject, version in found.known[topic].items() if version}
    changed = {subject: version for subject, version in now.items() if subject in found.known[topic]}
    return checkpoint.totals[topic] - await total_of(connection, before) + await total_of(connection, changed)


async def _compare_service(found: Look, checkpoint: Checkpoint, connection: asyncpg.Connection, scope: Scope) -> None:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        if await has(connection, "position"):
            await _compare_consumers(found, checkpoint, connection, scope)
        if await has(connection, "message"):
            told = await messages_of(connection, found.log.notifying)
            compare_messages(found.report, found.log.notifying, told)


async def _compare_consumers(found: Look, checkpoint: Checkpoint, connection: asyncpg.Connection, scope: Scope) -> None:
    read = await subscriptions(connection)
    subjects = sorted({subject for _, topic in read for subject in found.known[topic]})
    positions, totals = await positions_of(connection, subjects), await position_totals(connection)
    for consumer, topic in read:
        now = positions.get((consumer, topic), {})
        expected = await _brought_on(connection, checkpoint, found, topic, now)
        if expected != totals.get((consumer, topic), Total()):
            found.moved = f"positions of {consumer} on {topic} have changed of which no fact came"
    await compare_consumers(found.report, connection, scope, found.sources.versions, found.log, positions)
    await compare_declared(found.report, connection, positions, await effects_of(connection, subjects))
