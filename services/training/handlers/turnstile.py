"""One at a time through the door of a batch, in the order of coming; every batch has a door of its own.

A courtesy, not a rule: the database lets nobody past the lock of a batch either. But there a waiting client holds a
connection that others need, and a lock that passes from one connection to the next costs more than the work it guards.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

PATIENCE_SECONDS = 5.0
"""A server that hangs must not make a queue of everybody, each of whom would wait for the whole of it in turn."""


@dataclass(slots=True)
class _Door:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    guests: int = 0


class Turnstile:
    """The doors of one process."""

    def __init__(self) -> None:
        self._doors: dict[UUID, _Door] = {}

    @asynccontextmanager
    async def through(self, batch_id: UUID) -> AsyncIterator[None]:
        """Wait for one's turn, and give it on at the end; who has waited too long goes in, and waits in the database.

        A door that nobody wants is forgotten.
        """
        door = self._doors.setdefault(batch_id, _Door())
        door.guests += 1
        mine = False
        try:
            mine = await _opened(door.lock)
            yield
        finally:
            if mine:
                door.lock.release()
            door.guests -= 1
            if not door.guests:
                del self._doors[batch_id]


async def _opened(lock: asyncio.Lock) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await lock.acquire()
    except TimeoutError:
        return False
