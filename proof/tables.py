"""Tables under lasting load: rows, dead tuples and bytes over time, with the relay away and an idle transaction open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import asyncpg

from ops.stack.databases import SERVICES, in_database
from proof.rig import Rig, Size, within
from shared.database import connected

SAMPLES = 30
CLEANING_SECONDS = 90.0
"""Autovacuum comes by every 15 s, and has several tables to see to."""
DEAD_ALLOWED = 2_000
DEAD_SHARE_ALLOWED = 0.25
"""Autovacuum begins at 50 dead tuples and a fifth of the rows."""
OLD_DAYS, OLD_ROWS = 9, 50
"""Beyond the relay's retention of 7 days."""
MEBIBYTE = 1024 * 1024
GROWTH_ALLOWED = 1.2

_SAMPLE = """
SELECT regexp_replace(relname, '^(outbox)_.*', '\\1'), sum(n_live_tup)::bigint, sum(n_dead_tup)::bigint,
       sum(pg_total_relation_size(relid))::bigint
FROM pg_stat_user_tables WHERE schemaname = 'public' GROUP BY 1
"""
_OLD_EVENTS = """
INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, causation_id,
                    origin, traceparent, data, written_at)
SELECT topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, causation_id, origin,
       traceparent, data, now() - make_interval(days => $1)
FROM outbox WHERE pg_visible_in_snapshot(xid, (SELECT base FROM relay_cursor c WHERE c.shard = outbox.shard)) ORDER BY id LIMIT $2
"""
_OLD_PARTITION = (
    "SELECT to_regclass(format('outbox_%s', to_char((now() AT TIME ZONE 'UTC')::date - $1::int, 'YYYYMMDD')))"
)
_DROP = "SELECT outbox_drop_partitions(now() - interval '7 days')"
ROWS_CHANGE_IN_PLACE = ("relay_cursor", "stream_position", "district_dashboard")


class Sample(NamedTuple):
    """One table at one moment."""

    rows: int
    dead: int
    bytes: int


@dataclass(slots=True)
class Tables:
    """What was seen of every table of every service, over time."""

    seen: dict[str, list[Sample]] = field(default_factory=dict)

    def take(self, service: str, rows: list[asyncpg.Record]) -> None:
        """Note a look at a service's tables."""
        for name, live, dead, size in rows:
            self.seen.setdefault(f"{service}.{name}", []).append(Sample(live, dead, size))

    def now(self, name: str) -> Sample:
        """Return what was seen last."""
        return self.seen[name][-1]

    def littered(self) -> list[str]:
        """Return the tables that hold more dead tuples than autovacuum leaves."""
        return [
            f"{name}: {found.dead} dead tuples among {found.rows} rows"
            for name, (*_, found) in self.seen.items()
            if found.dead > DEAD_ALLOWED + DEAD_SHARE_ALLOWED * found.rows
        ]

    def lines(self) -> list[str]:
        """Return a line for each table that anything happened to."""
        return [_line(name, seen) for name, seen in sorted(self.seen.items()) if seen[0] != seen[-1]]


def _line(name: str, seen: Sequence[Sample]) -> str:
    dead, most = max(sample.dead for sample in seen), max(sample.bytes for sample in seen)
    return (
        f"{name}: {seen[0].rows:,} → {seen[-1].rows:,} rows; dead tuples at most {dead:,}, at last {seen[-1].dead:,}; "
        f"at most {most / MEBIBYTE:.1f} MiB, at last {seen[-1].bytes / MEBIBYTE:.1f} MiB"
    )


