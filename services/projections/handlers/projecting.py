"""Project a batch of facts: one SELECT, a fold, one upsert per projection, in the transaction of the positions."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import astuple

from services.projections.commands import Projection
from services.projections.domain.keeping import fold
from services.projections.domain.making import MAKINGS, Columns, Making, belonging, by_topic, settle
from services.projections.domain.standing import ledger_rows
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
    parts = by_topic(settle(events))
    work = [(name, making, mine) for name, making in MAKINGS.items() if (mine := belonging(making, parts))]
    work = [part for part in work if part[0] in projections]
    before = {name: await _load(connection, name, making, mine, standby) for name, making, mine in work if making.row}
    writing: asyncio.Task[None] | None = None
    try:
        for projection, making, mine in work:
            rows = _rows(making, mine, before.get(projection, {}))
            if writing is not None:
                await writing
            writing = asyncio.create_task(batches.save(connection, projection, rows, standby=standby))
            # Let the statement leave: the database writes these rows while the next ones are made here.
            await asyncio.sleep(0)
    finally:
        if writing is not None:
            await writing


async def _load(
    connection: Connection, projection: Projection, making: Making, events: Sequence[Event], standby: bool
) -> dict[str, Any]:
    """Return the rows that the events may change: of a stream whose first fact is among them there is none."""
    known = {event.meta.subject for event in events} - {e.meta.subject for e in events if e.meta.sequence == 1}
    if not known or making.row is None:
        return {}
    return await batches.load(connection, projection, making.row, known, standby=standby)


def _rows(making: Making, events: Sequence[Event], before: Mapping[str, Any]) -> Sequence[Columns]:
    if making.tell is not None:
        return making.tell(events)
    if making.step is not None:
        return ledger_rows(making.step, {row.business_id: row for row in before.values()}, events)
    if making.evolve is None:
        return ()
    return [astuple(row) for row in fold(before, events, making.evolve).values()]
