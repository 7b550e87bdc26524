"""Sums of the ledgers, each of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from services.projections.store.batches import SQL
from shared.database import Pool, load_queries

LEDGERS = load_queries(SQL / "queries_ledgers.sql")

Row = Mapping[str, Any]


async def funnel(pool: Pool, year: int) -> tuple[Sequence[Row], Sequence[Row], Sequence[Row]]:
    """Return businesses by kecamatan and class before a year, its moves, and businesses at its end."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        start = await connection.fetch(LEDGERS.count_funnel_cells, year - 1)
        moves = await connection.fetch(LEDGERS.count_funnel_moves, year)
        return start, moves, await connection.fetch(LEDGERS.count_funnel_cells, year)


async def jobs(pool: Pool, on: date, by: str) -> Sequence[Row]:
    """Return workers on a day by ``kecamatan``, ``kelurahan`` or ``kelas``, with a row for the whole."""
    rows: Sequence[Row] = await pool.fetch(LEDGERS.count_jobs, on, by)
    return rows


async def jobs_by_day(
    pool: Pool, days: Sequence[date], kelurahan: str | None, kecamatan: str | None, kelas: str | None
) -> Sequence[Row]:
    """Return workers on each of some days, of a place and a class; ``None`` is all."""
    rows: Sequence[Row] = await pool.fetch(LEDGERS.count_jobs_by_day, list(days), kelurahan, kecamatan, kelas)
    return rows


async def job_changes(pool: Pool, start: date, end: date, by: str, column: str) -> Sequence[Row]:
    """Return workers of one column on two days, by the buckets of their businesses on each."""
    rows: Sequence[Row] = await pool.fetch(LEDGERS.count_job_changes, start, end, by, column)
    return rows
