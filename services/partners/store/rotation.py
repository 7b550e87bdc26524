"""Secrets of webhooks, and by which keys they are wrapped."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.partners.store import webhook_queries
from shared.database import Connection, Pool


async def key_uses(pool: Pool) -> dict[str, int]:
    """Return how many secrets each key wraps, by ``kek_id``."""
    return {row["kek_id"]: row["uses"] for row in await pool.fetch(webhook_queries().secret_uses)}


async def lock_old_secrets(
    connection: Connection, after: UUID, kek_ids: Sequence[str], limit: int
) -> list[tuple[UUID, bytes]]:
    """Lock the next secrets that these keys wrap, and return them in the order of their ids."""
    rows = await connection.fetch(webhook_queries().lock_old_secrets, after, list(kek_ids), limit)
    return [(row["id"], row["wrapped"]) for row in rows]


async def rewrap_secrets(connection: Connection, secrets: Sequence[tuple[UUID, bytes]], kek_id: str) -> None:
    """Store secrets as they are wrapped now."""
    ids, wrapped = [name for name, _ in secrets], [text for _, text in secrets]
    await connection.execute(webhook_queries().rewrap_secrets, ids, wrapped, kek_id)
