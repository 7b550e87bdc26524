"""The chunks of one import, read ahead of being made ready, and made ready ahead of being written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from services.registry.importing.jobs import Job
from services.registry.importing.preparing import Ready, prepare
from services.registry.importing.rows import CheckedRow
from services.registry.importing.turns import Turn
from services.registry.importing.workshop import Workshop
from services.registry.importing.writing import StaleError
from shared.database import SERVER_ERRORS, is_infrastructure_error


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a file, and what they come to if they could be made ready."""

    rows: list[CheckedRow]
    turn: Turn
    ready: Ready | None


class Line:
    """The chunks of one file. ``all_read`` is set when the thread that reads is free for another one."""

    def __init__(
        self, shop: Workshop, job: Job, chunks: Iterator[list[CheckedRow]], all_read: asyncio.Event | None
    ) -> None:
        self._shop, self._job, self._chunks, self._all_read = shop, job, chunks, all_read
        self._turns: list[Turn] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> list[CheckedRow] | None:
        rows: list[CheckedRow] | None = await self._shop.read(next, self._chunks, None)
        if rows is None and self._all_read is not None:
            self._all_read.set()
        return rows

    async def following(self) -> Chunk | None:
        """Return the next chunk that has rows to be applied, or nothing after the last."""
        while (rows := await asyncio.shield(self._reading)) is not None:
            left = [row for row in rows if row.number > self._job.last_number]
            turn = self._take_turn() if left else None  # before the next file can be begun
            self._reading = asyncio.create_task(self._read())
            if turn is not None:
                return await self._made_ready(left, turn)
        return None

    def _take_turn(self) -> Turn:
        turn = self._shop.turns.take()
        self._turns = [*self._turns[-2:], turn]  # no more are under way
        return turn

    async def _made_ready(self, rows: list[CheckedRow], turn: Turn) -> Chunk:
        try:
            ready = await prepare(self._shop, self._job, rows, await turn.ground())
        except StaleError:
            ready = None  # somebody was erased meanwhile: it is planned again when it is written
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
            ready = None  # whoever writes it waits for the database
        turn.made_ready(None if ready is None else ready.recent)
        return Chunk(rows, turn, ready)

    async def close(self) -> None:
        """Let others go on, and wait for the thread that reads: it must not outlive the file."""
        for turn in self._turns:
            turn.give_up()
        await asyncio.gather(self._reading, return_exceptions=True)
