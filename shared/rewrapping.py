"""What is wrapped under a key-encryption key, wrapped under another: what a batch of it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Step:
    """What a batch came to."""

    rewrapped: int
    unreadable: int
    """Rows that no key of the settings opens, though one of them is named there: they are left as they are."""
    next: UUID | None
    """Where the next batch begins; ``None``: there is no more."""
