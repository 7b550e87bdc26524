"""Owners' keys under another key-encryption key, while everything runs; and the marks of erased persons under all keys (decision 49)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.registry.store import rotation as store
from shared.database import Connection
from shared.rewrapping import Step, rewrap_next
from shared.sealing import KeyRing

key_uses = store.key_uses
"""Return how many rows need each key, by ``kek_id``."""


async def marks_of(connection: Connection, ring: KeyRing, persons: Iterable[str]) -> dict[bytes, str]:
    """Return the marks that erased persons may have, under the keys of now and all before them, and whose each is."""
    await _know_marking_keys(connection, ring)
    return {mark: person for person in persons for mark in ring.marks(person)}


async def rewrap(connection: Connection, ring: KeyRing, after: UUID, limit: int) -> Step:
    """Wrap the next keys under the first key of the settings, inside of the caller's transaction; with them what makes old marks.

    A key that was destroyed is not there to be wrapped: its row is passed over, also if that happens at this moment.
    """
    if older := ring.marking_keys(await _know_marking_keys(connection, ring)):
        await store.keep_marking_keys(connection, older, ring.kek_id)
    return await rewrap_next(connection, ring, after, limit, store.lock_old_keys, store.rewrap_keys)


async def _know_marking_keys(connection: Connection, ring: KeyRing) -> set[str]:
    """Let the ring know what is stored of keys, and return of which."""
    stored = await store.marking_keys(connection)
    for kek_id, wrapped in stored:
        ring.learn_marking_key(kek_id, wrapped)
    return {kek_id for kek_id, _ in stored}
