"""What is kept for the page of operations: audits, and how far rebuilds are."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson

from services.projections.store.batches import SQL
from shared.database import Connection, Pool, load_queries

QUERIES = load_queries(SQL / "queries_operations.sql")


@dataclass(frozen=True, slots=True)
class AuditRun:
    """What an audit came to."""

    at: datetime
    actor: str
    ok: bool
    events: int
    aggregates: int
    seconds: float
    findings: dict[str, int]
    """Kind → how many."""
    left_out: str = ""
    """What was not looked at; empty: it was an audit of the whole."""


@dataclass(frozen=True, slots=True)
class RebuildRun:
    """How far a rebuild is, or how it ended."""

    projections: tuple[str, ...]
    started_at: datetime
    stage: str
    done: int
    total: int
    ended_at: datetime | None
    outcome: str | None
    """``swapped``, ``not_swapped`` or ``failed``."""
    silent: bool
    """It has not ended, and has said nothing for a minute: it was killed."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation of a projection."""

    projection: str
    generation: int
    """From 1, counted for each projection."""
    state: str
    """``live``; beside it ``building``, ``ready`` to be swapped in, or ``standby``: it was live before, and a roll-back leads to it."""
    started_at: datetime
    swapped_at: datetime | None
    """When it last became the live one."""


async def last_audits(pool: Pool) -> list[AuditRun]:
    """Return the newest audit of the whole, and before it the newest of a part, if that is younger."""
    rows = await pool.fetch(QUERIES.last_audits)
    return [AuditRun(**dict(row) | {"findings": orjson.loads(row["findings"])}) for row in rows]


async def last_rebuilds(pool: Pool | Connection, count: int, projections: Collection[str] = ()) -> list[RebuildRun]:
    """Return the newest rebuilds, of some projections or, where none is named, of all."""
    rows = await pool.fetch(QUERIES.last_rebuilds, count, list(projections))
    return [RebuildRun(**dict(row) | {"projections": tuple(row["projections"])}) for row in rows]


async def list_generations(connection: Pool | Connection) -> list[Generation]:
    """Return the generations that are there, by projection."""
    return [Generation(**dict(row)) for row in await connection.fetch(QUERIES.generations)]


async def connect_teller(dsn: str) -> Connection:
    """Open the connection on which a rebuild tells of itself, beside the one of its work."""
    return await asyncpg.connect(dsn, timeout=10, command_timeout=10)


async def begin_rebuild(connection: Connection, projections: list[str]) -> int:
    """Note that a rebuild begins, and return the number of the run."""
    return int(await connection.fetchval(QUERIES.begin_rebuild_run, projections))


async def tell_rebuild(connection: Connection, run: int, stage: str, done: int, total: int) -> None:
    """Note how far a rebuild is."""
    await connection.execute(QUERIES.tell_rebuild_run, run, stage, done, total)


async def end_rebuild(connection: Connection, run: int, outcome: str) -> None:
    """Note how a rebuild ended."""
    await connection.execute(QUERIES.end_rebuild_run, run, outcome)
