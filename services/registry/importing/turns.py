"""The order of chunks, over all imports of one worker: each is made ready while those before it are written, and written after them.

A chunk relies on what those before it leave that are not stored yet. If one of them had to be planned again, so has this one.
"""

from __future__ import annotations

import asyncio

from services.registry.importing.recent import Recent

DEPTH = 3
"""Chunks that one may rely on; the one before these is stored."""


class Turn:
    """The turn of one chunk, after that of another."""

    def __init__(self, before: Turn | None) -> None:
        loop = asyncio.get_running_loop()
        self._before = before
        self._relied: list[Turn] = []
        self._ready: asyncio.Future[Recent | None] = loop.create_future()
        self._written: asyncio.Future[bool] = loop.create_future()

    async def ground(self) -> list[Recent]:
        """Return what the chunks before leave that may not be stored yet, the earliest first, once it can be relied on."""
        while True:
            found: list[tuple[Turn, Recent]] = []
            turn = self._before
            while turn is not None and not turn._written.done():
                recent = await asyncio.shield(turn._ready)
                if recent is None or turn._falls or len(found) == DEPTH:
                    await asyncio.shield(turn._written)
                    break
                found.append((turn, recent))
                turn = turn._before
            self._relied = [turn for turn, _ in reversed(found)]
            if not self._falls:
                return [recent for _, recent in reversed(found)]

    @property
    def _falls(self) -> bool:
        """Whether this chunk has to be planned again, as far as is known."""
        return any(turn._falls or (turn._written.done() and not turn._written.result()) for turn in self._relied)

    def made_ready(self, recent: Recent | None) -> None:
        """Tell what this chunk leaves; ``None``: it could not be made ready."""
        if not self._ready.done():
            self._ready.set_result(recent)

    async def stands(self) -> bool:
        """Wait for the chunks before, and tell whether this one can be written as it was made ready."""
        if self._before is not None:
            await asyncio.shield(self._before._written)
        return not self._falls

    def written(self, *, as_made_ready: bool) -> None:
        """Tell that this chunk is stored, and whether in the form in which it was made ready; or given up, if it is not."""
        self.made_ready(None)
        if not self._written.done():
            self._written.set_result(as_made_ready)
        self._before, self._relied = None, []  # or all chunks of a file would stay in memory

    def give_up(self) -> None:
        """Let the next chunk go on, upon what is stored."""
        self.written(as_made_ready=False)


class Turns:
    """Gives turns, one after the other."""

    def __init__(self) -> None:
        self._last: Turn | None = None

    def take(self) -> Turn:
        """Return the next turn."""
        self._last = Turn(self._last)
        return self._last
