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
from shared.trail import Deed, append

NOUN = "Jalur"
RESUMED = "resume_lane", "let go on after it stopped"
REFILLED = "refill_lane", "written anew, since its topic lost what it held"
"""Deeds of the office, and what the trail says of them; there is no other reason."""

log = structlog.get_logger(__name__)


async def list_lanes(pool: Pool, after: UUID, agency: str | None, limit: int) -> list[Lane]:
    """Return lanes after an id, of one agency or of all."""
    return await store.list_lanes(pool, after, agency, limit)


async def show_lane(pool: Pool, lane_id: UUID, agency: str | None) -> Lane:
    """Return one lane. ``agency``: whose it must be; ``None``: the operator sees all."""
    return owned_by(agency, await store.find_lane(pool, lane_id), NOUN, lane_id)


async def resume(connection: Connection, command: ResumeLane) -> Saved:
    """Let a lane go on that stopped; if the office does, it stands in its trail. Raises as the rule does."""
    lane = owned_by(command.agency, await store.lock_lane(connection, command.lane_id), NOUN, command.lane_id)
    after = rules.resume(lane, command.expected_version, skip_lost=command.skip_lost)
    await store.resume_lane(connection, after)
    if command.agency is None:
        await _tell(connection, command.actor, RESUMED, lane, after)
    return Saved(after.id, after.version)


async def refill(connection: Connection, command: RefillLane) -> Saved:
    """Let a lane begin anew, whatever its state, and write it into the trail. Raises as the rule does."""
    lane = owned_by(None, await store.lock_lane(connection, command.lane_id), NOUN, command.lane_id)
    after = rules.refill(lane, command.expected_version)
    await store.resume_lane(connection, after)
    await _tell(connection, command.actor, REFILLED, lane, after)
    log.info("lane_refilled", agency=lane.agency, stream=lane.stream, before=lane.position, after=after.position)
    return Saved(after.id, after.version)


async def _tell(connection: Connection, actor: str, said: tuple[str, str], before: Lane, after: Lane) -> None:
    name, reason = said
    details = {"agency": before.agency, "stream": before.stream, "before": before.position, "after": after.position}
    await append(connection, Deed(actor, "api", name, f"lane/{before.id}", reason, details))
