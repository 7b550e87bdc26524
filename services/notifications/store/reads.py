"""Answers for the API: ids, states and codes, nothing personal of an owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.store.facts import QUERIES
from shared.database import Connection, Pool

Row = Mapping[str, Any]


async def list_messages(
    pool: Pool, state: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """Return messages, newest first, after a place in the list."""
    moment, message_id = after or (None, None)
    rows: Sequence[Row] = await pool.fetch(QUERIES.list_messages, state, moment, message_id, limit)
    return rows


async def get_message(source: Pool | Connection, message_id: UUID) -> Row | None:
    """Return one message."""
    row: Row | None = await source.fetchrow(QUERIES.get_message, message_id)
    return row


async def list_steps(source: Pool | Connection, message_id: UUID) -> Sequence[Row]:
    """Return what happened to one message, in order."""
    rows: Sequence[Row] = await source.fetch(QUERIES.list_steps, message_id)
    return rows


async def count_messages(pool: Pool) -> dict[str, int]:
    """Return how many messages stand how."""
    return {row["state"]: row["messages"] for row in await pool.fetch(QUERIES.count_messages)}


async def get_recipient(pool: Pool, owner_id: UUID) -> Row | None:
    """Return how one owner wants to be told."""
    row: Row | None = await pool.fetchrow(QUERIES.load_recipients, [owner_id])
    return row


async def get_officer(pool: Pool, sub: str) -> Row | None:
    """Return one officer's address and language."""
    row: Row | None = await pool.fetchrow(QUERIES.load_officers, [sub])
    return row


async def save_officer(pool: Pool, sub: str, address: str, language: str, actor: str) -> None:
    """Note where an officer's digests go."""
    await pool.execute(QUERIES.save_officer, sub, address, language, actor)
