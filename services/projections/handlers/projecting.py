"""Project a batch of facts: one SELECT, a fold, one upsert per projection, in the transaction of the positions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from msgspec.structs import astuple

from services.projections.commands import Projection
from services.projections.domain.classes import class_row
from services.projections.domain.dashboard import DashboardRow, fold
from services.projections.domain.timeline import timeline_row
from services.projections.store import batches
from shared.database import Connection
from shared.envelope import Event

ALL = frozenset(Projection)


async def project_batch(connection: Connection, events: Sequence[Event]) -> None:
    """Apply ``events``, each aggregate's in order, to the live tables, inside the caller's transaction."""
    await batches.hold_generations(connection)
    await write_batch(connection, events, ALL, standby=False)


async def write_batch(
    connection: Connection, events: Sequence[Event], projections: Collection[Projection], *, standby: bool
) -> None:
    """Apply ``events`` to the given projections of one generation. Facts that it holds already change nothing."""
    before: dict[str, DashboardRow] = {}
    if Projection.DISTRICT_DASHBOARD in projections and (known := _begun_earlier(events)):
        before = await batches.load_dashboard(connection, known, standby=standby)
    writing: asyncio.Task[None] | None = None
    try:
        for projection, rows_of in _ROWS:
            if projection not in projections:
                continue
            rows = rows_of(events, before)
            if writing is not None:
                await writing
            writing = asyncio.create_task(batches.save(connection, projection, rows, standby=standby))
            # Let the statement leave: the database writes these rows while the next ones are made here.
            await asyncio.sleep(0)
    finally:
        if writing is not None:
            await writing


def _begun_earlier(events: Sequence[Event]) -> set[str]:
    """Return the businesses that may have a row from an earlier batch: those whose first fact is not among these."""
    return {event.meta.subject for event in events} - {e.meta.subject for e in events if e.meta.sequence == 1}


RowsOf = Callable[[Sequence[Event], dict[str, DashboardRow]], Sequence[tuple[Any, ...]]]

_ROWS: tuple[tuple[Projection, RowsOf], ...] = (
    (Projection.BUSINESS_TIMELINE, lambda events, _: [timeline_row(event) for event in events]),
    (Projection.CLASS_HISTORY, lambda events, _: [row for event in events if (row := class_row(event)) is not None]),
    (Projection.DISTRICT_DASHBOARD, lambda events, before: [astuple(row) for row in fold(before, events).values()]),
)
