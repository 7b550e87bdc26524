"""The door of a batch: who waits there while others are inside goes in with all who wait, in the order of coming.

Who comes first goes in at once, alone. Those who come meanwhile queue, without a connection, and go in together when the
door opens again: in one transaction, so that they share its exchanges with the database, its lock and its write to disk. There
is no timer: nobody waits for company.

A courtesy, not a rule: the database lets nobody past the lock of a batch either, so several processes have a door each. Who
cannot go in with the others goes alone, and waits in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

import structlog

PATIENCE_SECONDS = 5.0
"""A server that hangs must not make a queue of everybody, each of whom would wait for the whole of it in turn."""
TOGETHER = 32
"""How many go in at once. More share little more, and all of them wait for the last one's rule."""

log = structlog.get_logger(__name__)

W = TypeVar("W")
R = TypeVar("R")
Together = Callable[[Sequence[W]], Awaitable[Sequence[R | None]]]
"""Does what several wish, all or nothing, and returns in their order what came of each; ``None``: to be done alone."""


@dataclass(slots=True, eq=False)
class _Guest(Generic[W, R]):
    wish: W
    marks: Collection[Hashable]
    together: Together[W, R]
    came: asyncio.Future[R | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, came: R | None) -> None:
        if not self.came.done():  # told before, or gone
            self.came.set_result(came)


@dataclass(slots=True)
class _Door(Generic[W, R]):
    queue: list[_Guest[W, R]] = field(default_factory=list)
    keeper: asyncio.Task[None] | None = None

    def next_group(self) -> list[_Guest[W, R]]:
        """Take the head of the queue; who bears a mark of somebody in the group stays for the next one."""
        group: list[_Guest[W, R]] = []
        marks: set[Hashable] = set()
        for guest in self.queue:
            if len(group) < TOGETHER and marks.isdisjoint(guest.marks):
                group.append(guest)
                marks.update(guest.marks)
        self.queue = [guest for guest in self.queue if guest not in group]
        return group

    async def answer(self, guest: _Guest[W, R]) -> R | None:
        """Wait for what comes of a wish; who has waited too long before the door goes alone."""
        done, _ = await asyncio.wait([guest.came], timeout=PATIENCE_SECONDS)
        if not done and guest in self.queue:
            self.queue.remove(guest)
            return None
        return await guest.came


class Turnstile(Generic[W, R]):
    """The doors of one process."""

    def __init__(self) -> None:
        self._doors: dict[UUID, _Door[W, R]] = {}

    @asynccontextmanager
    async def turn(
        self, batch_id: UUID, wish: W, marks: Collection[Hashable], together: Together[W, R]
    ) -> AsyncIterator[R | None]:
        """Queue at the door of a batch, and give what came of the wish; ``None``: nothing did, do it alone, inside the block.

        No two of a group have a mark in common. ``together`` does what the group wishes that this guest is the head of.
        """
        door = self._doors.setdefault(batch_id, _Door())
        guest = _Guest(wish, marks, together)
        door.queue.append(guest)
        if door.keeper is None:
            # A task of its own, in nobody's context: who goes away must not take the others' transaction with them.
            door.keeper = asyncio.create_task(self._keep(batch_id, door), context=Context())
        try:
            yield await door.answer(guest)
        finally:
            guest.gone.set()
            if guest in door.queue:
                door.queue.remove(guest)

    async def _keep(self, batch_id: UUID, door: _Door[W, R]) -> None:
        """Let group after group in; a door that nobody wants is forgotten."""
        while door.queue:
            group = door.next_group()
            inside = asyncio.ensure_future(group[0].together([guest.wish for guest in group]))
            await asyncio.wait([inside])
            error = None if inside.cancelled() else inside.exception()
            if error is None and not inside.cancelled():
                for guest, came in zip(group, inside.result(), strict=True):
                    guest.tell(came)
            else:
                log.warning("group_undone", batch=str(batch_id), size=len(group), error=type(error).__name__)
                await _one_by_one(group)
        del self._doors[batch_id]


async def _one_by_one(group: Sequence[_Guest[W, R]]) -> None:
    """Let the members of a group that failed try alone, in their order, so that whose fault it was fails alone."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for guest in group:
                guest.tell(None)
                await guest.gone.wait()
    except TimeoutError:
        for guest in group:
            guest.tell(None)
