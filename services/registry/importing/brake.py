"""Holds an import back while the relay is far behind, so that live commands reach the broker in time.

Bounded: at most a second a chunk. And where a second brought nothing (Kafka is away), the import goes on without braking
for a while: what it appends waits in the outbox either way.
"""

from __future__ import annotations

import time
from contextlib import suppress

from services.registry.importing.store import queries
from services.registry.importing.workshop import Workshop
from shared.database import SERVER_ERRORS

DEEP_OUTBOX = 10_000
LONGEST_SECONDS = 1.0
STEP_SECONDS = 0.02
FUTILE_SECONDS = 10.0


class Brake:
    """The brake of one import."""

    def __init__(self) -> None:
        self._futile_until = 0.0

    async def hold(self, shop: Workshop) -> None:
        """Wait while more than 10,000 facts are not published, at most a second. Raises ``StoppedError``."""
        started = time.monotonic()
        if started < self._futile_until:
            return
        published = -1
        while time.monotonic() - started < LONGEST_SECONDS:
            with suppress(*SERVER_ERRORS):  # the chunk itself waits for the database
                if await shop.pool.fetchval(queries().outbox_ahead, DEEP_OUTBOX + 1) <= DEEP_OUTBOX:
                    return
                if published < 0:
                    published = await shop.pool.fetchval(queries().published)
            await shop.pause(STEP_SECONDS)
        with suppress(*SERVER_ERRORS):
            if await shop.pool.fetchval(queries().published) == published:
                self._futile_until = time.monotonic() + FUTILE_SECONDS
