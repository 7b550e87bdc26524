"""Holds an import back while the relay is behind it, so that live commands reach the broker in time.

What may wait to be published is a chunk or two of this worker's own; asking after one place in the outbox is cheap, counting
a backlog is not. Bounded: at most a second a chunk. And where a second brought nothing (Kafka is away), the import goes on
without braking for a while: what it appends waits in the outbox either way.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from services.registry.importing.store import queries
from services.registry.importing.writing import Mark
from shared.database import SERVER_ERRORS

CHUNKS_AHEAD = 2
"""Chunks that may wait to be published when another one is begun."""
LONGEST_SECONDS = 1.0
STEP_SECONDS = 0.01
FUTILE_SECONDS = 10.0


class Brake:
    """The brake of one worker, over all its imports."""

    def __init__(self) -> None:
        self._marks: deque[Mark] = deque(maxlen=CHUNKS_AHEAD)
        self._futile_until = 0.0

    def note(self, mark: Mark | None) -> None:
        """Take note of where the facts of a chunk that was committed end; ``None``: it had none."""
        if mark is not None:
            self._marks.append(mark)

    async def hold(self, pool: asyncpg.Pool, pause: Callable[[float], Awaitable[None]]) -> None:
        """Wait while the chunk before the last is not published, at most a second. Raises what ``pause`` raises."""
        started = time.monotonic()
        if started < self._futile_until or len(self._marks) < CHUNKS_AHEAD:
            return
        mark, published = self._marks[0], -1
        while time.monotonic() - started < LONGEST_SECONDS:
            with suppress(*SERVER_ERRORS):  # the chunk itself waits for the database
                if await pool.fetchval(queries().published_past, mark.xid, mark.last_id):
                    return
                if published < 0:
                    published = await pool.fetchval(queries().published)
            await pause(STEP_SECONDS)
        with suppress(*SERVER_ERRORS):
            if await pool.fetchval(queries().published) == published:
                self._futile_until = time.monotonic() + FUTILE_SECONDS
