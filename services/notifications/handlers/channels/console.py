"""The console: for a developer's machine. It shows names, so it runs only where it is named."""

from __future__ import annotations

from typing import TextIO
from uuid import UUID

from services.notifications.handlers.channels.port import Delivery, HandOver, Parcel, Result


class ConsoleChannel:
    """Writes messages to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def deliver(self, parcel: Parcel, attempt: UUID, hand_over: HandOver) -> Delivery:
        """Write one message."""
        if not await hand_over():
            return Delivery(Result.NOT_OURS)
        self._stream.write(f"--- {parcel.address}: {parcel.subject}\n{parcel.text}\n")
        self._stream.flush()
        return Delivery(Result.SENT)

    async def close(self) -> None:
        """Nothing is held."""
