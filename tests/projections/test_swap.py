"""The swap of a rebuild: all streams are looked at before it, under its lock those alone that moved, and none is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from random import Random
from uuid import uuid4

import asyncpg
import pytest

from services.projections.commands import RebuildProjections
from services.projections.domain.dashboard import DashboardRow, fold
from services.projections.handlers.rebuilding import Rebuild, RebuildRefusedError
from services.projections.store import swapping
from shared.consumer import apply_batch
from shared.envelope import Event
from tests.projections.logs import MemoryLog, TimedLog
from tests.projections.rebuilds import BUSINESS, Bench
from tests.projections.stories import random_story
from tests.projections.test_batches import LIVE, SOUND, effects
from tests.stack.servers import Database

CATCH_UP, LOOKED, LOCKED, LOOKED_AGAIN = 2, 3, 4, 5
"""The times that a rebuild asks the log for its ends: when it has loaded, when it has looked at all streams, under the
lock if something was applied live since, and in the next attempt. A roll-back does not load: there it is one less."""
FACTS = 9
NOTED = "SELECT count(*) FROM moved_stream"


class Office:
    """Thirty businesses, of which facts are published and applied at chosen moments of a rebuild."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.log = bench.log = TimedLog()
        self._lives = [random_story(seed, FACTS) for seed in range(500, 530)]
        self._out = [0] * len(self._lives)

    def publish(self, businesses: Iterable[int], facts: int = 1) -> None:
        """Publish the next facts of some businesses."""
        for number in businesses:
            start, self._out[number] = self._out[number], min(FACTS, self._out[number] + facts)
            self.log.publish(self._lives[number][start : self._out[number]])

    async def publish_later(self, businesses: Sequence[int], *, applied: bool) -> None:
        """Publish, as something that happens during a rebuild; the live consumer may apply it at once."""
        self.publish(businesses)
        if applied:
            await self.bench.go_on()

    async def check(self) -> None:
        """Let the live consumer come to the end: rows must be what the rules say of all facts, and the audit sound."""
        await self.bench.go_on()
        published: list[Event] = [
            event for life, out in zip(self._lives, self._out, strict=True) for event in life[:out]
        ]
        rows = await self.bench.auditor.fetch("TABLE district_dashboard")
        assert {str(row[0]): DashboardRow(*row) for row in rows} == fold({}, published)
        assert await self.bench.auditor.fetchval("SELECT count(*) FROM business_timeline") == len(published)
        assert await effects(self.bench.auditor) == SOUND

    async def check_books(self) -> None:
        """The generations that are not live must stand where the live consumer stands, as if all streams were looked at."""
        live = await self.bench.positions()
        for projection in BUSINESS:
            assert await self.bench.positions(projection.consumer) == live


@pytest.fixture
async def office(bench: Bench) -> Office:
    made = Office(bench)
    made.publish(range(20), 4)
    await bench.go_on()
    return made


@pytest.mark.parametrize("applied", [True, False], ids=["applied live", "not applied live"])
@pytest.mark.parametrize("moment", ["loaded", "looked", "under the lock"])
async def test_a_swap_misses_nothing_that_comes_late(office: Office, moment: str, applied: bool) -> None:
    def late(less: int, businesses: Sequence[int]) -> None:
        come = partial(office.publish_later, businesses, applied=applied)
        time = (CATCH_UP if moment == "loaded" else LOOKED) - less
        if moment == "under the lock":
            office.log.plan({LOCKED - less: partial(office.publish_later, [1, 27], applied=False)}, {time: come})
        else:
            office.log.plan({time: come})

    late(0, [0, 0, 3, 25])
    assert (await office.bench.rebuild()).swapped
    await office.check_books()
    await office.check()
    late(1, [0, 7, 26])
    assert (await office.bench.roll_back()).swapped
    await office.check_books()
    await office.check()


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_in_between_rows_and_positions_are_right(office: Office, seed: int) -> None:
    dice = Random(seed)

    async def something(*, applied: bool = True) -> None:
        office.publish(dice.choices(range(30), k=dice.randrange(9)))
        if applied and dice.random() < 0.6:
            await office.bench.go_on(upto=dice.randrange(len(office.log.order) + 1))

    unapplied = partial(something, applied=False)
    for roll_back in (False, True, False):
        start = 2 if roll_back else 1
        before = {1: something, CATCH_UP: something, LOOKED: something, LOCKED: unapplied, LOOKED_AGAIN: unapplied}
        after = {CATCH_UP: something, LOOKED: something} if dice.random() < 0.7 else {}
        office.log.plan(
            {time - start + 1: what for time, what in before.items() if time >= start},
            {time - start + 1: what for time, what in after.items()},
        )
        assert (await (office.bench.roll_back() if roll_back else office.bench.rebuild())).swapped
        await office.check_books()
    await office.check()


