"""Secrets of webhooks under another key, while they sign (decision 49)."""

from __future__ import annotations

from uuid import UUID

from services.partners.store import rotation as store
from shared.database import Connection
from shared.rewrapping import Step, rewrap_next
from shared.sealing import KeyRing

key_uses = store.key_uses
"""Return how many secrets each key wraps, by ``kek_id``."""


async def rewrap(connection: Connection, ring: KeyRing, after: UUID, limit: int) -> Step:
    """Wrap the next secrets under the first key of the settings, inside of the caller's transaction."""
    return await rewrap_next(connection, ring, after, limit, store.lock_old_secrets, store.rewrap_secrets)
