"""Load one partition of the log into a new generation, by COPY: facts folded in memory, no index in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import astuple

from services.projections.commands import Projection
from services.projections.domain.keeping import stream_of
from services.projections.domain.making import MAKINGS, TYPES, Columns, settle
from services.projections.domain.standing import ledger_rows
from services.projections.domain.trusted import AnyEvent, Trusted, read_trusted
from services.projections.store import generations
from shared.consumer.ordering import Streams
from shared.consumer.planning import Plan, make_plan
from shared.consumer.records import Item, KafkaRecord, read_item
from shared.consumer.store import Parking, park
from shared.database import Connection
from shared.envelope import Event
from shared.partitioning import digests_of

SUBJECT, SEQUENCE, TYPE = "ce_subject", "ce_sequence", "ce_type"
PASSED_OVER = "discarded"
"""Stands in for the type of a fact that an operator discarded: of no type that is applied."""


def at_home(records: Sequence[KafkaRecord], partition: int, partitions: int) -> list[bool]:
    """Tell of each record whether its key belongs to its partition now; keys move when a topic gets more partitions.

    A record whose key cannot be read is at home wherever it is.
    """
    keys = [record.key for record in records]
    known = [number for number, key in enumerate(keys) if key is not None and key.isascii()]
    homes = [partition] * len(records)
    for number, digest in zip(known, digests_of([str(keys[n], "ascii") for n in known]), strict=True):  # type: ignore[arg-type]
        homes[number] = digest % partitions
    return [home == partition for home in homes]


def pass_over(item: Item, discarded: Collection[tuple[str, int]]) -> Item:
    """Return the record; a fact that an operator discarded is made one of no type that is applied.

    In its headers too: where it has to wait it is parked, and read again from these.
    """
    address = item.address
    if address is not None and (address.subject, address.sequence) in discarded:
        item.address = address._replace(type=PASSED_OVER)
        item.raw_headers = [(name, PASSED_OVER.encode() if name == TYPE else value) for name, value in item.raw_headers]
    return item


class PartitionLoader:
    """Takes the records of one partition of a topic in order. Memory: a kept row per stream of it, and one chunk.

    Records that were published before their key moved to another partition are passed over and noted in ``strayed``.

    ``turn`` is held for each use of the connection, which the loaders of a rebuild share. ``live`` are the positions
    of the live consumer: what it applied is not validated a second time. ``projections`` are made of this topic.
    """

    def __init__(
        self,
        connection: Connection,
        turn: asyncio.Lock,
        projections: Collection[Projection],
        topic: str,
        discarded: set[tuple[str, int]],
        live: Mapping[str, int],
        partition: int = 0,
        partitions: int = 1,
    ) -> None:
        self.partition = partition
        self.strayed = False
        """The partition holds records whose key belongs to another one now."""
        self._partitions = partitions
        self._connection = connection
        self._turn = turn
        self._projections = projections
        self._topic = topic
        self._discarded = discarded
        self._odd = {subject for subject, _ in discarded}
        """What went the checked way once stays there: only that way knows what it parked and how far it has come."""
        self._live = live
        self._streams = Streams({})
        self._positions: dict[str, int] = {}
        self._parkings: list[Parking] = []
        self._kept: dict[Projection, dict[UUID, Any]] = {name: {} for name in projections if MAKINGS[name].evolve}
        self._last: dict[Projection, dict[UUID, Any]] = {name: {} for name in projections if MAKINGS[name].step}
        self._copying: asyncio.Task[None] | None = None
        self._events = 0

    async def take(self, records: Sequence[KafkaRecord]) -> None:
        """Fold a chunk, and copy the rows that stay as they are while the next chunk is on its way."""
        home = at_home(records, self.partition, self._partitions)
        if not all(home):
            self.strayed = True
            records = [record for record, ours in zip(records, home, strict=True) if ours]
        events = self._read(records)
        self._events += len(events)
        rows = self._rows_of(settle(events))
        await self._copied()
        self._copying = asyncio.create_task(self._copy(rows))

    async def finish(self) -> int:
        """Write what was folded and the positions, and return how many facts that were."""
        await self._copied()
        await self._copy({name: [astuple(row) for row in rows.values()] for name, rows in self._kept.items()})
        waiting = [parking for parking in self._parkings if self._still_waits(parking)]
        for projection in self._projections:
            async with self._turn:
                await generations.copy_positions(self._connection, projection, self._topic, self._positions)
                if waiting:
                    await park(self._connection, projection.consumer, waiting)
        return self._events

    def _read(self, records: Sequence[KafkaRecord]) -> list[AnyEvent]:
        """Return the facts to apply, in order; what is out of order, new or odd goes the consumer layer's way."""
        events: list[AnyEvent] = []
        for record in records:
            trusted = self._read_trusted(record)
            if trusted is None:
                events += self._read_checked(read_item(record))
            else:
                events.append(trusted)
        return events

    def _read_trusted(self, record: KafkaRecord) -> Trusted | None:
        """Return the fact if the live consumer applied this very sequence and it is next here; else ``None``."""
        headers = dict(record.headers)
        if record.value is None or len(headers) != len(record.headers) or None in headers.values():
            return None
        try:
            subject, sequence = headers[SUBJECT].decode("ascii"), int(headers[SEQUENCE])  # type: ignore[union-attr, arg-type]
            type_name = headers[TYPE].decode("ascii")  # type: ignore[union-attr]
            applied_live = sequence <= self._live[subject] and type_name in TYPES
            if not applied_live or subject in self._odd or (subject, sequence) in self._discarded:
                return None
            if sequence != self._positions.get(subject, 0) + 1:
                return None
            event = read_trusted(type_name, sequence, headers, record.value)  # type: ignore[arg-type]
        except (ValueError, KeyError):
            return None
        self._positions[subject] = sequence
        return event

    def _read_checked(self, item: Item) -> list[Event]:
        address = pass_over(item, self._discarded).address
        if address is not None and address.subject not in self._odd:
            self._odd.add(address.subject)
            self._streams.stored[address.subject] = self._positions.get(address.subject, 0)
        plan: Plan = make_plan(TYPES, self._streams, [item])
        plan.settle({})
        self._positions.update(plan.moved)
        self._parkings += plan.parkings
        return plan.events

    def _rows_of(self, events: Sequence[AnyEvent]) -> dict[Projection, list[Columns]]:
        """Return the rows that never change, and fold into those that do."""
        rows: dict[Projection, list[Columns]] = {}
        for projection in self._projections:
            if (tell := MAKINGS[projection].tell) is not None:
                rows[projection] = tell(events)
        for projection, kept in self._kept.items():
            if (evolve := MAKINGS[projection].evolve) is not None:
                for event in events:
                    stream_id = stream_of(event.fact)
                    kept[stream_id] = evolve(kept.get(stream_id), event)
        for projection, last in self._last.items():
            if (step := MAKINGS[projection].step) is not None:
                rows[projection] = ledger_rows(step, last, events)
        return rows

    async def _copy(self, rows: dict[Projection, list[Columns]]) -> None:
        for projection, chunk in rows.items():
            async with self._turn:
                await generations.copy_rows(self._connection, projection, chunk)

    async def _copied(self) -> None:
        if self._copying is not None:
            await self._copying
            self._copying = None

    def _still_waits(self, parking: Parking) -> bool:
        address = parking.item.address
        return address is None or address.sequence > self._positions.get(address.subject, 0)
