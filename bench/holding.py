"""What the way out costs the database: while a write transaction stays open elsewhere, and in bytes of its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

import asyncpg

from bench.delivery import fact_on
from bench.harness import Result, Size, VoidRunError, by_turns, percentile
from bench.latency import RATE, Load, check_acks, noted_relay, things, until_published
from bench.relay_process import Notes
from bench.rig import Rig
from shared.database import Pool
from shared.outbox import Hint

WINDOWS = 5
HELD_SECONDS, FREE_SECONDS = 180, 30
SETTLE_SECONDS = 2.5
"""Until backends have told their statistics: they do at the end of a transaction, at most once a second."""
RELAY = "bench-relay"
DEAD = "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relname LIKE 'outbox%' OR relname LIKE 'relay%'"
WAL = """
SELECT sum((pg_stat_get_backend_wal(pid)).wal_bytes) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND (application_name = $1) = $2
"""


def _named(dsn: str) -> str:
    """Return the DSN by which the relay's connections can be told from the others."""
    return f"{dsn}{'&' if '?' in dsn else '?'}application_name={RELAY}"


async def _facts(rig: Rig, pool: Pool) -> Load:
    return Load(fact_on(rig.topic()), await things(pool, RATE), 0, statement="")


async def _settled(pool: Pool) -> None:
    """Wait until all is published, and every backend has told what it did."""
    await until_published(pool)
    await asyncio.sleep(SETTLE_SECONDS)
    connections = [await pool.acquire() for _ in range(pool.get_idle_size())]
    for connection in connections:
        await connection.execute("SELECT 1")
        await pool.release(connection)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time on the clock of ``perf_counter``."""

    start: float
    end: float

    def windows(self) -> list[Span]:
        """Return it in equal parts."""
        step = (self.end - self.start) / WINDOWS
        return [Span(self.start + n * step, self.start + (n + 1) * step) for n in range(WINDOWS)]

    def median(self, notes: Notes, kind: str) -> float:
        """Return the median of what the relay's statements of a kind took in it, milliseconds."""
        took = [seconds for name, at, seconds in notes.statements if name == kind and self.start <= at < self.end]
        if len(took) < 2:
            raise VoidRunError(f"the relay did no {kind} for {self.end - self.start:.0f} s")
        return 1000 * percentile(took, 50)


async def _run(load: Load, pool: Pool, seconds: float) -> Span:
    """Let facts come for so long."""
    load.commands, started = int(seconds * RATE), perf_counter()
    await load.run(pool, Hint(pool))
    return Span(started, perf_counter())


async def held_transaction(rig: Rig, size: Size) -> list[Result]:
    """Facts at 2,000 a second while a write transaction stays open for 3 minutes, against half a minute without one.

    Once; the spread is that of five windows of each.
    """
    held_for, free_for = max(10.0, HELD_SECONDS * size.scale), max(5.0, FREE_SECONDS * size.scale)
    async with rig.database() as (dsn, pool), noted_relay(_named(dsn), rig) as notes:
        load = await _facts(rig, pool)
        free = await _run(load, pool, free_for)
        async with _open_transaction(dsn):
            before = await _dead(pool)
            held = await _run(load, pool, held_for)
            dead = await _dead(pool) - before
    check_acks(notes, load.due)
    return [
        Result("dead tuples per event while a write transaction is open", "tuples", "0", [dead / (held_for * RATE)]),
        _compared("relay's poll, p50, while a write transaction is open ÷ without", "≤ 1.3", notes, "poll", held, free),
        _compared("relay's store of its cursor, p50, likewise", "none", notes, "store", held, free),
    ]


@asynccontextmanager
async def _open_transaction(dsn: str) -> AsyncIterator[None]:
    """Keep a transaction that has written open for the time of the block."""
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        await connection.execute("INSERT INTO thing (id, name) VALUES (gen_random_uuid(), 'open')")
        yield
    await connection.close()


async def _dead(pool: Pool) -> int:
    await _settled(pool)
    return int(await pool.fetchval(DEAD))


def _compared(name: str, goal: str, notes: Notes, kind: str, held: Span, free: Span) -> Result:
    product, baseline = ([part.median(notes, kind) for part in span.windows()] for span in (held, free))
    return Result(name, "ms", goal, product, baseline)


async def relay_wal(rig: Rig, size: Size) -> Result:
    """Bytes that the relay's connections write to the log of the database for a fact, and those of who appended it."""
    seconds = max(2.0, 10.0 * size.scale)

    async def measure() -> Sequence[float]:
        async with rig.database() as (dsn, pool), noted_relay(_named(dsn), rig) as notes:
            load = await _facts(rig, pool)
            before = await _written(pool)
            await _run(load, pool, seconds)
            after = await _written(pool)
        facts = len(check_acks(notes, load.due))
        return [(late - early) / facts for early, late in zip(before, after, strict=True)]

    runs = (await by_turns(size, {"run": measure}))["run"]
    name = "the relay's WAL per event at 2,000/s ÷ that of its insert"
    return Result(name, "bytes", "≤ 0.05", [relay for relay, _ in runs], [insert for _, insert in runs])


async def _written(pool: Pool) -> tuple[int, int]:
    """Return the bytes that the relay has written, and everybody else."""
    await _settled(pool)
    relay, others = [int(await pool.fetchval(WAL, RELAY, own)) for own in (True, False)]
    return relay, others
