"""Load one partition of the log into a new generation, by COPY: facts folded in memory, no index in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.projections.commands import Projection
from services.projections.domain.classes import class_row
from services.projections.domain.dashboard import DashboardRow, evolve
from services.projections.domain.timeline import timeline_row
from services.projections.store import generations
from services.projections.store.generations import Connection
from shared.consumer.ordering import Streams
from shared.consumer.planning import Plan, make_plan
from shared.consumer.records import Item
from shared.consumer.store import Parking, park
from shared.envelope import Event

PASSED_OVER = "discarded"
"""Stands in for the type of a fact that an operator discarded: of no type that is applied."""


class PartitionLoader:
    """Takes the records of one partition in order. Memory: a row per business of the partition, and one chunk."""

    def __init__(
        self,
        connection: Connection,
        projections: Collection[Projection],
        types: frozenset[str],
        discarded: set[tuple[str, int]],
    ) -> None:
        self._connection = connection
        self._projections = projections
        self._types = types
        self._discarded = discarded
        self._streams = Streams({})
        self._positions: dict[str, int] = {}
        self._parkings: list[Parking] = []
        self._dashboard: dict[UUID, DashboardRow] = {}
        self._copying: asyncio.Task[None] | None = None
        self._events = 0

    async def take(self, items: Sequence[Item]) -> None:
        """Fold a chunk, and copy the rows that stay as they are while the next chunk is on its way."""
        self._pass_over_discarded(items)
        plan: Plan = make_plan(self._types, self._streams, items)
        plan.settle({})
        events = plan.events
        self._positions.update(plan.moved)
        self._parkings += plan.parkings
        self._events += len(events)
        rows = self._rows_of(events)
        await self._copied()
        self._copying = asyncio.create_task(self._copy(rows))

    async def finish(self) -> int:
        """Write what was folded and the positions, and return how many facts that were."""
        await self._copied()
        if Projection.DISTRICT_DASHBOARD in self._projections:
            await self._copy({Projection.DISTRICT_DASHBOARD: list(self._dashboard.values())})
        waiting = [parking for parking in self._parkings if self._still_waits(parking)]
        for projection in self._projections:
            await generations.copy_positions(self._connection, projection, self._positions)
            if waiting:
                await park(self._connection, projection.consumer, waiting)
        return self._events

    def _pass_over_discarded(self, items: Sequence[Item]) -> None:
        if not self._discarded:
            return
        for item in items:
            if item.address is not None and (item.address.subject, item.address.sequence) in self._discarded:
                item.address = item.address._replace(type=PASSED_OVER)

    def _rows_of(self, events: Sequence[Event]) -> dict[Projection, list[tuple[Any, ...]]]:
        rows: dict[Projection, list[tuple[Any, ...]]] = {}
        if Projection.BUSINESS_TIMELINE in self._projections:
            rows[Projection.BUSINESS_TIMELINE] = [timeline_row(event) for event in events]
        if Projection.CLASS_HISTORY in self._projections:
            rows[Projection.CLASS_HISTORY] = [row for event in events if (row := class_row(event)) is not None]
        if Projection.DISTRICT_DASHBOARD in self._projections:
            dashboard = self._dashboard
            for event in events:
                key: UUID = event.fact.business_id  # type: ignore[attr-defined]  # every fact of this topic has one
                dashboard[key] = evolve(dashboard.get(key), event)
        return rows

    async def _copy(self, rows: dict[Projection, list[tuple[Any, ...]]]) -> None:
        for projection, chunk in rows.items():
            await generations.copy_rows(self._connection, projection, chunk)

    async def _copied(self) -> None:
        if self._copying is not None:
            await self._copying
            self._copying = None

    def _still_waits(self, parking: Parking) -> bool:
        address = parking.item.address
        return address is None or address.sequence > self._positions.get(address.subject, 0)
