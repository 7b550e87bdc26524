"""What a provider tells of an attempt after it took the message, in any order and any number of times. Pure.

An attempt is one hand-over of a message to a channel. What is told of it is a set that grows: its state is the furthest
that anybody told, so the order of telling is of no matter, and telling twice changes nothing. *Failed* stands before
*delivered*: what arrived on one device and failed on another has arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from services.notifications.domain.messages import MOVES, State

KEY_DIGITS = 32


class AttemptState(StrEnum):
    """How far an attempt is known to have come; a later member is further."""

    HANDED_OVER = "handed_over"  # it goes out, or went out
    UNKNOWN = "unknown"  # no answer came, or nobody was there to hear it
    REFUSED = "refused"  # the provider said that it did not take it
    ACCEPTED = "accepted"  # the provider took it
    SENT = "sent"  # it left the provider
    FAILED = "failed"  # the provider says that it will not arrive
    DELIVERED = "delivered"
    READ = "read"


_ORDER = list(AttemptState)
TOLD = frozenset(_ORDER[_ORDER.index(AttemptState.ACCEPTED) :])
"""What a receipt may say."""
_MEANS: Mapping[AttemptState, State] = {
    AttemptState.ACCEPTED: State.SENT,
    AttemptState.SENT: State.SENT,
    AttemptState.FAILED: State.FAILED,
    AttemptState.DELIVERED: State.DELIVERED,
    AttemptState.READ: State.READ,
}
ARRIVED = frozenset({State.DELIVERED, State.READ})


def further(first: AttemptState, second: AttemptState) -> AttemptState:
    """Return the further one of two."""
    return max(first, second, key=_ORDER.index)


def below(state: AttemptState) -> list[str]:
    """Return the states from which an attempt moves on to ``state``."""
    return [earlier.value for earlier in _ORDER[: _ORDER.index(state)]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider told of one message. Nothing personal: not whom it was for."""

    channel: str
    provider_key: str
    """``key_of`` the provider's id."""
    reference: UUID | None
    """The attempt, where the provider repeats what we gave it."""
    state: AttemptState
    reason: str | None
    """A code, never a text of the provider."""
    told_at: datetime
    """The provider's time."""


def key_of(channel: str, provider_id: str) -> str:
    """Return what stands for a provider's id with us: 128 bits of SHA-256 as 32 hex digits.

    The id itself is not kept: one of WhatsApp (``wamid…``) holds the recipient's number in base64.
    """
    return sha256(f"{channel}|{provider_id}".encode()).hexdigest()[:KEY_DIGITS]


def message_after(state: State, told: AttemptState, *, current: bool) -> State | None:
    """Return what becomes of a message of which an attempt was told; ``None``: it stays as it is.

    ``current``: it is the message's last attempt. Of an earlier one only an arrival counts, and then nothing more goes out.
    """
    target = _MEANS.get(told)
    if target is None or target not in MOVES[state]:
        return None
    return target if current or target in ARRIVED else None
