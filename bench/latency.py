"""From the moment a command was due to the broker's acknowledgement of its fact, by the ways in which a relay wakes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from uuid import UUID, uuid4

from bench.delivery import fact_on, relaying_apart
from bench.harness import Result, Size, VoidRunError, by_turns, percentile
from bench.relay_process import Notes
from bench.rig import Rig
from shared.contracts.registry import BusinessVerified
from shared.database import Connection, Pool
from shared.outbox import Cause, Hint, append

RATE = 2_000
CONNECTIONS = 14
"""Of the pool's 16: one is for the hints."""
WAYS = {
    "hint": "command to the broker's ack at 2,000/s",
    "notify": "the same, relay woken by NOTIFY in the transaction alone",
    "poll": "the same, relay woken by a poll each second alone",
}
GOALS = {50: "≤ 5", 99: "≤ 20"}
DUE = "UPDATE thing SET version = version + 1, sales = $2 WHERE id = $1 RETURNING version"
TELLING = f"{DUE}, pg_notify('outbox', '')"


@dataclass(slots=True)
class Load:
    """Commands that are due at a steady pace, whatever became of those before: a late start counts as waiting."""

    fact: type[BusinessVerified]
    things: list[UUID]
    commands: int
    done: int = 0
    statement: str = DUE
    """Changes the aggregate and returns its version; with an empty one facts are all that is stored."""
    due: dict[tuple[str, int], float] = field(default_factory=dict)
    """Aggregate and sequence → when its command was due."""

    async def run(self, pool: Pool, hint: Hint | None) -> None:
        """Run the commands on connections of their own, each by the first that is free."""
        # Where it runs again, the aggregates go on from where they were.
        numbers, started = iter(range(self.done, self.done + self.commands)), perf_counter() - self.done / RATE
        self.done += self.commands
        await asyncio.gather(*(self._work(pool, hint, numbers, started) for _ in range(CONNECTIONS)))

    async def _work(self, pool: Pool, hint: Hint | None, numbers: Iterator[int], started: float) -> None:
        async with pool.acquire() as connection:
            for number in numbers:
                due = started + number / RATE
                if (early := due - perf_counter()) > 0:
                    await asyncio.sleep(early)
                thing = self.things[number % len(self.things)]
                version = await self._command(connection, thing, number // len(self.things) + 1)
                self.due[str(thing), version] = due
                if hint is not None:
                    hint.wake()

    async def _command(self, connection: Connection, thing: UUID, version: int) -> int:
        async with connection.transaction():
            if self.statement:
                version = await connection.fetchval(self.statement, thing, 36_000_000)
            cause = Cause("b", None, "b", "command", None, datetime.now(UTC))
            await append(connection, "bench", [(version, self.fact(business_id=thing))], cause)
        return version


async def things(pool: Pool, number: int) -> list[UUID]:
    """Store aggregates and return their ids."""
    ids = [uuid4() for _ in range(number)]
    await pool.executemany("INSERT INTO thing (id, name) VALUES ($1, 'Warung')", [(thing,) for thing in ids])
    return ids


async def until_published(pool: Pool) -> None:
    """Wait until the relay's cursor is past all that is committed."""
    async with asyncio.timeout(60):
        while await pool.fetchval("SELECT outbox_pending()"):
            await asyncio.sleep(0.05)


async def command_to_ack(rig: Rig, size: Size) -> list[Result]:
    """Commands at 2,000 a second, from when each was due to the broker's acknowledgement of its fact, milliseconds.

    Beside the product the same relay woken in the ways that it does not rely on, to show why.
    """
    commands = max(1_000, size.of(10_000)) + RATE
    kept = await by_turns(size, {way: partial(_latencies, rig, way, commands) for way in WAYS})
    return [
        Result(
            f"{told}, p{cut}",
            "ms",
            GOALS[cut] if way == "hint" else "none",
            [1000 * percentile(waits, cut) for waits in kept[way]],
        )
        for way, told in WAYS.items()
        for cut in GOALS
    ]


async def _latencies(rig: Rig, way: str, commands: int) -> list[float]:
    fact = fact_on(rig.topic())
    async with rig.database() as (dsn, pool), noted_relay(dsn, rig, way) as notes:
        load = Load(fact, await things(pool, RATE), commands, statement=TELLING if way == "notify" else DUE)
        await load.run(pool, Hint(pool) if way == "hint" else None)
        await until_published(pool)
    return check_acks(notes, load.due)[RATE:]  # the first second warms up


def check_acks(notes: Notes, due: dict[tuple[str, int], float]) -> list[float]:
    """Return how long each command waited, seconds, in the order in which they were due; void if a fact was not published, twice, or out of order."""
    last: dict[str, int] = {}
    waits: dict[float, float] = {}
    for key, sequence, at in notes.acknowledged:
        if sequence != last.get(key, 0) + 1:
            raise VoidRunError(f"sequence {sequence} was published after {last.get(key, 0)}")
        last[key] = sequence
        waits[due[key, sequence]] = at - due[key, sequence]
    if len(waits) != len(due):
        raise VoidRunError(f"{len(waits)} facts of {len(due)} commands were acknowledged")
    return [waits[moment] for moment in sorted(waits)]


@asynccontextmanager
async def noted_relay(dsn: str, rig: Rig, way: str = "hint") -> AsyncIterator[Notes]:
    """Run a relay in a process of its own for the time of the block; its notes are filled in when the block has ended."""
    with TemporaryDirectory(prefix="naikkelas-bench-") as folder:
        path, notes = Path(folder) / "notes.json", Notes()
        async with relaying_apart(dsn, rig, waking=way, notes=path):
            yield notes
        notes.read(path)
