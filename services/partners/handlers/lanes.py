"""Lanes into agencies' topics as people see them, letting one go on, and beginning one anew."""

from __future__ import annotations

from uuid import UUID

import structlog

from services.partners.commands import RefillLane, ResumeLane
from services.partners.domain import lanes as rules
from services.partners.domain.lanes import Lane
from services.partners.handlers import Saved, owned_by
from services.partners.store import positions as store
from shared.database import Connection, Pool

NOUN = "Jalur"

log = structlog.get_logger(__name__)


async def list_lanes(pool: Pool, after: UUID, agency: str | None, limit: int) -> list[Lane]:
    """Return lanes after an id, of one agency or of all."""
    return await store.list_lanes(pool, after, agency, limit)


async def show_lane(pool: Pool, lane_id: UUID, agency: str | None) -> Lane:
    """Return one lane. ``agency``: whose it must be; ``None``: the operator sees all."""
    return owned_by(agency, await store.find_lane(pool, lane_id), NOUN, lane_id)


async def resume(connection: Connection, command: ResumeLane) -> Saved:
    """Let a lane go on that stopped. Raises as the rule does."""
    lane = owned_by(command.agency, await store.lock_lane(connection, command.lane_id), NOUN, command.lane_id)
    after = rules.resume(lane, command.expected_version, skip_lost=command.skip_lost)
    await store.resume_lane(connection, after)
    return Saved(after.id, after.version)


async def refill(connection: Connection, command: RefillLane) -> Saved:
    """Let a lane begin anew, whatever its state. Raises as the rule does."""
    lane = owned_by(None, await store.lock_lane(connection, command.lane_id), NOUN, command.lane_id)
    after = rules.refill(lane, command.expected_version)
    await store.resume_lane(connection, after)
    log.info("lane_refilled", agency=lane.agency, stream=lane.stream, before=lane.position, after=after.position)
    return Saved(after.id, after.version)
