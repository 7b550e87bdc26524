"""A chunk made ready to be written: looked up, planned, sealed, without a change to the registry."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.registry.importing import writing
from services.registry.importing.jobs import Job
from services.registry.importing.planning import Alike, Outcome, Plan, Planner, Scope
from services.registry.importing.recent import Recent
from services.registry.importing.rows import CheckedRow, Result
from services.registry.importing.workshop import Workshop
from shared.identifiers import new_id
from shared.wita import WITA


@dataclass(frozen=True, slots=True)
class Ready:
    """A chunk that is ready to be written. A dry run has no ``tuples``: it writes its outcomes alone."""

    plan: Plan
    batch: writing.Batch
    recent: Recent
    """What it leaves, for the chunk after it."""
    tuples: writing.Tuples | None = None
    held: frozenset[UUID] = frozenset()
    """The owners of before under whose keys it is sealed."""


async def prepare(shop: Workshop, job: Job, rows: Sequence[CheckedRow], before: Sequence[Recent]) -> Ready:
    """Make a chunk ready; ``before`` is what chunks leave that may not be stored yet. Raises what asyncpg raises."""
    batch = writing.Batch(job.id, job.officer, job.kelurahan, job.created_at.astimezone(WITA).date(), datetime.now(UTC))
    recent_keys = {owner_id: key for recent in before for owner_id, key in recent.keys.items()}
    async with shop.pool.acquire() as connection, connection.transaction():
        await connection.execute(writing.PLANNER_SETTINGS)
        known = await writing.look_up(connection, shop.ring, rows, before)
        scope = Scope(batch.as_of, job.kelurahan if job.own_only else None)
        planner = Planner(known, new_id, scope, [recent.alike for recent in before])
        plan = await asyncio.to_thread(planner.take, rows)
        if job.dry_run:
            plan.outcomes = [_foreseen(outcome, row) for outcome, row in zip(plan.outcomes, rows, strict=True)]
            return Ready(plan, batch, Recent(Plan(), Alike(), {}, batch.as_of))
        keys = await writing.keys_needed(connection, shop.ring, plan, recent_keys)
    held = frozenset(keys)
    tuples = await asyncio.to_thread(writing.make_tuples, plan, shop.ring, keys, batch)
    return Ready(plan, batch, Recent(plan, planner.alike, keys, batch.as_of), tuples, held)


def _foreseen(outcome: Outcome, row: CheckedRow) -> Outcome:
    """Return the outcome of a dry run: what the registry says, else what the file itself says."""
    if outcome.result is Result.NEW and row.result is Result.POSSIBLE_DUPLICATE:
        return Outcome(outcome.number, row.result, row.codes)
    return Outcome(outcome.number, outcome.result, outcome.codes)
