"""Attempts, and what providers told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.messages import State
from services.notifications.domain.receipts import AttemptState, Receipt, below
from services.notifications.store.facts import SQL
from shared.database import Connection, Pool, load_queries

QUERIES = load_queries(SQL / "receipts.sql")
ROWS = 1_000
"""What one statement of the keeping forgets at most."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """The message of an attempt, locked."""

    state: State
    channel: str | None
    current_attempt: UUID | None
    failed_channels: tuple[str, ...]
    chosen: str | None
    """The channel that its recipient chose, as it stands now."""


async def lock_provider_key(connection: Connection, channel: str, provider_key: str) -> None:
    """Let nobody else match receipts of this message of a provider until the transaction ends; before any other lock."""
    await connection.execute(QUERIES.lock_provider_key, channel, provider_key)


async def find_attempt(connection: Connection, receipt: Receipt) -> tuple[UUID, UUID] | None:
    """Return attempt and message that a receipt speaks of; ``None`` if nothing is known of them."""
    row = await connection.fetchrow(QUERIES.find_attempt, receipt.channel, receipt.reference, receipt.provider_key)
    return None if row is None else (row["id"], row["message_id"])


async def keep(connection: Connection, receipt: Receipt, attempt_id: UUID | None, now: datetime) -> None:
    """Store a receipt; one that is there stays as it is, but for the attempt that it was found to speak of."""
    told = (receipt.channel, receipt.provider_key, receipt.state.value, receipt.reason, receipt.told_at)
    await connection.execute(QUERIES.keep_receipt, *told, now, attempt_id)


async def take_kept(connection: Connection, channel: str, provider_key: str, attempt_id: UUID) -> list[Receipt]:
    """Return what was told before it was known to speak of this attempt."""
    rows = await connection.fetch(QUERIES.take_kept, channel, provider_key, attempt_id)
    return [
        Receipt(channel, provider_key, attempt_id, AttemptState(row["state"]), row["reason"], row["told_at"])
        for row in rows
    ]


async def lock_message(connection: Connection, message_id: UUID) -> Told:
    """Lock the message of an attempt and return how it stands."""
    row = await connection.fetchrow(QUERIES.lock_told_message, message_id)
    return Told(
        State(row["state"]), row["channel"], row["current_attempt"], tuple(row["failed_channels"]), row["chosen"]
    )


async def advance(connection: Connection, attempt_id: UUID, receipt: Receipt, now: datetime) -> bool:
    """Move an attempt forward; ``False``: it was as far already."""
    told = (receipt.state.value, receipt.reason, receipt.provider_key, now, below(receipt.state))
    return bool(await connection.fetchval(QUERIES.advance_attempt, attempt_id, *told))


async def move(
    connection: Connection, message_id: UUID, state: State, reason: str | None, now: datetime, actor: str
) -> None:
    """Write what a receipt makes of a message."""
    await connection.execute(QUERIES.move_told_message, message_id, state.value, reason, now, actor)


async def fall_back(
    connection: Connection, message_id: UUID, channel: str, reason: str, now: datetime, actor: str
) -> None:
    """Let a message that failed on its channel go on by another."""
    await connection.execute(QUERIES.fall_back, message_id, channel, reason, now, actor)


async def list_attempts(source: Pool | Connection, message_id: UUID) -> Sequence[Row]:
    """Return every hand-over of a message, in order."""
    rows: Sequence[Row] = await source.fetch(QUERIES.list_attempts, message_id)
    return rows


async def forget_unmatched(pool: Pool, before: datetime) -> int:
    """Delete up to ``ROWS`` receipts that nothing was found for; how many."""
    return len(await pool.fetch(QUERIES.forget_unmatched, before, ROWS))


async def forget_sealed_reasons(pool: Pool, before: datetime) -> int:
    """Let go of up to ``ROWS`` sealed reasons of messages that went out long ago; how many."""
    return len(await pool.fetch(QUERIES.forget_sealed_reasons, before, ROWS))