async def test_a_fact_that_the_live_generation_alone_was_given_is_noticed_under_the_lock(office: Office) -> None:
    async def apply_from_elsewhere() -> None:
        elsewhere = MemoryLog()
        elsewhere.publish(random_story(4242, 2))
        await apply_batch(office.bench.live, LIVE, elsewhere.items())

    office.log.plan({LOOKED: apply_from_elsewhere})
    with pytest.raises(RebuildRefusedError, match=r"could not be brought .* 1 by projections@class_history"):
        await office.bench.rebuild()
    assert await office.bench.states() == ["live", "ready"]


@pytest.mark.parametrize("roll_back", [False, True], ids=["rebuild", "roll-back"])
async def test_a_fact_that_is_discarded_at_the_last_moment_is_noticed_under_the_lock(
    office: Office, roll_back: bool
) -> None:
    async def discard_live() -> None:
        query = "INSERT INTO parked_history (consumer, aggregate_id, sequence, action) VALUES ('projections', $1, 3, 'discarded')"
        await office.bench.live.execute(query, uuid4())

    if roll_back:
        assert (await office.bench.rebuild()).swapped
    office.log.plan({}, {LOOKED - roll_back: discard_live})
    with pytest.raises(RebuildRefusedError, match="not swapped: 1 facts were discarded meanwhile"):
        await (office.bench.roll_back() if roll_back else office.bench.rebuild())
    assert await office.bench.states() == (["standby", "live"] if roll_back else ["live", "ready"])


async def test_a_batch_that_began_unnoted_is_waited_for_and_holds_no_other_batch_up(
    office: Office, projections_db: Database
) -> None:
    office.publish([1, 2, 28])
    items = office.log.items(office.bench.applied)
    # A batch in the middle of its transaction: it has moved a position, and is not committed.
    async with office.bench.live.transaction():
        await apply_batch(office.bench.live, LIVE, items[:1])
        watcher = asyncio.create_task(office.bench.rebuild())
        await _until_waiting(office.bench)
        async with asyncio.timeout(30):
            other = await asyncpg.connect(projections_db.dsn)
            await apply_batch(other, LIVE, items[1:])
            await other.close()
        assert not watcher.done()
    office.bench.applied += len(items)
    assert (await watcher).swapped
    await office.check_books()
    await office.check()


async def _until_waiting(bench: Bench) -> None:
    async with asyncio.timeout(10):
        while not await bench.auditor.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("moment", [LOOKED, LOCKED], ids=["after the look", "under the lock"])
async def test_a_rebuild_that_is_killed_at_its_swap_leaves_no_watch_behind(office: Office, moment: int) -> None:
    bench = office.bench
    victim = await asyncpg.connect(bench.migrate_dsn)

    async def die() -> None:
        victim.terminate()

    come = partial(office.publish_later, [0, 3, 25], applied=True)
    office.log.plan({moment: die}, {LOOKED: come} if moment == LOCKED else {CATCH_UP: come})
    with pytest.raises((asyncpg.InterfaceError, OSError)):
        await Rebuild(victim, office.log, BUSINESS, "projections").rebuild(RebuildProjections(BUSINESS))
    await bench.until_unlocked()
    noted = await bench.auditor.fetchval(NOTED)
    office.publish([1, 2, 27])
    await office.check()
    assert await bench.auditor.fetchval(NOTED) == noted
    assert await bench.states() == ["live", "ready"]
    office.log.plan({LOOKED: partial(office.publish_later, [0, 7, 26], applied=True)})
    assert (await bench.rebuild()).swapped
    await office.check_books()
    await office.check()


async def test_a_swap_that_a_reader_held_up_is_tried_again_and_loses_nothing(
    office: Office, projections_db: Database
) -> None:
    reader = await asyncpg.connect(projections_db.dsn)
    reading = reader.transaction()

    async def read_for_long() -> None:
        await office.publish_later([0, 3, 25], applied=True)
        await reading.start()
        await reader.fetchval("SELECT count(*) FROM class_history")

    office.log.plan({LOOKED_AGAIN: reading.rollback}, {LOOKED: read_for_long})
    assert (await office.bench.rebuild()).swapped
    await reader.close()
    await office.check_books()
    await office.check()


async def test_what_moves_is_noted_only_while_a_rebuild_watches(office: Office) -> None:
    bench = office.bench
    assert await bench.auditor.fetchval(NOTED) == 0
    async with swapping.watching(bench.owner, BUSINESS):
        before = await bench.auditor.fetchval(NOTED)
        office.publish([4, 5])
        await bench.go_on()
        assert await bench.auditor.fetchval(NOTED) == before + 2
    office.publish([6])
    await bench.go_on()
    assert await bench.auditor.fetchval(NOTED) == before + 2
