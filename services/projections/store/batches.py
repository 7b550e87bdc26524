"""Writing a batch: a few statements whatever its size, into the live tables or into those of the other generation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from services.projections.commands import Projection
from shared.database import Connection, Migrations, kernel_migrations, load_queries

Row = TypeVar("Row")

SQL = Path(__file__).parent.parent / "sql"
QUERIES = load_queries(SQL / "queries.sql")

GENERATION_LOCK = 0x6E6B_7072_6F6A  # "nkproj": batches share it, a swap has it alone


def migrations() -> list[Migrations]:
    """Return what this service's database is made of."""
    return [*kernel_migrations("consumer", "idempotency", "trail"), Migrations("projections", SQL / "migrations")]


@lru_cache(maxsize=64)
def _statement(verb: str, projection: Projection, standby: bool) -> str:
    text: str = getattr(QUERIES, f"{verb}_{projection.value}")
    return text.replace(projection.value, projection.standby) if standby else text


async def hold_generations(connection: Connection) -> None:
    """Keep the generations from being swapped until the transaction ends; waits while a swap is under way."""
    await connection.execute(QUERIES.hold_generations, GENERATION_LOCK)


async def load(
    connection: Connection,
    projection: Projection,
    row: Callable[..., Row],
    stream_ids: Iterable[str],
    *,
    standby: bool = False,
) -> dict[str, Row]:
    """Return the rows of these streams that exist, by id as text. For projections that keep a row per stream, or go on from the last one."""
    records = await connection.fetch(_statement("load", projection, standby), list(stream_ids))
    return {str(record[0]): row(*record) for record in records}


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
