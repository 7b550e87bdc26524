"""What is wrapped under a key-encryption key, wrapped under another: what a batch of it comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.database import Connection
from shared.sealing import KeyRing

Rows = Sequence[tuple[UUID, bytes]]
"""By id, what is wrapped."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a batch came to."""

    rewrapped: int
    unreadable: int
    """Rows that no key of the settings opens, though one of them is named there: they are left as they are."""
    next: UUID | None
    """Where the next batch begins; ``None``: there is no more."""


async def rewrap_next(
    connection: Connection,
    ring: KeyRing,
    after: UUID,
    limit: int,
    lock: Callable[[Connection, UUID, Sequence[str], int], Awaitable[Rows]],
    store: Callable[[Connection, Rows, str], Awaitable[None]],
) -> Step:
    """Wrap the next rows under the first key of the settings, inside of the caller's transaction.

    ``lock`` locks and returns the rows after an id that these keys wrap, ``store`` writes them as this key wraps them now.
    """
    found = await lock(connection, after, ring.kek_ids[1:], limit)
    fresh = ring.rewrap_all(found)
    if fresh:
        await store(connection, fresh, ring.kek_id)
    return Step(len(fresh), len(found) - len(fresh), found[-1][0] if found else None)
