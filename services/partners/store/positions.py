"""How far each stream was written into the topics of agencies, and into the public ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.partners.domain.lanes import EVERYONE, Lane, LaneState, StopReason
from services.partners.store import queries
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stream in which something waits for an agency's topic, under the text that counts: agreement and revision."""

    agency: str
    stream: str
    id: UUID
    revision: int


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


async def waiting_lanes(pool: Pool) -> list[Waiting]:
    """Return the lanes in which a stream goes beyond the position, also of streams that the text does not grant."""
    return [Waiting(**row) for row in await pool.fetch(queries().kafka_lanes)]


async def waiting_public(pool: Pool, streams: list[str]) -> list[str]:
    """Return which of these streams go beyond what was written into their public topics, whatever of it is public."""
    return [row["stream"] for row in await pool.fetch(queries().public_lanes, EVERYONE, streams)]


async def begin_lane(pool: Pool, agency: str, stream: str) -> None:
    """Make the position of a lane, unless there is one."""
    await pool.execute(queries().begin_kafka, agency, stream)


async def hold_lane(connection: Connection, agency: str, stream: str) -> int | None:
    """Hold a lane until the transaction ends and return its position; ``None`` while somebody else holds it."""
    position: int | None = await connection.fetchval(queries().hold_kafka, agency, stream)
    return position


async def stop_lane(connection: Connection, agency: str, stream: str, reason: StopReason) -> None:
    """Let a lane that is held stop."""
    await connection.execute(queries().stop_lane, agency, stream, reason.value)


def _lane(row: asyncpg.Record | None) -> Lane | None:
    if row is None:
        return None
    reason = row["reason"]
    told = {"state": LaneState(row["state"]), "reason": None if reason is None else StopReason(reason)}
    return Lane(**(dict(row) | told))


async def list_lanes(pool: Pool, after: UUID, agency: str | None, limit: int) -> list[Lane]:
    """Return lanes after an id, of one agency or of all."""
    rows = await pool.fetch(queries().list_lanes, after, agency, limit)
    return [found for row in rows if (found := _lane(row)) is not None]


async def find_lane(pool: Pool, lane_id: UUID) -> Lane | None:
    """Return one lane, not locked."""
    return _lane(await pool.fetchrow(queries().find_lane, lane_id))


async def lock_lane(connection: Connection, lane_id: UUID) -> Lane | None:
    """Return one lane, locked."""
    return _lane(await connection.fetchrow(queries().lock_lane, lane_id))


async def resume_lane(connection: Connection, lane: Lane) -> None:
    """Store a lane that goes on; it is locked."""
    await connection.execute(queries().resume_lane, lane.id, lane.version, lane.position)


async def move_lane(connection: Connection, agency: str, stream: str, position: int) -> datetime | None:
    """Note that everything up to a position was written, and return when; ``None``: it was noted before. The lane is held."""
    moved_at: datetime | None = await connection.fetchval(queries().move_kafka, agency, stream, position)
    return moved_at
