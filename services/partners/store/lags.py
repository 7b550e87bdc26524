"""What of the ways to agencies has a size at the moment of looking: endpoints by state, and how far each agency is behind."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.partners.domain.lanes import EVERYONE
from services.partners.store import queries
from shared.contracts.partnership import DeliveryWay
from shared.database import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """A stream that goes beyond the place of an endpoint or a topic."""

    way: str
    agency: str
    """``EVERYONE``: the place is that of a public topic."""
    stream: str
    events: int
    """After the place, granted or not."""
    seconds: float
    """How long the first of them has been there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind(Lag):
    """A stream that goes beyond the place of an agency, with the text that counts."""

    id: UUID
    """Of the agreement."""
    revision: int


async def endpoint_states(pool: Pool) -> dict[str, int]:
    """Return how many endpoints there are in each state; those that were removed are not counted."""
    return {row["state"]: row["endpoints"] for row in await pool.fetch(queries().endpoint_states)}


async def lane_states(pool: Pool) -> dict[str, int]:
    """Return how many lanes into topics there are in each state."""
    return {row["state"]: row["lanes"] for row in await pool.fetch(queries().lane_states)}


async def behind(pool: Pool) -> list[Behind]:
    """Return the streams that go beyond a place, also those of which the text grants nothing."""
    return [Behind(**row) for row in await pool.fetch(queries().delivery_lags)]


async def public_behind(pool: Pool, streams: list[str]) -> list[Lag]:
    """Return which of these streams go beyond what was written into their public topics."""
    rows = await pool.fetch(queries().public_lags, EVERYONE, streams)
    return [Lag(way=DeliveryWay.KAFKA.value, agency=EVERYONE, **row) for row in rows]
