"""Writing a batch: a few statements whatever its size, into the live tables or into those of the other generation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from services.projections.commands import Projection
from services.projections.domain.dashboard import DashboardRow
from shared.database import Connection, Migrations, kernel_migrations, load_queries

SQL = Path(__file__).parent.parent / "sql"
QUERIES = load_queries(SQL / "queries.sql")

GENERATION_LOCK = 0x6E6B_7072_6F6A  # "nkproj": batches share it, a swap has it alone


def migrations() -> list[Migrations]:
    """Return what this service's database is made of."""
    return [*kernel_migrations("consumer"), Migrations("projections", SQL / "migrations")]


@lru_cache(maxsize=32)
def _statement(verb: str, projection: Projection, standby: bool) -> str:
    text: str = getattr(QUERIES, f"{verb}_{projection.value}")
    return text.replace(projection.value, projection.standby) if standby else text


async def hold_generations(connection: Connection) -> None:
    """Keep the generations from being swapped until the transaction ends; waits while a swap is under way."""
    await connection.execute(QUERIES.hold_generations, GENERATION_LOCK)


async def load_dashboard(
    connection: Connection, business_ids: Iterable[str], *, standby: bool = False
) -> dict[str, DashboardRow]:
    """Return the rows of these businesses that exist, by id as text."""
    statement = _statement("load", Projection.DISTRICT_DASHBOARD, standby)
    records = await connection.fetch(statement, list(business_ids))
    return {str(record[0]): DashboardRow(*record) for record in records}


async def save(
    connection: Connection,
    projection: Projection,
    rows: Sequence[tuple[Any, ...]],
    *,
    standby: bool = False,
) -> None:
    """Write rows of one projection; no key may stand twice among them. Nothing to write is nothing to do."""
    if rows:
        await connection.execute(_statement("save", projection, standby), *zip(*rows, strict=True))


async def save_positions(connection: Connection, consumer: str, topic: str, positions: Mapping[str, int]) -> None:
    """Write how far the other generation has come with these aggregates."""
    await connection.execute(QUERIES.save_positions, consumer, topic, list(positions.keys()), list(positions.values()))
