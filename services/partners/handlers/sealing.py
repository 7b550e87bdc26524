"""Secrets of webhooks at rest: wrapped as the registry wraps owners' keys, each bound to its own id."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.partners.store.webhooks import Wrapped
from shared.identifiers import new_id
from shared.sealing import KeyRing, new_key


class SecretBox:
    """Wraps and opens secrets. Of several keys the first wraps, and all open."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take keys as base64 of 32 bytes. Raises ``ValueError`` otherwise."""
        if not keys:
            raise ValueError("WEBHOOK_KEY holds no key")
        self.ring = KeyRing("\n".join(keys))

    def new(self, webhook_id: UUID) -> tuple[bytes, Wrapped]:
        """Return a fresh secret of 32 bytes, plain and as it is kept."""
        secret, secret_id = new_key(), new_id()
        return secret, Wrapped(secret_id, webhook_id, self.ring.wrap(secret_id, secret), self.ring.kek_id, None)

    def open(self, secret: Wrapped) -> bytes:
        """Return a secret. Raises ``UnreadableError`` if none of the keys wrapped it."""
        return self.ring.unwrap(secret.id, secret.wrapped)
