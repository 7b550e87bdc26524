"""Two generations of a projection side by side: made, filled, compared. Run by the migrating login."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from services.projections.commands import Projection
from services.projections.domain.making import MAKINGS
from services.projections.store.batches import SQL
from shared.database import Connection, load_queries

REBUILD = load_queries(SQL / "rebuild.sql")

_REBUILD_LOCK = 0x6E6B_7262  # "nkrb": first half of the key, the projection is the second


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two generations against each other, over the aggregates that both have brought equally far."""

    aggregates: int
    rows: int
    differing: int
    """Rows that are not the same; ``missing`` and ``extra`` are among them."""
    missing: int
    extra: int
    ids: tuple[str, ...]
    """Up to 20 streams with differing rows: of the first projections, businesses."""
    behind: int
    """Aggregates that the live generation has brought further."""


def statement(name: str, projection: Projection, running_login: str = "") -> str:
    """Return a statement with the names of the projection at hand: all from code, none from outside."""
    text: str = getattr(REBUILD, name)
    for placeholder, value in (
        ("live_table", projection.value),
        ("other_table", projection.standby),
        ("leaving_table", f"{projection.value}_leaving"),
        ("running_login", f'"{running_login}"'),
        ("row_key", ", ".join(MAKINGS[projection].key)),
        ("stream_key", MAKINGS[projection].stream),
    ):
        text = text.replace(placeholder, value)
    return text


async def connect(dsn: str) -> Connection:
    """Open the connection of a rebuild: statements may take long, and its work is lost with a crash anyway."""
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=1800)
    await connection.execute("SET application_name = 'projections rebuild'")
    return connection


async def lock_rebuild(connection: Connection, projection: Projection) -> bool:
    """Claim the projection for this session; ``False`` if another rebuild runs."""
    return bool(await connection.fetchval(REBUILD.lock_rebuild, _REBUILD_LOCK, projection.value))


async def begin(connection: Connection, projection: Projection, running_login: str) -> int:
    """Make an empty generation in the place of what is not live, and return its number."""
    async with connection.transaction():
        generation = await connection.fetchval(REBUILD.begin_generation, projection.value)
        await connection.execute(statement("drop_standby", projection))
        await connection.execute(statement("create_standby", projection))
        await connection.execute(statement("grant_standby", projection, running_login))
        await connection.execute(REBUILD.forget_positions, projection.consumer)
        await connection.execute(REBUILD.forget_parked, [projection.consumer])
    return int(generation)


async def discarded(connection: Connection) -> set[tuple[str, int]]:
    """Return the facts that an operator took out of the live generation: aggregate and sequence."""
    return {(row[0], row[1]) for row in await connection.fetch(REBUILD.discarded_facts)}


async def count_discarded_unheard(connection: Connection, projection: Projection, topics: Sequence[str]) -> int:
    """Return how many facts of some topics were taken out of the live generation that the other one would bring back."""
    found = await connection.fetchval(
        REBUILD.count_discarded_unheard, projection.value, projection.consumer, list(topics)
    )
    return int(found)


async def live_positions(connection: Connection, topics: Sequence[str]) -> dict[str, int]:
    """Return how far the live consumer has come with each aggregate of some topics."""
    return {row[0]: row[1] for row in await connection.fetch(REBUILD.live_positions, topics)}


async def copy_rows(connection: Connection, projection: Projection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Append rows to the new generation."""
    if rows:
        await connection.copy_records_to_table(projection.standby, records=rows)


async def copy_positions(
    connection: Connection, projection: Projection, topic: str, positions: Mapping[str, int]
) -> None:
    """Write how far the new generation has come with aggregates of a topic that are new to it."""
    rows: Iterable[tuple[str, str, str, int]] = (
        (projection.consumer, subject, topic, position) for subject, position in positions.items()
    )
    await connection.copy_records_to_table(
        "stream_position", records=rows, columns=["consumer", "aggregate_id", "topic", "position"]
    )


async def finish_load(connection: Connection, projection: Projection) -> None:
    """Make the indexes and the statistics."""
    async with connection.transaction():
        await connection.execute(statement(f"index_{projection.value}", projection))
        await connection.execute(statement("analyze_standby", projection))


async def compare(connection: Connection, projection: Projection) -> Comparison:
    """Compare the generations row by row, in one snapshot."""
    topics = MAKINGS[projection].topics
    row = await connection.fetchrow(statement("compare_generations", projection), projection.consumer, topics)
    behind = await count_behind(connection, projection)
    ids = tuple(str(value) for value in row["ids"] or ())
    return Comparison(row["aggregates"], row["rows"], row["differing"], row["missing"], row["extra"], ids, behind)


async def count_behind(connection: Connection, projection: Projection) -> int:
    """Return how many aggregates the live generation has brought further than the other one."""
    return int(await connection.fetchval(REBUILD.count_behind, projection.consumer, MAKINGS[projection].topics))


async def mark_ready(connection: Connection, projection: Projection, report: dict[str, Any]) -> None:
    """Note that the new generation can be swapped in."""
    await connection.execute(REBUILD.generation_is_ready, projection.value, orjson.dumps(report).decode())


async def standby_state(connection: Connection, projection: Projection) -> str | None:
    """Return ``ready`` or ``standby`` if there is another generation to go to."""
    state: str | None = await connection.fetchval(REBUILD.standby_state, projection.value)
    return state
