"""Messages kept for digests, the digests that tell them, and who wants them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.commands import ChooseDigest, Digest
from services.notifications.domain.messages import Claimed
from services.notifications.store.facts import SQL
from services.notifications.store.messages import claimed_of
from shared.database import Connection, Pool, load_queries

QUERIES = load_queries(SQL / "digest.sql")


async def hold(connection: Connection, message_ids: Sequence[UUID], now: datetime) -> None:
    """Keep messages that were decided so for their owner's next digest."""
    if message_ids:
        await connection.execute(QUERIES.hold_items, message_ids, now)


async def lock_making(connection: Connection) -> bool:
    """Tell whether nobody else makes digests until the transaction ends."""
    return bool(await connection.fetchval(QUERIES.lock_making))


async def owners_due(connection: Connection, every: Digest, due: datetime, after: UUID, limit: int) -> list[UUID]:
    """Return owners, in the order of their ids, who have something kept since before ``due``."""
    rows = await connection.fetch(QUERIES.find_owners_due, every.value, due, after, limit)
    return [row["owner_id"] for row in rows]


async def existing(connection: Connection, message_ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these messages are there."""
    return {row["id"] for row in await connection.fetch(QUERIES.find_messages, list(message_ids))}


async def give(connection: Connection, digests: Mapping[UUID, UUID], due: datetime) -> None:
    """Put what was kept for owners before ``due`` into their digests; ``digests`` is owner to digest."""
    await connection.execute(QUERIES.give_items, list(digests), list(digests.values()), due)


async def load_items(connection: Connection, digest_ids: Iterable[UUID]) -> dict[UUID, list[Claimed]]:
    """Return what digests tell, oldest first."""
    found: dict[UUID, list[Claimed]] = {}
    for row in await connection.fetch(QUERIES.load_items, list(digest_ids)):
        found.setdefault(row["digest_id"], []).append(claimed_of(row))
    return found


async def forget_told(pool: Pool) -> None:
    """Let go of the reasons that digests told."""
    await pool.execute(QUERIES.forget_told)


async def choose(pool: Pool, command: ChooseDigest, now: datetime) -> None:
    """Note how often an owner wants a digest."""
    if command.every is Digest.LANGSUNG:
        await pool.execute(QUERIES.choose_none, command.owner_id)
    else:
        await pool.execute(QUERIES.choose_digest, command.owner_id, command.every.value, command.actor, now)
