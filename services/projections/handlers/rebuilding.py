"""Rebuild a projection beside live traffic: load the log whole, catch up, compare, swap; or go back.

The other generation is filled from the first fact on. Up to the end that the log had at the start it is loaded by COPY
into tables without indexes, partition by partition; from there on by the consumer layer itself, under a position
book of its own. For the swap the live consumer's batches wait a moment, the rest is caught up, and three renames
exchange the tables. Facts that a table holds already change nothing, so the live consumer may come to them later.
A rebuild that is killed leaves the live tables as they were, and can simply be started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, Protocol

from services.projections.commands import Projection, RebuildProjections, RollBackProjections
from services.projections.handlers.loading import PartitionLoader, at_home
from services.projections.handlers.projecting import write_batch
from services.projections.store import generations
from services.projections.store.generations import Comparison, SwapBusyError
from shared.consumer import Definition, apply_batch
from shared.consumer.records import KafkaRecord, read_item
from shared.contracts import CONTRACTS
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import Connection
from shared.envelope import Event

TYPES = frozenset(name for name, fact in CONTRACTS.items() if fact.TOPIC == BUSINESS_TOPIC)
"""The CloudEvents types that the projections are made of."""

Offsets = dict[int, int]
"""Partition → offset of the next record."""

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and of how much."""

SWAP_SECONDS = 5.0
SWAP_ATTEMPTS = 5


class Log(Protocol):
    """The topic of the facts, as a rebuild reads it: without a group, committing nothing."""

    async def ends(self) -> Offsets:
        """Return where each partition ends now."""
        ...

    def read(self, starts: Offsets, ends: Offsets) -> AsyncIterator[list[KafkaRecord]]:
        """Yield the records of the partitions in ``starts``, in chunks, up to ``ends``."""
        ...


