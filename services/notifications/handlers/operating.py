"""What an operator and the office do by hand: look, send again, keep the address book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.commands import ResendMessage, SetOfficer
from services.notifications.domain.messages import (
    RESENDABLE,
    NotResendableError,
    UnknownMessageError,
)
from services.notifications.domain.text import one_line
from services.notifications.store import messages, reads
from shared.database import Connection, Pool

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, newest first; ``next_place`` is where the next page begins, ``None`` at the end."""

    rows: Sequence[Row]
    next_place: tuple[datetime, UUID] | None


async def list_messages(pool: Pool, state: str | None, after: tuple[datetime, UUID] | None, limit: int) -> Page:
    """Return up to ``limit`` messages after a place in the list."""
    rows = await reads.list_messages(pool, state, after, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, (rows[-1]["created_at"], rows[-1]["id"]) if more else None)


async def show_message(source: Pool | Connection, message_id: UUID) -> tuple[Row, Sequence[Row]]:
    """Return one message and its steps. Raises ``UnknownMessageError``."""
    row = await reads.get_message(source, message_id)
    if row is None:
        raise UnknownMessageError(message_id)
    return row, await reads.list_steps(source, message_id)


async def resend_message(connection: Connection, command: ResendMessage) -> None:
    """Queue a message again that failed, or of which it is unknown whether it arrived; inside the caller's transaction.

    Raises ``UnknownMessageError``, ``NotResendableError``.
    """
    state = await messages.lock_state(connection, command.message_id)
    if state is None:
        raise UnknownMessageError(command.message_id)
    if state not in RESENDABLE:
        raise NotResendableError(command.message_id, state)
    now = await messages.read_clock(connection)
    await messages.requeue(connection, command.message_id, now, one_line(command.reason, 200), command.actor)


async def set_officer(pool: Pool, command: SetOfficer) -> None:
    """Note where an officer's digests go."""
    await reads.save_officer(pool, command.sub, command.address, command.language, command.actor)


async def show_officer(pool: Pool, sub: str) -> Row | None:
    """Return an officer's address and language."""
    return await reads.get_officer(pool, sub)


async def show_recipient(pool: Pool, owner_id: UUID) -> Row | None:
    """Return how an owner wants to be told."""
    return await reads.get_recipient(pool, owner_id)


async def count_messages(pool: Pool) -> dict[str, int]:
    """Return how many messages stand how."""
    return await reads.count_messages(pool)
