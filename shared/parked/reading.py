"""Reading what is parked, by number. The content comes out masked only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.contracts import CONTRACTS
from shared.parked.showing import Shown, shown

_COLUMNS = 'id, topic, partition, "offset", aggregate_id, sequence, type, kind, reason, attempts, parked_at, redrive_requested_at'
_LIST = f"SELECT {_COLUMNS} FROM parked_event WHERE consumer = $1 AND id > $2 ORDER BY id LIMIT $3"  # noqa: S608 - constants
_ONE = f"SELECT {_COLUMNS} FROM parked_event WHERE consumer = $1 AND id = $2"  # noqa: S608
_VALUE = "SELECT value FROM parked_event WHERE consumer = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """One parked event without its content. A redrive that fails again parks it anew, under another ``id``."""

    id: int
    topic: str
    partition: int
    offset: int
    aggregate_id: UUID | None
    """``None``: the record does not tell whose it is."""
    sequence: int | None
    type: str | None
    """``None`` also for a type without a contract: what it calls itself may be anything."""
    kind: str
    """``poison``, ``gap``, ``behind`` or ``unreadable``."""
    reason: str
    attempts: int
    parked_at: datetime
    redrive_requested_at: datetime | None


async def list_parked(
    connection: asyncpg.Connection | asyncpg.Pool, consumer: str, after: int, limit: int
) -> list[ParkedRow]:
    """Return rows beyond an id, the oldest first."""
    return [_row(row) for row in await connection.fetch(_LIST, consumer, after, limit)]


async def find_parked(connection: asyncpg.Connection | asyncpg.Pool, consumer: str, parked_id: int) -> ParkedRow | None:
    """Return one row, if it is parked."""
    row = await connection.fetchrow(_ONE, consumer, parked_id)
    return None if row is None else _row(row)


async def open_parked(
    connection: asyncpg.Connection | asyncpg.Pool, consumer: str, parked_id: int
) -> tuple[ParkedRow, Shown] | None:
    """Return one row, and of its content what nobody's privacy keeps back."""
    row = await find_parked(connection, consumer, parked_id)
    if row is None:
        return None
    return row, shown(await connection.fetchval(_VALUE, consumer, parked_id), row.type)


def _row(row: asyncpg.Record) -> ParkedRow:
    values = dict(row)
    return ParkedRow(**values | {"type": values["type"] if values["type"] in CONTRACTS else None})
