"""The businesses and facts behind a number, page by page, each page of one moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.projections.store.batches import SQL
from services.projections.store.figures import whole
from shared.database import Connection, Pool, load_queries

QUERIES = load_queries(SQL / "queries_explaining.sql")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """What a cell comes to, and some of its businesses in the order of their ids."""

    total: int | None
    """``None``: no business adds anything."""
    businesses: int
    rows: Sequence[Row]
    """``business_id``, ``amount``, and ``facts``: sequences, ids of streams, or ``None`` where others know them."""


@asynccontextmanager
async def one_moment(pool: Pool) -> AsyncIterator[Connection]:
    """Give a connection on which all statements see the same moment."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


async def page(connection: Connection, cell: str, arguments: Sequence[Any], after: UUID, limit: int) -> Page:
    """Return up to ``limit`` businesses of a cell after one of them. ``cell`` names its statement."""
    text = QUERIES.page_of_cell.replace("cell_statement", whole(getattr(QUERIES, cell)))
    rows = await connection.fetch(text, after, limit, *arguments)
    return Page(rows[0]["total"], rows[0]["businesses"], [row for row in rows if row["business_id"] is not None])


async def moves(connection: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    """Return the moves of the funnel that rows of a page name."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_class_funnel, *_named(rows))
    return found


async def told(connection: Connection, rows: Sequence[Row], names: Collection[str]) -> Sequence[Row]:
    """Return the facts of the timeline that rows of a page name, of those with these names."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_business_timeline, *_named(rows), list(names))
    return found


async def first_told(connection: Connection, ids: Sequence[UUID], names: Collection[str]) -> Sequence[Row]:
    """Return the first fact of each business, of those with these names."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_first, ids, list(names))
    return found


async def last_told(connection: Connection, ids: Sequence[UUID], names: Collection[str]) -> Sequence[Row]:
    """Return the last fact of each business, of those with these names."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_last, ids, list(names))
    return found


async def job_facts(connection: Connection, ids: Sequence[UUID], day: date) -> Sequence[Row]:
    """Return what businesses had moved by a day, or told of a day up to it."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_jobs, ids, day)
    return found


async def told_by_streams(connection: Connection, rows: Sequence[Row]) -> Sequence[Row]:
    """Return what the streams that rows of a page name tell of their businesses."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_of_streams, *_named(rows))
    return found


async def told_of_help(connection: Connection, ids: Sequence[UUID], names: Collection[str]) -> Sequence[Row]:
    """Return the facts with these names about businesses, and about those that were merged into them."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_of_help, ids, list(names))
    return found


async def told_of_mentoring(
    connection: Connection, ids: Sequence[UUID], mentor_id: UUID, monday: date, visits: bool
) -> Sequence[Row]:
    """Return a mentor's visits of a week to businesses, or since when and until when somebody looked after them."""
    found: Sequence[Row] = await connection.fetch(QUERIES.facts_of_mentoring, ids, mentor_id, monday, visits)
    return found


async def sectors(connection: Connection) -> list[str]:
    """Return the sectors that businesses were recorded with."""
    return [row["sector"] for row in await connection.fetch(QUERIES.sectors)]


def _named(rows: Sequence[Row]) -> tuple[list[UUID], list[Any]]:
    pairs = [(row["business_id"], fact) for row in rows for fact in row["facts"] or ()]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
