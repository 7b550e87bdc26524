"""How far each stream was written into the topics of agencies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.partners.commands import Terms
from services.partners.store import queries
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Lane:
    """A stream in which something waits for an agency's topic, under the text that counts."""

    agency: str
    stream: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Written:
    """How far a stream was written into an agency's topic."""

    stream: str
    position: int
    last: int
    moved_at: datetime | None
    """``None``: nothing of it yet."""


async def written(pool: Pool, agency: str) -> list[Written]:
    """Return how far every stream was written into the topic of an agency."""
    return [Written(**row) for row in await pool.fetch(queries().kafka_lags, agency)]


async def waiting_lanes(pool: Pool) -> list[Lane]:
    """Return the lanes in which a stream goes beyond the position, also of streams that the text does not grant."""
    texts: dict[tuple[object, int], Terms] = {}
    found: list[Lane] = []
    for row in await pool.fetch(queries().kafka_lanes):
        key = row["id"], row["revision"]
        if key not in texts:
            texts[key] = Terms.model_validate_json(row["terms"])
        found.append(Lane(row["agency"], row["stream"], texts[key]))
    return found


async def begin_lane(pool: Pool, agency: str, stream: str) -> None:
    """Make the position of a lane, unless there is one."""
    await pool.execute(queries().begin_kafka, agency, stream)


async def hold_lane(connection: Connection, agency: str, stream: str) -> int | None:
    """Hold a lane until the transaction ends and return its position; ``None`` while somebody else holds it."""
    position: int | None = await connection.fetchval(queries().hold_kafka, agency, stream)
    return position


async def move_lane(connection: Connection, agency: str, stream: str, position: int) -> None:
    """Note that everything up to a position was written; the lane is held."""
    await connection.execute(queries().move_kafka, agency, stream, position)
