"""A live consumer, an operator who rebuilds, an auditor, and a log: what tests of rebuilds begin with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.projections.commands import Projection, RebuildProjections, RollBackProjections
from services.projections.domain.making import MAKINGS
from services.projections.handlers.rebuilding import Rebuild, RebuildResult
from shared.consumer import apply_batch
from shared.contracts.registry import BUSINESS_TOPIC
from tests.projections.logs import MemoryLog
from tests.projections.test_batches import LIVE

ALL = tuple(Projection)
BUSINESS = tuple(name for name in ALL if MAKINGS[name].topics == (BUSINESS_TOPIC,))
"""The projections that are made of the facts of businesses alone."""


@dataclass
class Bench:
    """A live consumer, an operator, a log."""

    live: asyncpg.Connection
    owner: asyncpg.Connection
    auditor: asyncpg.Connection
    log: MemoryLog
    migrate_dsn: str
    applied: int = 0

    async def go_on(self, upto: int | None = None, batch: int = 8) -> None:
        """Let the live consumer apply what the log holds, up to a place in its order."""
        items = self.log.items(self.applied, upto)
        for start in range(0, len(items), batch):
            await apply_batch(self.live, LIVE, items[start : start + batch])
        self.applied += len(items)

    async def rebuild(self, *projections: Projection, **options: Any) -> RebuildResult:
        chosen = projections or BUSINESS
        return await Rebuild(self.owner, self.log, chosen, "projections").rebuild(RebuildProjections(chosen, **options))

    async def roll_back(self, *projections: Projection) -> RebuildResult:
        chosen = projections or BUSINESS
        return await Rebuild(self.owner, self.log, chosen, "projections").roll_back(RollBackProjections(chosen))

    async def states(self, projection: Projection = Projection.CLASS_HISTORY) -> list[str]:
        rows = await self.auditor.fetch(
            "SELECT state FROM projection_generation WHERE projection = $1 ORDER BY generation", projection.value
        )
        return [row["state"] for row in rows]

    async def positions(self, consumer: str = LIVE.name) -> dict[str, int]:
        """Return how far a consumer has come, by aggregate."""
        query = "SELECT aggregate_id::text, position FROM stream_position WHERE consumer = $1"
        return {row[0]: row[1] for row in await self.auditor.fetch(query, consumer)}

    async def until_unlocked(self) -> None:
        """Wait until the server has noticed that a session of ours is gone."""
        async with asyncio.timeout(10):
            while await self.auditor.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"):
                await asyncio.sleep(0.01)
