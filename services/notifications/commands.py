"""What an operator or the office may ask of this service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

CHANNELS = ("email", "console")
"""The ways out that this service has. An owner may have chosen another one; then nobody is told, and the row says so."""


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
