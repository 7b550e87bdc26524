"""An operator's deeds on parked events: each has one effect and one row in the trail, however often it is asked for.

All run inside one transaction, the caller's or their own, and lock what they change before they judge it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from shared.masking import mask_text
from shared.parked import queue
from shared.parked.reading import ParkedRow, find_parked
from shared.parked.refusals import (
    AlreadyAskedError,
    AlreadyDiscardedError,
    AlreadyRedrivenError,
    NothingToRedriveError,
    PersonalReasonError,
    WaitsForAnotherError,
)
from shared.refusals import DeedRefusedError, NotFoundError
from shared.trail import Deed, append, last_on

REDRIVE, DISCARD = "redrive", "discard"
EVERYTHING = "parked"
WHAT = "Peristiwa terparkir"
DISCARDABLE = frozenset({"poison", "unreadable"})
"""The others only wait for one of these, or for an event that has not come."""


@dataclass(frozen=True, slots=True)
class Order:
    """Who orders, by which way (``api``, ``cli``), and why."""

    actor: str
    way: str
    reason: str


async def redrive_one(connection: asyncpg.Connection, consumer: str, parked_id: int, order: Order) -> int:
    """Ask for an event to be tried again with all that is parked of its aggregate; return how many that are.

    Raises ``NotFoundError``, ``AlreadyAskedError``, ``AlreadyRedrivenError``, ``AlreadyDiscardedError``, ``PersonalReasonError``.
    """
    _check(order)
    async with connection.transaction():
        row = await _held(connection, consumer, parked_id)
        whole = None if row.aggregate_id is not None else parked_id
        count = await queue.ask_new(connection, consumer, row.aggregate_id, whole)
        await _write(connection, REDRIVE, parked_id, order, _details(consumer, row) | {"count": count})
    return count


async def redrive_all(
    connection: asyncpg.Connection, consumer: str, order: Order, aggregate_id: UUID | None = None
) -> int:
    """Ask for everything that nobody has asked for yet, of one aggregate or of all; return how many events that are.

    Raises ``NothingToRedriveError``, ``PersonalReasonError``.
    """
    _check(order)
    async with connection.transaction():
        count = await queue.ask_new(connection, consumer, aggregate_id)
        if count == 0:
            raise NothingToRedriveError
        of = None if aggregate_id is None else str(aggregate_id)
        details = {"consumer": consumer, "count": count, "aggregate_id": of}
        await append(connection, Deed(order.actor, order.way, REDRIVE, EVERYTHING, order.reason, details))
    return count


async def discard_one(connection: asyncpg.Connection, consumer: str, parked_id: int, order: Order) -> int:
    """Give an event up for good; its aggregate goes on behind it. Return 1.

    Raises ``NotFoundError``, ``AlreadyRedrivenError``, ``AlreadyDiscardedError``, ``WaitsForAnotherError``, ``PersonalReasonError``.
    """
    _check(order)
    async with connection.transaction():
        row = await find_parked(connection, consumer, parked_id)
        if row is not None and row.kind not in DISCARDABLE:
            raise WaitsForAnotherError(parked_id, row.kind)
        if row is None or not await queue.discard(connection, consumer, parked_id, order.reason):
            raise await _gone(connection, parked_id)
        await _write(connection, DISCARD, parked_id, order, _details(consumer, row))
    return 1


async def _held(connection: asyncpg.Connection, consumer: str, parked_id: int) -> ParkedRow:
    """Return a parked row that nobody has asked for yet, locked. Raises why nothing may be done to it."""
    row = await find_parked(connection, consumer, parked_id)
    if row is None or not await queue.hold(connection, consumer, parked_id, row.aggregate_id):
        raise await _gone(connection, parked_id)
    row = await find_parked(connection, consumer, parked_id) or row  # as it is now that nobody else changes it
    if row.redrive_requested_at is not None:
        raise AlreadyAskedError(parked_id, row.redrive_requested_at)
    return row


async def _gone(connection: asyncpg.Connection, parked_id: int) -> DeedRefusedError:
    """Return what became of an event that is parked no more, as the trail tells it."""
    last = await last_on(connection, _name(parked_id))
    if last is None:
        return NotFoundError(WHAT, parked_id)
    if last.deed == DISCARD:
        return AlreadyDiscardedError(parked_id, last.actor, last.at, last.reason)
    return AlreadyRedrivenError(parked_id, last.actor, last.at)


def _check(order: Order) -> None:
    if mask_text(order.reason) != order.reason:
        raise PersonalReasonError


def _name(parked_id: int) -> str:
    return f"parked/{parked_id}"


def _details(consumer: str, row: ParkedRow) -> dict[str, object]:
    return {
        "consumer": consumer,
        "topic": row.topic,
        "partition": row.partition,
        "offset": row.offset,
        "aggregate_id": None if row.aggregate_id is None else str(row.aggregate_id),
        "sequence": row.sequence,
        "type": row.type,
        "kind": row.kind,
    }


async def _write(
    connection: asyncpg.Connection, deed: str, parked_id: int, order: Order, details: Mapping[str, object]
) -> None:
    await append(connection, Deed(order.actor, order.way, deed, _name(parked_id), order.reason, details))
