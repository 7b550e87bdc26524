"""The pass at 00:30 WITA: what runs out soon and what has run out is told, each once, whoever comes (decision 21).

A worker takes the turn by locking the day's row, tells a chunk, and gives the turn back with the commit. Killed, it leaves
what is committed; any other goes on with the rest, because what is due stands in the rows themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import structlog

from services.registry.domain import brands as brand_rules
from services.registry.domain import licences as licence_rules
from services.registry.domain.expiry import pass_day
from services.registry.domain.models import Changed
from services.registry.handlers import publish_openly
from services.registry.store import brands, daily_passes, licences
from shared.database import Connection, Pool
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.ticking import PeriodicLook

ACTOR = "registry"
CHUNK = 500
"""Licences, and as many brands, in one transaction, behind which deeds on them wait."""

log = structlog.get_logger(__name__)


class DailyPass(PeriodicLook):
    """Runs the pass of each day once; after days without a worker, that of the newest day tells what was missed."""

    def __init__(
        self, pool: Pool, seconds: float, clock: Callable[[], datetime] | None = None, chunk: int = CHUNK
    ) -> None:
        super().__init__(pool, seconds, clock)
        self._chunk = chunk
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop`` is set; a pass that is under way ends with its chunk."""
        self._stop = stop
        await super().run(stop)

    async def tick(self) -> int:
        """Tell what is due, a chunk in each transaction, unless this day's pass is finished; return how many facts."""
        told = 0
        while not self._stop.is_set():
            now = await self.now()
            day = pass_day(now)
            if await daily_passes.is_finished(self._pool, day):
                break
            told += await self._tell_chunk(day, now)
            self.pulse.beat()
            self._hint.wake()
        return told

    async def _tell_chunk(self, day: date, now: datetime) -> int:
        """Tell one chunk, and finish the pass if nothing was left; return how many facts."""
        cause = Cause(str(new_id()), None, ACTOR, "command", None, now)
        async with self._pool.acquire() as connection, connection.transaction():
            if not await daily_passes.take_turn(connection, day, now):
                return 0
            licences_due, licences_told = await _tell_licences(connection, day, self._chunk)
            brands_due, brands_told = await _tell_brands(connection, day, self._chunk)
            facts = await publish_openly(connection, [*licences_told, *brands_told], cause)
            left = licences_due or brands_due
            await daily_passes.note(connection, day, facts, None if left else now)
        if not left:
            log.info("daily_pass_finished", day=day.isoformat())
        return facts


async def _tell_licences(connection: Connection, day: date, limit: int) -> tuple[bool, Sequence[Changed[Any]]]:
    """Return whether licences were due, and those of which something was told."""
    due = await licences.due_licences(connection, day, limit)
    told = [licence_rules.look(one, day) for one in await licences.lock_due_licences(connection, due, day)]
    if told:
        await licences.update_told_licences(connection, [one.after for one in told])
    return bool(due), told


async def _tell_brands(connection: Connection, day: date, limit: int) -> tuple[bool, Sequence[Changed[Any]]]:
    """Return whether brands were due, and those of which something was told."""
    due = await brands.due_brands(connection, day, limit)
    told = [brand_rules.look(one, day) for one in await brands.lock_due_brands(connection, due, day)]
    if told:
        await brands.update_told_brands(connection, [one.after for one in told])
    return bool(due), told
