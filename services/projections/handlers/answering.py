"""Answer questions about the projections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from services.projections.domain.counting import Dashboard, count
from services.projections.domain.sentences import sentence
from services.projections.domain.timeline import TimelinePlace
from services.projections.reference import Places
from services.projections.store import reads
from shared.database import Pool
from shared.wita import WITA

FRESH_SECONDS = 1.0


class BusinessUnknownError(LookupError):
    """No fact about this business has arrived here, so far."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The counts of one moment, with the steps up since the year began."""

    dashboard: Dashboard
    naik_kelas_year: int
    naik_kelas_steps: int
    naik_kelas_businesses: int


class Answers:
    """Questions and their answers. The counts are kept for a second: one pass over the table serves all who ask."""

    def __init__(self, pool: Pool, places: Places, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._places = places
        self._now = now
        self._overview: Overview | None = None
        self._counted_at = 0.0
        self._counting = asyncio.Lock()

    async def overview(self) -> Overview:
        """Return the counts, at most a second old."""
        async with self._counting:
            if self._overview is None or monotonic() - self._counted_at > FRESH_SECONDS:
                year = self._now().astimezone(WITA).year
                dashboard = count(await reads.count_businesses(self._pool), self._places)
                since = datetime(year, 1, 1, tzinfo=WITA)
                steps, businesses = await reads.count_naik_kelas(self._pool, since)
                self._overview = Overview(dashboard, year, steps, businesses)
                self._counted_at = monotonic()
            return self._overview

    async def place_of(self, business_id: UUID) -> str:
        """Return the kelurahan of a business. Raises ``BusinessUnknownError``."""
        place = await reads.business_place(self._pool, business_id)
        if place is None:
            raise BusinessUnknownError(str(business_id))
        return place

    async def timeline(self, business_id: UUID, after: TimelinePlace, limit: int) -> list[dict[str, Any]]:
        """Return what all services told of a business after a place in the order, each with its sentence."""
        rows = await reads.timeline_page(self._pool, business_id, after, limit)
        return [{**row, "sentence": sentence(row["name"], row["detail"], self._places)} for row in rows]

    async def classes(self, business_id: UUID) -> list[dict[str, Any]]:
        """Return the recorded classes of a business, oldest first."""
        return await reads.classes(self._pool, business_id)

    async def generations(self) -> list[dict[str, Any]]:
        """Return the generations of every projection, newest first."""
        return await reads.generations(self._pool)
