"""What an operator or the office may ask of this service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ResendMessage:
    """Send once more what failed, or what may have arrived or not."""

    message_id: UUID
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class SetOfficer:
    """Note where an officer's digests go, and in which language."""

    sub: str
    address: str
    language: Literal["id", "en"]
    actor: str
