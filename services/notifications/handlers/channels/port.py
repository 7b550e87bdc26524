"""The port behind which every channel stands.

A delivery that raises nothing says what became of it. The one moment that counts is ``hand_over``: before it nothing
has left, after it the other side may have the message even if no answer comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from enum import Enum
from typing import Protocol
from uuid import UUID

HandOver = Callable[[], Awaitable[bool]]
"""Notes that the body goes out now; ``False`` means: it is not ours any more, do not send."""


class Result(Enum):
    """What became of one delivery."""

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A result, with a reason that holds no address: servers love to repeat it in their answers."""

    result: Result
    reason: str | None = None
    provider_id: str | None = field(default=None, repr=False)
    """What the provider calls the message; its receipts name it. It may hold the recipient's number."""
    retry_after: timedelta | None = None
    """Not before this, where the provider says so of this message."""


class ChannelAwayError(ConnectionError):
    """The channel takes nothing from us now, whatever the message: wait, then try again.

    It has taken nothing of the message in hand either. ``retry_after`` is what the provider asks for, if it does.
    """

    def __init__(self, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message with what is personal in it opened: it lives in memory, from the opening of the seal to the answer."""

    address: str = field(repr=False)
    """An e-mail address, or a number as E.164."""
    language: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    link: str | None = field(default=None, repr=False)
    """Of an announcement: what stops its topic."""
    mail: EmailMessage | None = field(default=None, repr=False)
    """For the channel ``email`` alone."""


class Channel(Protocol):
    """A way out. One instance per sender, because it holds a connection."""

    async def deliver(self, parcel: Parcel, attempt: UUID, hand_over: HandOver) -> Delivery:
        """Deliver one message; ``attempt`` is our name for this try.

        Raises ``ChannelAwayError`` if the other side has taken nothing, and takes nothing now.
        """

    async def close(self) -> None:
        """Let the connection go."""
