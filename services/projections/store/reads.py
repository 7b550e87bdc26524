"""Answers from the live tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.projections.domain.timeline import TimelinePlace
from services.projections.store.batches import QUERIES
from shared.database import Pool

Row = Mapping[str, Any]


async def count_businesses(pool: Pool) -> Sequence[Row]:
    """Return the rows of all grouping sets, of one moment."""
    rows: Sequence[Row] = await pool.fetch(QUERIES.count_businesses)
    return rows


async def count_naik_kelas(pool: Pool, since: datetime) -> tuple[int, int]:
    """Return steps up the ladder since an instant, and businesses that made them."""
    row = await pool.fetchrow(QUERIES.count_naik_kelas, since)
    return row["steps"], row["businesses"]


async def business_place(pool: Pool, business_id: UUID) -> str | None:
    """Return the kelurahan of a business; ``None`` if the business is not known here."""
    place: str | None = await pool.fetchval(QUERIES.business_place, business_id)
    return place


async def timeline_page(pool: Pool, business_id: UUID, after: TimelinePlace, limit: int) -> list[dict[str, Any]]:
    """Return up to ``limit`` facts of all services after a place in the order, the detail as a mapping."""
    rows = await pool.fetch(QUERIES.business_timeline_page, business_id, *after, limit)
    return [{**row, "detail": orjson.loads(row["detail"]) if row["detail"] else None} for row in rows]


async def classes(pool: Pool, business_id: UUID) -> list[dict[str, Any]]:
    """Return the recorded classes of a business, oldest first."""
    return [dict(row) for row in await pool.fetch(QUERIES.business_classes, business_id)]


async def generations(pool: Pool) -> list[dict[str, Any]]:
    """Return the generations of every projection, newest first."""
    rows = await pool.fetch(QUERIES.list_generations)
    return [{**row, "report": orjson.loads(row["report"]) if row["report"] else None} for row in rows]
