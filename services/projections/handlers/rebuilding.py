"""Rebuild a projection beside live traffic: load the log whole, catch up, compare, swap; or go back.

The other generation is filled from the first fact on. Up to the end that the log had at the start it is loaded by COPY
into tables without indexes, partition by partition; from there on by the consumer layer itself, under a position
book of its own. For the swap all streams are looked at once while batches go on. Then these wait a moment, in which
only the streams that moved since are looked at, and three renames exchange the tables (decision 19). Facts that a
table holds already change nothing, so the live consumer may come to them later.
A rebuild that is killed leaves the live tables as they were, and can simply be started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from time import monotonic
from typing import Any, Protocol

from services.projections.commands import Projection, RebuildProjections, RollBackProjections
from services.projections.domain.making import MAKINGS, TYPES, topics_of
from services.projections.handlers.loading import PartitionLoader, at_home, pass_over
from services.projections.handlers.projecting import write_batch
from services.projections.store import generations, swapping
from services.projections.store.generations import Comparison
from services.projections.store.swapping import SwapBusyError
from shared.consumer import Definition, apply_batch
from shared.consumer.records import KafkaRecord, read_item
from shared.database import Connection
from shared.envelope import Event
from shared.trail import Deed

Place = tuple[str, int]
"""Topic and partition."""

Offsets = dict[Place, int]
"""Offset of the next record of each place."""

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and of how much."""

SWAP_SECONDS = 5.0
SWAP_ATTEMPTS = 5
REBUILT = "a new generation was put in the place of the live one"
ROLLED_BACK = "the generation before was put back in its place"
"""What the trail says of a swap; there is no other reason."""
CATCH_UPS = 20
"""How often the log is asked for more before the batches are stopped; while facts come fast there is always more."""


