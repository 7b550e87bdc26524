"""Answer questions about trainings, exhibitions, mentoring and who was never helped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

from services.projections.domain.figures import (
    EquityDimension,
    Fair,
    MentorWeek,
    OutcomeDimension,
    Table,
    count_equity,
    count_outcomes,
    fair,
)
from services.projections.reference import Places
from services.projections.store import figures as store
from shared.database import Pool

FRESH_SECONDS = 5.0
"""As long as the page may be kept by whoever shows it: each of these is a pass over several tables."""
LAST = UUID(int=(1 << 128) - 1)
Found = TypeVar("Found")


class Figures:
    """Questions and their answers. The counts over all tables are kept for five seconds, for each kelurahan that asks."""

    def __init__(self, pool: Pool, places: Places) -> None:
        self._pool = pool
        self._places = places
        self._kept: dict[tuple[str, str | None], tuple[float, Any]] = {}
        self._counting = asyncio.Lock()

    async def outcomes(self, kelurahan: str | None = None) -> dict[OutcomeDimension, Table]:
        """Return enrolments by every dimension, of one kelurahan or of all. Raises ``CountMismatchError``."""

        async def ask() -> dict[OutcomeDimension, Table]:
            return count_outcomes(await store.count_outcomes(self._pool, kelurahan), self._places)

        return await self._fresh(("outcomes", kelurahan), ask)

    async def equity(self, kelurahan: str | None = None) -> dict[EquityDimension, Table]:
        """Return businesses and the help they had, by place. Raises ``CountMismatchError``."""

        async def ask() -> dict[EquityDimension, Table]:
            return count_equity(await store.count_equity(self._pool, kelurahan), self._places)

        return await self._fresh(("equity", kelurahan), ask)

    async def turnover(self, kelurahan: str | None, after: UUID, limit: int) -> list[Fair]:
        """Return exhibitions after an id, in the order of ids."""
        return [fair(row) for row in await store.list_turnover(self._pool, kelurahan, after, limit)]

    async def newest_fairs(self, limit: int) -> list[Fair]:
        """Return the exhibitions that were opened last, newest first, as everybody may see them."""

        async def ask() -> list[Fair]:
            rows = await store.list_turnover(self._pool, None, LAST, limit, backwards=True)
            return [fair(row) for row in rows]

        return await self._fresh(("fairs", None), ask)

    async def mentoring(
        self, kelurahan: str | None, first: date, last: date, after: tuple[date, UUID], limit: int
    ) -> list[MentorWeek]:
        """Return weeks from one Monday to another by mentor, after a week and a mentor."""
        rows = await store.list_mentoring(self._pool, kelurahan, first, last, after, limit)
        return [MentorWeek(**row) for row in rows]

    async def _fresh(self, key: tuple[str, str | None], ask: Callable[[], Awaitable[Found]]) -> Found:
        async with self._counting:
            kept = self._kept.get(key)
            if kept is None or monotonic() - kept[0] > FRESH_SECONDS:
                kept = monotonic(), await ask()
                self._kept[key] = kept
            found: Found = kept[1]
            return found