class RebuildRefusedError(RuntimeError):
    """The rebuild or the swap was not done; the message says why and what to do. The live tables are as they were."""


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What became of a rebuild or a roll-back, for all its projections."""

    projections: tuple[str, ...]
    events: int
    """Facts loaded from the log."""
    load_seconds: float
    """From the start to indexed tables."""
    events_per_second: int
    comparisons: dict[str, dict[str, Any]]
    equal: bool
    """Nothing that could be compared differs."""
    swapped: bool
    swap_seconds: float
    """How long the batches of the live consumer waited."""
    seconds: float


class Rebuild:
    """One run over some projections, on one connection of the migrating login."""

    def __init__(
        self,
        connection: Connection,
        log: Log,
        projections: Sequence[Projection],
        running_login: str,
        progress: Progress = lambda stage, done, total: None,
    ) -> None:
        self._connection = connection
        self._log = log
        self._projections = tuple(projections)
        self._running_login = running_login
        self._progress = progress
        self._definitions = [_definition(projection) for projection in self._projections]
        self._offsets: Offsets = {}
        self._events = 0
        self._load_seconds = 0.0
        self._swap_seconds = 0.0
        self._started = monotonic()

    async def rebuild(self, command: RebuildProjections) -> RebuildResult:
        """Make a new generation and, unless told otherwise, swap it in. Raises ``RebuildRefusedError``."""
        await self._claim()
        for projection in self._projections:
            await generations.begin(self._connection, projection, self._running_login)
        await self._load()
        await self._catch_up(await self._log.ends(), "catch up")
        comparisons = await self._compare()
        result = self._result(comparisons, swapped=False)
        for projection in self._projections:
            await generations.mark_ready(self._connection, projection, asdict(result))
        if not command.swap or not (result.equal or command.accept_differences):
            return result
        await self._swap()
        return self._result(comparisons, swapped=True)

    async def roll_back(self, command: RollBackProjections) -> RebuildResult:
        """Bring the generation before up to date and swap it back in. Raises ``RebuildRefusedError``."""
        await self._claim()
        for projection in command.projections:
            if await generations.standby_state(self._connection, projection) is None:
                raise RebuildRefusedError(f"{projection.value}: there is no other generation to go back to")
        ends = await self._log.ends()
        self._offsets = dict.fromkeys(ends, 0)
        await self._catch_up(ends, "catch up")
        await self._swap()
        return self._result({}, swapped=True)

    async def _claim(self) -> None:
        for projection in self._projections:
            if not await generations.lock_rebuild(self._connection, projection):
                raise RebuildRefusedError(f"{projection.value}: another rebuild runs; wait for it")

    async def _load(self) -> None:
        ends = await self._log.ends()
        total, done = sum(ends.values()), 0
        discarded = await generations.discarded(self._connection)
        live = await generations.live_positions(self._connection)
        turn, finishing, strayed = asyncio.Lock(), list[asyncio.Task[int]](), list[int]()
        try:
            for partition, end in sorted(ends.items()):
                loader = PartitionLoader(
                    self._connection, turn, self._projections, TYPES, discarded, live, partition, len(ends)
                )
                async for records in self._log.read({partition: 0}, {partition: end}):
                    await loader.take(records)
                    done += len(records)
                    self._progress("load", done, total)
                strayed += [partition] if loader.strayed else []
                # Written while the next partition is read; the lock gives one of them at a time the connection.
                finishing.append(asyncio.create_task(loader.finish()))
            self._events = sum([await task for task in finishing])
        finally:
            await asyncio.gather(*finishing, return_exceptions=True)
        for number, projection in enumerate(self._projections, 1):
            await generations.finish_load(self._connection, projection)
            self._progress("index", number, len(self._projections))
        await self._apply_strays(strayed, ends)
        self._offsets = ends
        self._load_seconds = monotonic() - self._started

    async def _apply_strays(self, strayed: Sequence[int], ends: Offsets) -> None:
        """Apply what was published before its key moved to another partition, as the topic grew.

        What came after it in the other partition has been parked as a gap, and is released by it.
        """
        for partition in strayed:
            async for records in self._log.read({partition: 0}, {partition: ends[partition]}):
                home = at_home(records, partition, len(ends))
                items = [read_item(record) for record, ours in zip(records, home, strict=True) if not ours]
                plans = [await apply_batch(self._connection, definition, items) for definition in self._definitions]
                self._events += len(plans[0].events)

    async def _catch_up(self, ends: Offsets, stage: str, deadline: float | None = None) -> None:
        total = sum(ends.values()) - sum(self._offsets.values())
        done = 0
        async for records in self._log.read(self._offsets, ends):
            items = [read_item(record) for record in records]
            for definition in self._definitions:
                await apply_batch(self._connection, definition, items)
            done += len(items)
            self._progress(stage, done, total)
            if deadline is not None and monotonic() > deadline:
                raise SwapBusyError("catching up took too long")
        self._offsets = ends

    async def _compare(self) -> dict[str, Comparison]:
        found: dict[str, Comparison] = {}
        for number, projection in enumerate(self._projections, 1):
            found[projection.value] = await generations.compare(self._connection, projection)
            self._progress("compare", number, len(self._projections))
        return found

    async def _swap(self) -> None:
        for attempt in range(1, SWAP_ATTEMPTS + 1):
            await self._catch_up(await self._log.ends(), "catch up")
            before = dict(self._offsets)
            try:
                await self._swap_once()
            except SwapBusyError as error:
                self._offsets = before
                if attempt == SWAP_ATTEMPTS:
                    raise RebuildRefusedError(
                        f"not swapped: {error}; the new generation is ready, try again"
                    ) from error
            else:
                return

    async def _swap_once(self) -> None:
        async with self._connection.transaction():
            await generations.stop_batches(self._connection)
            stopped = monotonic()
            await self._catch_up(await self._log.ends(), "swap", stopped + SWAP_SECONDS)
            for projection in self._projections:
                behind = await generations.count_behind(self._connection, projection)
                if behind:
                    raise RebuildRefusedError(
                        f"{projection.value}: not swapped, {behind} businesses could not be brought as far as the live "
                        "generation; see the parked events of " + projection.consumer
                    )
                await generations.swap_names(self._connection, projection)
        self._swap_seconds = monotonic() - stopped

    def _result(self, comparisons: dict[str, Comparison], *, swapped: bool) -> RebuildResult:
        return RebuildResult(
            projections=tuple(projection.value for projection in self._projections),
            events=self._events,
            load_seconds=round(self._load_seconds, 3),
            events_per_second=round(self._events / self._load_seconds) if self._load_seconds else 0,
            comparisons={name: asdict(comparison) for name, comparison in comparisons.items()},
            equal=all(comparison.differing == 0 for comparison in comparisons.values()),
            swapped=swapped,
            swap_seconds=round(self._swap_seconds, 3),
            seconds=round(monotonic() - self._started, 3),
        )


def _definition(projection: Projection) -> Definition:
    async def apply(connection: Connection, events: Sequence[Event]) -> None:
        await write_batch(connection, events, (projection,), standby=True)

    return Definition(projection.consumer, TYPES, apply)
