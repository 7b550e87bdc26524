"""Relay, consumer and redrive under every order of events that hypothesis finds; and the machine finds seeded faults."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import Phase, seed
from hypothesis.stateful import run_state_machine_as_test

import shared.relay.relay
from proof.model.invariants import ViolationError
from proof.model.machine import DeliveryMachine, Stage, profile
from proof.model.stepping import SteppedRelay, small_pages
from proof.model.world import THINGS, World, make_ground
from shared.consumer import store
from shared.consumer.ordering import Stream, Verdict
from shared.relay import leadership, publishing, reading
from shared.relay.leadership import Leadership
from shared.relay.reading import Cursor, Round
from tests.stack.servers import Database

SEEDS_AT_MOST = 8
WANTED = {"records repeated", "redriven", "batches applied"}

pytestmark = pytest.mark.timeout(900)  # a failure is made smaller first, which takes its time


@pytest.fixture
def stage(empty_db: Database) -> Iterator[Stage]:
    """A database with the kernel's tables, and an event loop for the machines that run on it."""
    with asyncio.Runner() as runner:
        ground = make_ground(empty_db.dsn, empty_db.migrate_dsn)
        yield Stage(runner.run(ground.__aenter__()), runner)
        runner.run(ground.__aexit__(None, None, None))


def run_machines(stage: Stage, number: int, **other: Any) -> None:
    """Run as many machines as the profile says; a failure tells how to have the same run again."""

    @seed(number)
    def machine() -> DeliveryMachine:
        return DeliveryMachine(stage)

    with small_pages():
        try:
            run_state_machine_as_test(machine, settings=profile(**other))
        except BaseException as error:
            error.add_note(f"the same run again: PROOF_SEED={number}")
            raise


def test_nothing_is_lost_doubled_or_reordered_whatever_happens_in_whatever_order(
    stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    first = int(os.environ.get("PROOF_SEED", random.SystemRandom().randrange(2**32)))
    for number in range(first, first + SEEDS_AT_MOST):  # what is rare may not come up among the machines of one seed
        run_machines(stage, number)
        happened = {name for name, count in stage.counts.items() if count}
        if happened >= WANTED:
            break
    record_property("counts", dict(stage.counts))
    assert happened >= WANTED


def test_what_arrives_while_a_first_event_is_redriven_waits_for_nothing(stage: Stage) -> None:
    world, thing = World(stage.ground), THINGS[0]

    async def story() -> None:
        await world.open()
        await world.end(await world.begin([thing], 2), commit=True)
        await world.start_relay()
        await world.acknowledge_all()
        (first, second) = next(log for log in world.broker.logs if log)
        await world.spoil(thing, 1)
        await world.deliver([first])
        world.effects.poison.clear()
        redriven, delivered = await world.meet([second], other=None)
        await world.check()
        assert (redriven, delivered) == (True, False)
        await world.deliver([second])
        await world.come_to_quiet()

    try:
        stage.runner.run(story())
    finally:
        stage.runner.run(world.close())


def _no_position_check(patch: pytest.MonkeyPatch) -> None:
    """The consumer applies whatever comes."""
    patch.setattr(Stream, "judge", lambda *_: Verdict.APPLY)


def _cursor_stored_first(patch: pytest.MonkeyPatch) -> None:
    """The relay stores its cursor, then publishes."""

    async def publish(self: SteppedRelay, owned: Leadership, shards: list[int], item: Round, waves: Any) -> None:
        await owned.move(shards, item.after, len(item.rows))
        await owned.save()
        await self.publisher.send(waves)

    patch.setattr(SteppedRelay, "_publish", publish)


def _read_by_id(patch: pytest.MonkeyPatch) -> None:
    """The relay reads what has a higher id than the last row it saw."""
    later = f"SELECT pg_current_snapshot()::text AS snapshot, {reading.COLUMNS} FROM outbox WHERE shard = ANY ($1) AND id > $2 ORDER BY id"

    async def rounds(connection: asyncpg.Connection, shards: Sequence[int], cursor: Cursor) -> AsyncIterator[Round]:
        rows = await connection.fetch(later, shards, cursor.last_id)
        if rows:
            yield Round(rows, Cursor(rows[0]["snapshot"], None, rows[-1]["id"]))

    patch.setattr(shared.relay.relay, "rounds", rounds)


def _no_epoch(patch: pytest.MonkeyPatch) -> None:
    """A former owner of a shard may still move its cursor, and does so at once."""
    right = Leadership.move

    async def move(self: Leadership, shards: Sequence[int], cursor: Cursor, published: int) -> None:
        await right(self, shards, cursor, published)
        await self.save()

    patch.setattr(Leadership, "move", move)
    patch.setattr(leadership, "_SAVE", leadership._SAVE.replace("relay_cursor.epoch = mine.epoch", "mine.epoch > 0"))


def _all_waves_at_once(patch: pytest.MonkeyPatch) -> None:
    """The relay does not wait for a batch before it sends the next one of the partition."""

    one_after_another = SteppedRelay._publish

    async def publish(self: SteppedRelay, owned: Leadership, shards: list[int], item: Round, waves: Any) -> None:
        await owned.confirm()
        producer = await self.publisher.start()
        await self.publisher._bounded(asyncio.gather(*(publishing._send_wave(producer, wave) for wave in waves)))
        await one_after_another(self, owned, shards, item, [])

    patch.setattr(SteppedRelay, "_publish", publish)


def _positions_forgotten(patch: pytest.MonkeyPatch) -> None:
    """The consumer applies and forgets to store how far it came."""

    async def move_positions(*_: Any) -> None:
        return

    patch.setattr(store, "move_positions", move_positions)


FAULTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    _no_position_check: "poison without a cause|effects came|applied twice|positions|applied and still parked",
    _positions_forgotten: "positions",
    _cursor_stored_first: "a cursor is past what is not in the log",
    _read_by_id: "a cursor is past what is not in the log|the log holds|the outbox does not empty",
    _no_epoch: "a cursor went back",
    _all_waves_at_once: "the log holds",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__.strip("_"))
def test_a_seeded_fault_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]
) -> None:
    fault(monkeypatch)
    with pytest.raises(ViolationError) as found:
        run_machines(stage, 7, max_examples=200, phases=[Phase.generate], database=None, report_multiple_bugs=False)
    assert re.search(FAULTS[fault], str(found.value)), str(found.value)
