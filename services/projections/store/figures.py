"""Counts over what the other services told, each of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from services.projections.store.batches import SQL
from shared.database import Pool, load_queries

FIGURES = load_queries(SQL / "queries_figures.sql")

Row = Mapping[str, Any]


def whole(statement: str) -> str:
    """Return a statement with those that say what counts put in where their names stand."""
    for name in ("counted_enrolments", "counted_help"):
        statement = statement.replace(name, getattr(FIGURES, name))
    return statement


async def count_outcomes(pool: Pool, kelurahan: str | None) -> Sequence[Row]:
    """Return the rows of all grouping sets of enrolments, of one kelurahan or of all."""
    rows: Sequence[Row] = await pool.fetch(whole(FIGURES.count_outcomes), kelurahan)
    return rows


async def count_equity(pool: Pool, kelurahan: str | None) -> Sequence[Row]:
    """Return the rows of all grouping sets of businesses and the help they had."""
    rows: Sequence[Row] = await pool.fetch(whole(FIGURES.count_equity), kelurahan)
    return rows


async def list_turnover(
    pool: Pool, kelurahan: str | None, after: UUID, limit: int, *, backwards: bool = False
) -> Sequence[Row]:
    """Return exhibitions after an id in the order of ids, or backwards before it."""
    rows: Sequence[Row] = await pool.fetch(FIGURES.list_turnover, kelurahan, after, limit, backwards)
    return rows


async def list_mentoring(
    pool: Pool, kelurahan: str | None, first: date, last: date, after: tuple[date, UUID], limit: int
) -> Sequence[Row]:
    """Return weeks by mentor after a week and a mentor; ``first`` and ``last`` are Mondays."""
    rows: Sequence[Row] = await pool.fetch(FIGURES.list_mentoring, kelurahan, first, last, *after, limit)
    return rows
