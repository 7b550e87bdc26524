"""What is wrapped under key-encryption keys, and by which."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from services.registry.store import SQL
from shared.database import Connection, Pool, Queries, load_queries


@cache
def queries() -> Queries:
    """Return the named statements of the rotation of keys."""
    return load_queries(SQL / "queries_rotation.sql")


async def key_uses(pool: Pool) -> dict[str, int]:
    """Return how many rows need each key, by ``kek_id``."""
    return {row["kek_id"]: row["uses"] for row in await pool.fetch(queries().key_uses)}


async def lock_old_keys(
    connection: Connection, after: UUID, kek_ids: Sequence[str], limit: int
) -> list[tuple[UUID, bytes]]:
    """Lock the next owners' keys that these keys wrap, and return them in the order of their owners."""
    rows = await connection.fetch(queries().lock_old_keys, after, list(kek_ids), limit)
    return [(row["owner_id"], row["wrapped"]) for row in rows]


async def rewrap_keys(connection: Connection, keys: Sequence[tuple[UUID, bytes]], kek_id: str) -> None:
    """Store owners' keys as they are wrapped now."""
    owners, wrapped = [owner for owner, _ in keys], [text for _, text in keys]
    await connection.execute(queries().rewrap_keys, owners, wrapped, kek_id)


async def marking_keys(connection: Connection) -> list[tuple[str, bytes]]:
    """Return what makes the marks of older keys, by the ``kek_id`` that they were derived from, wrapped."""
    return [(row["id"], row["wrapped"]) for row in await connection.fetch(queries().marking_keys)]


async def keep_marking_keys(connection: Connection, keys: Sequence[tuple[str, bytes]], kek_id: str) -> None:
    """Store marking keys wrapped under a key; those that are already keep what they have."""
    await connection.execute(
        queries().keep_marking_keys, [name for name, _ in keys], [text for _, text in keys], kek_id
    )
