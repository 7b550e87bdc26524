"""What is under way while an audit reads: asked again, beside the views that are read, so that nothing is called a fault that is merely newer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from time import monotonic

from ops.audit.log import Log
from ops.audit.reading import QUIET_POLL_SECONDS, Connections, Positions, has
from ops.audit.since import messages_of

SETTLING_SECONDS = 5.0
"""How long relays and consumers may bring nothing of what a view shows, before it is called missing. What a view shows is bounded, and so is this."""
CAME = "not kept: facts came while it read"

_VERSIONS = "SELECT aggregate_id::text, version FROM audit.source WHERE topic = $1 AND aggregate_id = ANY ($2::uuid[])"
_POSITIONS = """
SELECT aggregate_id::text, position FROM audit.position WHERE consumer = $1 AND topic = $2 AND aggregate_id = ANY ($3::uuid[])
"""
_UNPUBLISHED = "SELECT coalesce(sum(depth), 0)::bigint FROM outbox_waiting($1::text::pg_snapshot)"


class Afresh:
    """Asks over connections of its own, on which no view is held open. ``came`` counts what was under way."""

    def __init__(self, connections: Connections, seconds: float) -> None:
        self._connections = connections
        self._seconds = min(seconds, SETTLING_SECONDS)
        self._deadline: float | None = None
        self._turn = asyncio.Lock()
        self.came = 0

    async def unpublished(self, services: Collection[str], snapshots: Mapping[str, str]) -> dict[str, int]:
        """Wait until relays have published what these snapshots show, and return by service how many facts they have not.

        Only then are the ends of the log asked for: what it lacks is lost.
        """
        found = {}
        for service in (name for name in snapshots if name in services):
            pending = await self._unpublished(service, snapshots[service])
            while pending and await self._wait():
                before, pending = pending, await self._unpublished(service, snapshots[service])
                self._came(before - pending)
            found[service] = pending
        return found

    async def stored(self, topic: str, wanted: Positions) -> set[str]:
        """Return which aggregates have such a version at their source by now."""
        found = set[str]()
        for connection in self._connections.values() if wanted else ():
            async with self._turn:
                if await has(connection, "source"):
                    rows = await connection.fetch(_VERSIONS, topic, list(wanted))
                    found.update(row[0] for row in rows if row[1] >= wanted[row[0]])
        self.came += len(found)
        return found

    async def applied(self, service: str, consumer: str, topic: str, wanted: Positions) -> set[str]:
        """Return which aggregates a consumer has brought so far; waits for them a moment."""
        left = dict(wanted)
        while left:
            async with self._turn:
                rows = await self._connections[service].fetch(_POSITIONS, consumer, topic, list(left))
            there = [subject for subject, position in rows if position >= left[subject]]
            for subject in there:
                del left[subject]
            self._came(len(there))
            if not left or not await self._wait():
                break
        self.came += len(wanted) - len(left)
        return wanted.keys() - left.keys()

    async def told(self, service: str, event_ids: Collection[str]) -> set[str]:
        """Return which of these events have led to a message; waits for them a moment."""
        found = set[str]()
        while len(found) < len(event_ids):
            async with self._turn:
                before, found = found, set(await messages_of(self._connections[service], event_ids))
            self._came(len(found) - len(before))
            if len(found) == len(event_ids) or not await self._wait():
                break
        self.came += len(found)
        return found

    async def _unpublished(self, service: str, snapshot: str) -> int:
        async with self._turn:
            return int(await self._connections[service].fetchval(_UNPUBLISHED, snapshot))

    def _came(self, count: int) -> None:
        """Have patience anew for what has not come, if something has."""
        if count > 0:
            self._deadline = None

    async def _wait(self) -> bool:
        """Wait a moment; ``False`` once nothing has come for all that time."""
        if self._deadline is None:
            self._deadline = monotonic() + self._seconds
        if monotonic() >= self._deadline:
            return False
        await asyncio.sleep(QUIET_POLL_SECONDS)
        return True


async def newer_in(
    log: Log, versions: Mapping[str, Positions], topics: Collection[str], afresh: Afresh
) -> dict[str, set[str]]:
    """Return by topic of which aggregates facts were stored and published after the sources were read."""
    found = {}
    for topic in topics:
        known = versions.get(topic, {})
        ahead = {subject: head for subject, head in log.topics[topic].heads.items() if head > known.get(subject, 0)}
        found[topic] = await afresh.stored(topic, ahead)
    return found


async def newer_at(
    afresh: Afresh,
    service: str,
    consumer: str,
    topic: str,
    versions: Positions,
    positions: Positions,
    parked: Mapping[str | None, int],
) -> set[str]:
    """Return which aggregates a consumer was merely about to apply, or had applied of what was stored after the sources were read."""
    behind, ahead = dict[str, int](), dict[str, int]()
    for subject, version in versions.items():
        position = positions.get(subject, 0)
        if position > version:
            ahead[subject] = position
        elif (wanted := version - parked.get(subject, 0)) > position:
            behind[subject] = wanted
    ahead |= {subject: position for subject, position in positions.items() if subject not in versions}
    return await afresh.stored(topic, ahead) | await afresh.applied(service, consumer, topic, behind)
