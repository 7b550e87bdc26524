"""A channel on which something happens while a message is with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from services.notifications.handlers.channels import Delivery, HandOver, Parcel, Result


class Slow:
    """``before`` happens before a message of this subject is handed over, ``after`` when it has been; then another try is asked for."""

    def __init__(
        self, subject: str, before: Callable[[], Awaitable[None]], after: Callable[[], Awaitable[None]]
    ) -> None:
        self.subject = subject
        self.before, self.after = before, after
        self.bodies: list[str] = []

    async def deliver(self, parcel: Parcel, attempt: UUID, hand_over: HandOver) -> Delivery:
        """Take a message; one of the subject, only to ask for another try."""
        meant = parcel.subject.startswith(self.subject)
        if meant:
            await self.before()
        if not await hand_over():
            return Delivery(Result.NOT_OURS)
        if not meant:
            return Delivery(Result.SENT)
        self.bodies.append(parcel.text)
        await self.after()
        return Delivery(Result.RETRY, "busy")

    async def close(self) -> None:
        """Nothing is held."""


async def nothing() -> None:
    """Nothing happens."""
