"""The hall of a batch and its door: a few at a time get ready beside one another, then one at a time move the seats.

A courtesy, not a rule: the database lets nobody past the lock of a batch either. But there a waiting client holds a
connection that others need, and a lock that passes from one connection to the next costs more than the work it guards.
So most wait before the hall, without a connection; who is in the hall has one, and begins, claims the key, holds the owner
and looks at the history while somebody else is inside.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

PATIENCE_SECONDS = 5.0
"""A server that hangs must not make a queue of everybody, each of whom would wait for the whole of it in turn."""
HALL = 4
"""How many are in the hall of a batch, with whoever is inside. Each holds a connection of the pool."""


@dataclass(slots=True)
class _Door:
    hall: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(HALL))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    guests: int = 0


class Guest:
    """Somebody in the hall of a batch."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock
        self._inside = False

    async def enter(self) -> None:
        """Wait for one's turn, in the order of asking; who has waited too long goes in, and waits in the database.

        Asked again, nothing changes.
        """
        if not self._inside:
            self._inside = await _opened(self._lock)

    def leave(self) -> None:
        """Give the turn on, if one has it; who leaves the hall has given it on."""
        if self._inside:
            self._inside = False
            self._lock.release()


class Turnstile:
    """The halls and doors of one process."""

    def __init__(self) -> None:
        self._doors: dict[UUID, _Door] = {}

    @asynccontextmanager
    async def hall(self, batch_id: UUID) -> AsyncIterator[Guest]:
        """Wait for room in the hall, in the order of coming; at the end give room and turn on.

        A door that nobody wants is forgotten.
        """
        door = self._doors.setdefault(batch_id, _Door())
        door.guests += 1
        guest, room = Guest(door.lock), False
        try:
            room = await _opened(door.hall)
            yield guest
        finally:
            guest.leave()
            if room:
                door.hall.release()
            door.guests -= 1
            if not door.guests:
                del self._doors[batch_id]


async def _opened(lock: asyncio.Lock | asyncio.Semaphore) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await lock.acquire()
    except TimeoutError:
        return False