async def keep_tables_bounded(rig: Rig, size: Size, _: Random) -> None:
    """Load for long: for a third of it without relay, for half of it with a transaction that holds its snapshot open.

    Raises ``AssertionError`` if dead tuples stay, space is not used again, or a day of the outbox goes too early or never.
    """
    tables, watching = Tables(), asyncio.Event()
    looking = asyncio.create_task(_look_again_and_again(rig, tables, size.soak / SAMPLES, watching))
    try:
        async with rig.fault():
            async with _idle_transactions(rig):
                await asyncio.sleep(size.soak / 6)
                await rig.kill("registry-relay")
                await _old_day_stays(rig)
                await asyncio.sleep(size.soak / 3)
                await rig.start("registry-relay")
            await asyncio.sleep(size.soak / 6)
        await _old_day_goes(rig)
        await _until_clean(rig, tables)
        clean = {name: tables.now(name) for name in tables.seen if name.endswith(ROWS_CHANGE_IN_PLACE)}
        await asyncio.sleep(size.soak / 3)
    finally:
        watching.set()
        await looking
    await _look(rig, tables)
    _judge(tables, clean)
    rig.notes += tables.lines()


def _judge(tables: Tables, clean: dict[str, Sample]) -> None:
    dead = max(sample.dead for sample in tables.seen["registry.outbox"])
    rows = tables.now("registry.outbox").rows
    assert dead <= 0.01 * rows, f"the outbox holds {dead} dead tuples among {rows} rows: it is only inserted into"
    for name, before in clean.items():
        after = tables.now(name)
        per_row = after.rows / before.rows if before.rows else 1.0
        limit = before.bytes * GROWTH_ALLOWED * max(1.0, per_row) + MEBIBYTE
        assert after.bytes <= limit, f"{name} grew from {before} to {after}: freed space is not used again"


@asynccontextmanager
async def _idle_transactions(rig: Rig) -> AsyncIterator[None]:
    """Hold a snapshot open in every database, as a forgotten session does."""
    server, open_ones = rig.stack.servers.superuser_dsn(), list[asyncpg.Connection]()
    try:
        for service in SERVICES:
            open_ones.append(await asyncpg.connect(in_database(server, service)))
            await open_ones[-1].execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM schema_migration")
        yield
    finally:
        for connection in open_ones:
            await connection.close()


async def _look_again_and_again(rig: Rig, tables: Tables, every: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await _look(rig, tables)
        await asyncio.wait([asyncio.create_task(stop.wait())], timeout=max(0.5, every))


async def _look(rig: Rig, tables: Tables) -> None:
    server = rig.stack.servers.superuser_dsn()
    for service in SERVICES:
        connection = await asyncpg.connect(in_database(server, service))
        tables.take(service, await connection.fetch(_SAMPLE))
        await connection.close()


async def _until_clean(rig: Rig, tables: Tables) -> None:
    """Wait until autovacuum has taken away what the idle transaction kept."""
    async with within(CLEANING_SECONDS, "autovacuum to clean up behind the idle transaction"):
        while True:
            await _look(rig, tables)
            if not tables.littered():
                return
            await asyncio.sleep(1.0)


async def _old_day_stays(rig: Rig) -> None:
    """Store events on a day beyond the retention while the relay is away: they must not go unpublished."""
    async with connected(in_database(rig.stack.servers.superuser_dsn(), "registry")) as connection:
        await connection.execute(
            "SELECT outbox_make_partitions((now() AT TIME ZONE 'UTC')::date - $1::int, 1)", OLD_DAYS
        )
        await connection.execute(_OLD_EVENTS, OLD_DAYS, OLD_ROWS)
        dropped = await connection.fetch(_DROP)
        assert not dropped, f"dropped before it was published: {dropped}"


async def _old_day_goes(rig: Rig) -> None:
    """Start the relay again, which looks after its partitions then: the old day, published by now, goes."""
    await rig.kill("registry-relay")
    await rig.start("registry-relay")
    async with (
        connected(in_database(rig.stack.servers.superuser_dsn(), "registry")) as connection,
        within(30, "the relay to drop a published day beyond its retention"),
    ):
        while await connection.fetchval(_OLD_PARTITION, OLD_DAYS) is not None:
            await asyncio.sleep(0.2)
