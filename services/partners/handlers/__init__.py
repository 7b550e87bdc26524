"""One async function per command: load and lock, rule, save and outbox, inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

SOURCE = "/partners"


@dataclass(frozen=True, slots=True)
class Saved:
    """What a command came to: what it changed, and its version after it."""

    id: UUID
    version: int
