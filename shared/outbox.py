"""The outbox: a fact is stored in the transaction of its change, or neither is.

``append`` runs on the caller's connection, inside its transaction, *after* the aggregate's row is locked, so that
``sequence`` and the order of the outbox follow the lock order of the key. The relay (``shared.relay``) publishes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg

from shared.contracts.fact import Fact
from shared.database import SERVER_ERRORS
from shared.envelope import Event
from shared.identifiers import new_id
from shared.wita import WITA

WAKE_CHANNEL = "outbox"
HINT_SECONDS = 0.02

_INTO = """INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id,
                    causation_id, origin, traceparent, data)
"""
_MANY = """SELECT t, k, e, y, $1, s, $2, $3, $4, $5, $6, d
FROM unnest($7::text[], $8::uuid[], $9::uuid[], $10::text[], $11::bigint[], $12::text[])
     WITH ORDINALITY AS u(t, k, e, y, s, d, n)
ORDER BY n
"""
_EACH = """SELECT t, k, e, y, o, s, a, r, c, g, p, d
FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::text[],
            $9::text[], $10::text[], $11::text[], $12::text[])
     WITH ORDINALITY AS u(t, k, e, y, o, s, a, r, c, g, p, d, n)
ORDER BY n
"""
_COLUMNS = 12
_ARGUMENT = re.compile(r"\$(\d+)")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why and when something happened: goes into every fact that comes of it."""

    correlation_id: str
    causation_id: str | None
    actor: str
    origin: str
    """``command`` or ``import``."""
    traceparent: str | None
    now: datetime
    """Aware; the one clock reading of the command."""


def day_of(cause: Cause) -> date:
    """Return the day of a command in Balikpapan (WITA)."""
    return cause.now.astimezone(WITA).date()


def cause_by(event: Event, actor: str, now: datetime) -> Cause:
    """Return why something happens that an event of another service brought; ``actor`` is the service that does it."""
    meta = event.meta
    return Cause(meta.correlation_id, str(meta.id), actor, meta.origin, meta.traceparent, now)


@dataclass(frozen=True, slots=True)
class Change:
    """A statement that changes an aggregate (``INSERT``, ``UPDATE`` or ``DELETE``, not ``WITH``), with its arguments."""

    statement: str
    arguments: tuple[Any, ...]


async def append(
    connection: asyncpg.Connection,
    source: str,
    facts: Sequence[tuple[int, Fact]],
    cause: Cause,
    *changes: Change | None,
) -> list[UUID]:
    """Store facts with their sequence numbers (the aggregate's version after each) and return their event ids.

    ``changes`` are run too, each of other rows: with a single fact in the same statement, which spares the commonest
    commands their round trips.
    Must run inside the transaction that changes the aggregates, after their rows are locked.
    Raises ``RuntimeError`` outside of a transaction: a fact stored alone could speak of a change that failed.
    """
    rows = [_row(source, new_id(), sequence, fact, cause) for sequence, fact in facts]
    if await _changed(connection, rows, changes):
        topics, keys, events, types, _, sequences, *_, bodies = zip(*rows, strict=True)
        said = (cause.now, cause.correlation_id, cause.causation_id, cause.origin, cause.traceparent)
        await connection.execute(_INTO + _MANY, source, *said, topics, keys, events, types, sequences, bodies)
    return [row[2] for row in rows]


async def append_each(
    connection: asyncpg.Connection, source: str, facts: Sequence[tuple[int, Fact, Cause]], *changes: Change | None
) -> list[UUID]:
    """Store facts of several commands in one transaction, each with its own cause; all else as ``append`` does it."""
    rows = [_row(source, new_id(), sequence, fact, cause) for sequence, fact, cause in facts]
    if await _changed(connection, rows, changes):
        await connection.execute(_INTO + _EACH, *zip(*rows, strict=True))
    return [row[2] for row in rows]


async def _changed(
    connection: asyncpg.Connection, rows: Sequence[tuple[Any, ...]], changes: Sequence[Change | None]
) -> bool:
    """Run changes, with the fact if there is only one, and tell whether there are facts that are still to be stored."""
    if not connection.is_in_transaction():
        raise RuntimeError("outbox.append must run inside the transaction of the change")
    wanted = [change for change in changes if change is not None]
    if len(rows) == 1:
        # Nearly every command has one fact, and arrays of one cost several times as much to encode.
        arguments = [argument for change in wanted for argument in change.arguments]
        statement = _insert_one(tuple((change.statement, len(change.arguments)) for change in wanted))
        await connection.execute(statement, *arguments, *rows[0])
        return False
    for change in wanted:
        await connection.execute(change.statement, *change.arguments)
    return bool(rows)


@lru_cache(maxsize=64)
def _insert_one(changes: tuple[tuple[str, int], ...]) -> str:
    """Return the insert of one fact, together with changes, of which each takes so many arguments."""
    parts, taken = [], 0
    for number, (statement, arguments) in enumerate(changes):
        parts.append(f"change_{number} AS (\n{_renumbered(statement.rstrip().rstrip(';'), taken)}\n)")
        taken += arguments
    values = ", ".join(f"${number}" for number in range(taken + 1, taken + _COLUMNS + 1))
    before = f"WITH {', '.join(parts)}\n" if parts else ""
    return "".join((before, _INTO, f"VALUES ({values})"))


def _renumbered(statement: str, taken: int) -> str:
    """Return the statement with its arguments counted on from those that are taken."""
    return _ARGUMENT.sub(lambda match: f"${int(match[1]) + taken}", statement) if taken else statement


def _row(source: str, event_id: UUID, sequence: int, fact: Fact, cause: Cause) -> tuple[Any, ...]:
    return (
        fact.TOPIC,
        fact.aggregate_id,
        event_id,
        fact.type_name(),
        source,
        sequence,
        cause.now,
        cause.correlation_id,
        cause.causation_id,
        cause.origin,
        cause.traceparent,
        fact.model_dump_json(),
    )


async def outbox_depth(connection: asyncpg.Connection | asyncpg.Pool) -> int:
    """Return how many stored facts are not published yet."""
    return int(await connection.fetchval("SELECT outbox_pending()"))


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is stored and not published yet."""

    depth: int
    oldest_seconds: float
    """How long ago the oldest of it was stored, by the database's clock; 0 if there is none."""


_BACKLOG = """
SELECT depth, coalesce(extract(epoch FROM clock_timestamp() - oldest), 0)::float8 AS oldest_seconds FROM outbox_backlog()
"""


async def outbox_backlog(connection: asyncpg.Connection | asyncpg.Pool) -> Backlog:
    """Return how much is not published yet, and since when."""
    row = await connection.fetchrow(_BACKLOG)
    return Backlog(row["depth"], row["oldest_seconds"])


class Hint:
    """Tells the relay that there is work: at once, then at most every 20 ms; never inside a command's transaction.

    ``NOTIFY`` inside the transaction takes a lock of the whole database at commit; from here it is one cheap
    statement of its own, and losing it costs only the relay's next poll.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Ask for a hint; returns at once. Call it after the commit."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def _send(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                await self._pool.execute(f"NOTIFY {WAKE_CHANNEL}")
            except SERVER_ERRORS:
                return  # a hint only: the relay polls anyway
            await asyncio.sleep(HINT_SECONDS)
