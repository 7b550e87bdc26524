"""How a message stands, how it may move, and whether its recipient wants it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from services.notifications.domain.notices import RecipientKind
from services.notifications.domain.routes import Routes


class State(StrEnum):
    """Where a message is on its way."""

    WAITING = "waiting"  # its recipient is not known yet
    QUEUED = "queued"
    SENDING = "sending"  # a sender has it in hand
    SENT = "sent"  # the other side took it
    DELIVERED = "delivered"  # the other side says it arrived
    READ = "read"  # the other side says it was opened
    FAILED = "failed"
    UNKNOWN = "unknown"  # it was handed over, and no answer came: it may have arrived or not
    SUPPRESSED = "suppressed"  # nobody is told: no consent, no address, no channel, erased


_ARRIVED = frozenset({State.DELIVERED, State.READ})
MOVES: dict[State, frozenset[State]] = {
    State.WAITING: frozenset({State.QUEUED, State.SUPPRESSED}),
    # A receipt may come of an earlier try that was taken for refused: then it is not sent again.
    State.QUEUED: frozenset({State.SENDING, State.SUPPRESSED, State.SENT, State.FAILED, *_ARRIVED}),
    State.SENDING: frozenset({State.QUEUED, State.SENT, State.FAILED, State.UNKNOWN, State.SUPPRESSED, *_ARRIVED}),
    # A late answer may still tell what became of it. Sending it again is an operator's decision.
    State.UNKNOWN: frozenset({State.SENT, State.FAILED, State.QUEUED, *_ARRIVED}),
    State.SENT: frozenset({State.FAILED, *_ARRIVED}),
    State.FAILED: frozenset({State.QUEUED, *_ARRIVED}),
    State.DELIVERED: frozenset({State.READ}),
    State.READ: frozenset(),
    State.SUPPRESSED: frozenset(),
}
"""State to what it may become: receipts only move forward."""

RESENDABLE = frozenset({State.FAILED, State.UNKNOWN})


def sources_of(target: State) -> list[str]:
    """Return the states from which a message may become ``target``."""
    return [state.value for state, targets in MOVES.items() if target in targets]


class Priority(IntEnum):
    """Who goes first. An announcement never goes before a message that somebody waits for."""

    AWAITED = 0
    BULK = 1


class Suppression(StrEnum):
    """Why nobody is told."""

    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"  # of the topic of an announcement or a reminder
    NO_CHANNEL = "no_channel"
    CHANNEL_UNAVAILABLE = "channel_unavailable"
    NO_ADDRESS = "no_address"
    ERASED = "erased"
    ANNOUNCEMENT_CANCELLED = "announcement_cancelled"
    REMINDER_VOID = "reminder_void"  # the session moved, or they do not come any more
    IN_DIGEST = "in_digest"  # not by itself: the owner's next digest tells it
    TOO_LATE = "too_late"  # what it reminds of has begun, or what it offers is over


@dataclass(frozen=True, slots=True)
class Recipient:
    """An owner as far as the way to tell them goes. ``personal`` is sealed."""

    owner_id: UUID
    personal: str | None
    language: str
    channel: str | None
    consent: bool
    erased: bool
    opted_out: Collection[str] = ()
    """Topics of announcements that the owner stopped."""
    digest: str | None = None
    """``harian`` or ``mingguan``: what can wait comes together."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message whose recipient is known."""

    state: State
    reason: str | None
    language: str | None
    channel: str | None


def decide(recipient: Recipient, routes: Routes, topic: str | None = None) -> Decision:
    """Decide whether, and by which channel, an owner is told: the one that they chose or, where it is not run, its stand-in.

    ``topic`` is that of an announcement, or of a reminder that is stopped together with it. The database's function
    ``suppression_of`` says the same of a whole audience, with the choices that are told by some channel.
    """
    channel = routes.next_channel(recipient.channel, ())
    suppression: Suppression | None = None
    if recipient.erased:
        suppression = Suppression.ERASED
    elif not recipient.consent:
        suppression = Suppression.NO_CONSENT
    elif topic is not None and topic in recipient.opted_out:
        suppression = Suppression.OPTED_OUT
    elif recipient.channel is None:
        suppression = Suppression.NO_CHANNEL
    elif channel is None:
        suppression = Suppression.CHANNEL_UNAVAILABLE
    if suppression is not None:
        return Decision(State.SUPPRESSED, suppression, recipient.language, recipient.channel)
    return Decision(State.QUEUED, None, recipient.language, channel)


OFFICER_CHANNELS = ("email", "console")
"""Officers have a work address and no number with us."""


def decide_for_officer(routes: Routes) -> Decision:
    """Decide how an officer is told: by e-mail, or by the console where that is the only channel."""
    channel = next((name for name in OFFICER_CHANNELS if name in routes.available), None)
    if channel is None:
        return Decision(State.SUPPRESSED, Suppression.NO_CHANNEL, "id", None)
    return Decision(State.QUEUED, None, "id", channel)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that a sender has in hand."""

    id: UUID
    event_id: UUID
    """The event that it tells, or the announcement."""
    template: str
    recipient_kind: RecipientKind
    recipient_id: str
    business_id: UUID | None
    channel: str
    params: dict[str, Any]
    sealed_reason: str | None
    attempt: int
    """Counts this try; the claim holds as long as it is the newest."""
    occurred_at: datetime
    failed_channels: Collection[str] = ()
    """Channels that have failed for good for this message."""
    traceparent: str | None = None
    """The span under which sending it is told, if somebody follows the fact."""


class NotResendableError(ValueError):
    """A message that did not fail, or was suppressed, is not sent again."""

    def __init__(self, message_id: UUID, state: str) -> None:
        super().__init__(f"message {message_id} is {state}")
        self.message_id = message_id
        self.state = state


class UnknownMessageError(LookupError):
    """There is no such message."""