class Log(Protocol):
    """The topics of the facts, as a rebuild reads them: without a group, committing nothing."""

    async def ends(self) -> Offsets:
        """Return where each partition of each topic ends now."""
        ...

    def read(self, starts: Offsets, ends: Offsets) -> AsyncIterator[list[KafkaRecord]]:
        """Yield the records of the places in ``starts``, in chunks, up to ``ends``."""
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
        self._topics = topics_of(projections)
        self._running_login = running_login
        self._progress = progress
        self._definitions = [(MAKINGS[name].topics, _definition(name)) for name in self._projections]
        self._offsets: Offsets = {}
        self._discarded: set[tuple[str, int]] = set()
        """Facts that an operator took out of the live generation, and that the other one leaves out too."""
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
        self._progress("catch up", 0, 0)  # also where nothing came meanwhile: who watches sees every stage
        await self._catch_up(await self._ends(), "catch up")
        comparisons = await self._compare()
        result = self._result(comparisons, swapped=False)
        for projection in self._projections:
            await generations.mark_ready(self._connection, projection, asdict(result))
        if not command.swap or not (result.equal or command.accept_differences):
            return result
        await self._swap(Deed(command.actor, "cli", "rebuild", "projection", REBUILT, {"equal": result.equal}))
        return self._result(comparisons, swapped=True)

    async def roll_back(self, command: RollBackProjections) -> RebuildResult:
        """Bring the generation before up to date and swap it back in. Raises ``RebuildRefusedError``."""
        await self._claim()
        for projection in command.projections:
            if await generations.standby_state(self._connection, projection) is None:
                raise RebuildRefusedError(f"{projection.value}: there is no other generation to go back to")
        self._discarded = await generations.discarded(self._connection)
        for projection in command.projections:
            await self._refuse_if_discarded_since(projection)
        ends = await self._ends()
        self._offsets = dict.fromkeys(ends, 0)
        await self._catch_up(ends, "catch up")
        await self._swap(Deed(command.actor, "cli", "rollback", "projection", ROLLED_BACK, {}))
        return self._result({}, swapped=True)

    async def _claim(self) -> None:
        for projection in self._projections:
            if not await generations.lock_rebuild(self._connection, projection):
                raise RebuildRefusedError(f"{projection.value}: another rebuild runs; wait for it")

    async def _load(self) -> None:
        ends = await self._ends()
        total, done = sum(ends.values()), 0
        discarded = self._discarded = await generations.discarded(self._connection)
        live = await generations.live_positions(self._connection, self._topics)
        turn, finishing, strayed = asyncio.Lock(), list[asyncio.Task[int]](), list[Place]()
        try:
            for place, end in sorted(ends.items()):
                loader = PartitionLoader(
                    self._connection,
                    turn,
                    self._made_of(place[0]),
                    place[0],
                    discarded,
                    live,
                    place[1],
                    _size(ends, place),
                )
                async for records in self._log.read({place: 0}, {place: end}):
                    await loader.take(records)
                    done += len(records)
                    self._progress("load", done, total)
                strayed += [place] if loader.strayed else []
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

    async def _ends(self) -> Offsets:
        """Return where the partitions of the topics that these projections are made of end now."""
        return {place: end for place, end in (await self._log.ends()).items() if place[0] in self._topics}

    def _made_of(self, topic: str) -> list[Projection]:
        return [projection for projection in self._projections if topic in MAKINGS[projection].topics]

    async def _apply_strays(self, strayed: Sequence[Place], ends: Offsets) -> None:
        """Apply what was published before its key moved to another partition, as the topic grew.

        What came after it in the other partition has been parked as a gap, and is released by it.
        """
        for place in strayed:
            async for records in self._log.read({place: 0}, {place: ends[place]}):
                home = at_home(records, place[1], _size(ends, place))
                self._events += await self._apply(
                    [record for record, ours in zip(records, home, strict=True) if not ours]
                )

    async def _apply(self, records: Sequence[KafkaRecord]) -> int:
        """Apply records by the consumer layer, each to the projections that are made of its topic; return how many facts.

        What an operator discarded is passed over here too: no loader has seen it where its key moved.
        """
        facts, items = 0, [pass_over(read_item(record), self._discarded) for record in records]
        for topics, definition in self._definitions:
            if mine := [item for item in items if item.topic in topics]:
                facts = max(facts, len((await apply_batch(self._connection, definition, mine)).events))
        return facts

    async def _catch_up(self, ends: Offsets, stage: str, deadline: float | None = None) -> int:
        """Apply what the log holds up to ``ends``, and return how many records that were."""
        total = sum(ends.values()) - sum(self._offsets.values())
        done = 0
        async for records in self._log.read(self._offsets, ends):
            await self._apply(records)
            done += len(records)
            self._progress(stage, done, total)
            if deadline is not None and monotonic() > deadline:
                raise SwapBusyError("catching up took too long")
        self._offsets = ends
        return done

    async def _compare(self) -> dict[str, Comparison]:
        found: dict[str, Comparison] = {}
        for number, projection in enumerate(self._projections, 1):
            found[projection.value] = await generations.compare(self._connection, projection)
            self._progress("compare", number, len(self._projections))
        return found

    async def _swap(self, deed: Deed) -> None:
        """Swap, and tell of it in the trail: ``deed`` is written once for each projection, in the transaction of the swap."""
        for attempt in range(1, SWAP_ATTEMPTS + 1):
            try:
                async with swapping.watching(self._connection, self._projections):
                    await self._swap_once(deed)
            except SwapBusyError as error:
                if attempt == SWAP_ATTEMPTS:
                    raise RebuildRefusedError(
                        f"not swapped: {error}; the new generation is ready, try again"
                    ) from error
            else:
                return

    async def _swap_once(self, deed: Deed) -> None:
        before = self._offsets
        try:
            async with self._connection.transaction():
                await swapping.keep_vacuum_away(self._connection, self._projections)
                # What came while all streams were looked at is applied before the batches wait, not while they do.
                for _ in range(CATCH_UPS):
                    if not await self._catch_up(await self._ends(), "catch up"):
                        break
                await swapping.stop_batches(self._connection)
                stopped = monotonic()
                # What the live consumer has not applied yet it will apply to the new generation.
                if await swapping.behind(self._connection, self._projections):
                    await self._catch_up(await self._ends(), "swap", stopped + SWAP_SECONDS)
                    await self._refuse_if_behind()
                await self._refuse_if_discarded_now()
                await swapping.swap(self._connection, self._projections)
                await swapping.tell(self._connection, self._projections, deed)
        except SwapBusyError:
            self._offsets = before  # what was caught up with went with the transaction
            raise
        self._swap_seconds = monotonic() - stopped

    async def _refuse_if_behind(self) -> None:
        if behind := await swapping.behind(self._connection, self._projections):
            raise RebuildRefusedError(
                "not swapped: streams could not be brought as far as the live generation, "
                + ", ".join(f"{streams} by {consumer}" for consumer, streams in behind.items())
                + "; see the parked events of these consumers"
            )

    async def _refuse_if_discarded_since(self, projection: Projection) -> None:
        """The other generation would apply what an operator took out of the live one, and nobody would notice."""
        if facts := await generations.count_discarded_unheard(self._connection, projection, MAKINGS[projection].topics):
            raise RebuildRefusedError(
                f"{projection.value}: {facts} facts were discarded since the other generation was the live one, and it "
                "would bring them back; rebuild instead: a new generation leaves them out"
            )

    async def _refuse_if_discarded_now(self) -> None:
        """A fact that is discarded while this runs may be in the other generation already."""
        if facts := len(await generations.discarded(self._connection) - self._discarded):
            raise RebuildRefusedError(f"not swapped: {facts} facts were discarded meanwhile; start it again")

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


def _size(ends: Offsets, place: Place) -> int:
    """Return how many partitions the topic of a place has."""
    return sum(1 for topic, _ in ends if topic == place[0])


def _definition(projection: Projection) -> Definition:
    async def apply(connection: Connection, events: Sequence[Event]) -> None:
        await write_batch(connection, events, (projection,), standby=True)

    return Definition(projection.consumer, TYPES, apply)
