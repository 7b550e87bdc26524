"""A machine that drives relay, consumer and redrive through whatever hypothesis thinks of, and checks after each step.

Every rule is one thing that can happen: a command, a step of a relay, a batch that lands, a death at some point.
``PROOF_EXAMPLES`` and ``PROOF_STEPS`` make it larger, ``PROOF_SEED`` repeats a run; ``PROOF_UNSHRUNK=1`` shows the first
failure as it came, at once, instead of a shorter one after a while.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proof.model.obedient_broker import PARTITIONS, Record, Sending
from proof.model.stepping import SteppedRelay
from proof.model.world import THINGS, Ground, World

EXAMPLES = 40
STEPS = 50
RELAYS = 2
LONG = 2

T = TypeVar("T")

pick = st.integers(0, 5)
"""Which of several, modulo how many there are."""
facts = st.integers(1, 3)
records = st.integers(0, 6)
mix = st.one_of(st.just(0), st.integers(1, 1000))
death = st.sampled_from([0, 0, 0, 1, 1, 2, 3])
"""The call of the effects that the process dies in; 0: it lives."""


@dataclass(slots=True)
class Stage:
    """Where machines run, one after the other, and what they did."""

    ground: Ground
    runner: asyncio.Runner
    counts: Counter[str] = field(default_factory=Counter)


def profile(examples: int = EXAMPLES, steps: int = STEPS, **other: Any) -> settings:
    """Return how long the machine runs: as asked for, or as ``PROOF_EXAMPLES`` and ``PROOF_STEPS`` say."""
    chosen: dict[str, Any] = {
        "max_examples": int(os.environ.get("PROOF_EXAMPLES", examples)),
        "stateful_step_count": int(os.environ.get("PROOF_STEPS", steps)),
        "deadline": None,
        "print_blob": True,
        "verbosity": Verbosity.normal,
        "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        "phases": [Phase.generate] if "PROOF_UNSHRUNK" in os.environ else [Phase.reuse, Phase.generate, Phase.shrink],
    }
    return settings(**chosen | other)


class DeliveryMachine(RuleBasedStateMachine):
    """Writers, up to two relays, a broker, a consumer and its operator."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage
        self._broken = False
        self.world = World(stage.ground)
        self._do(self.world.open())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._stage.runner.run(work)
        except BaseException:
            self._broken = True
            raise

    @invariant()
    def everything_holds(self) -> None:
        """Check the log, the cursors, positions, effects and what is parked."""
        self._stage.counts["steps"] += 1
        self._do(self.world.check())

    def teardown(self) -> None:
        """Come to quiet and check that nothing is missing, unless something failed already."""
        try:
            if not self._broken:
                self._do(self.world.come_to_quiet())
        finally:
            self._stage.runner.run(self.world.close())
            self._stage.counts.update(self.world.figures())
            self._stage.counts["examples"] += 1
            note(f"did: {dict(self.world.counts)}")

    @initialize(count=facts)
    def something_is_there(self, count: int) -> None:
        """Begin with a few facts and a relay that has not read yet."""
        self._do(self._write(THINGS, count, commit=True))
        self._do(self.world.start_relay())

    # Writers

    @precondition(lambda self: self.world.free())
    @rule(which=pick, count=facts, commit=st.sampled_from([True, True, True, False]))
    def command(self, which: int, count: int, commit: bool) -> None:
        """Change an aggregate and append its facts, or roll that back."""
        free = self.world.free()
        self._do(self._write([free[which % len(free)]], count, commit))

    @precondition(lambda self: len(self.world.free()) == len(THINGS))
    @rule(commit=st.booleans())
    def command_on_all(self, commit: bool) -> None:
        """Change every aggregate in one transaction."""
        self._do(self._write(THINGS, 1, commit))

    async def _write(self, things: Any, count: int, commit: bool) -> None:
        await self.world.end(await self.world.begin(things, count), commit=commit)

    @precondition(lambda self: len(self.world.writings) < LONG and self.world.free())
    @rule(which=pick, count=facts)
    def long_command_begins(self, which: int, count: int) -> None:
        """Append facts in a transaction that stays open."""
        free = self.world.free()
        self._do(self.world.begin([free[which % len(free)]], count))

    @precondition(lambda self: self.world.writings)
    @rule(which=pick, commit=st.sampled_from([True, True, False]))
    def long_command_ends(self, which: int, commit: bool) -> None:
        """Commit one of the open transactions, or roll it back."""
        self._do(self.world.end(self.world.writings[which % len(self.world.writings)], commit=commit))

    # Relays

    @precondition(lambda self: len(self.world.relays) < RELAYS)
    @rule()
    def relay_starts(self) -> None:
        """Start a relay: the first one, or a second one that takes its share."""
        self._do(self.world.start_relay())

    @precondition(lambda self: self.world.relays)
    @rule(which=pick)
    def relay_goes_on(self, which: int) -> None:
        """Let a relay read, until it waits for the broker or has nothing to do."""
        self._do(self._relay(which).step())

    @precondition(lambda self: self._flying())
    @rule(which=pick)
    def batch_lands(self, which: int) -> None:
        """Append a batch that is on its way; the sender does not hear of it, and may be gone."""
        flying = self._flying()
        self.world.broker.land(flying[which % len(flying)])

    @precondition(lambda self: self._awaited())
    @rule(which=pick)
    def batch_is_acknowledged(self, which: int) -> None:
        """Tell a relay that its batch is in; it sends the next one, or stores its cursor and goes on."""
        sending = self._one(self._awaited(), which)
        if not sending.landed:
            self.world.broker.land(sending)
        self._do(self.world.answer(sending, kind=True))

    @precondition(lambda self: self._awaited())
    @rule()
    def all_is_acknowledged(self) -> None:
        """Let everything that is sent land and be acknowledged, until nothing is sent any more."""
        self._do(self.world.acknowledge_all())

    @precondition(lambda self: self._awaited())
    @rule(which=pick, lands=st.booleans())
    def request_fails(self, which: int, lands: bool) -> None:
        """Let a relay's request fail, whether its batch is in or not; if not, it may land later."""
        sending = self._one(self._awaited(), which)
        if lands and not sending.landed:
            self.world.broker.land(sending)
        self._do(self.world.answer(sending, kind=False))

    @precondition(lambda self: self.world.relays)
    @rule(which=pick, count=facts)
    def work_goes_on(self, which: int, count: int) -> None:
        """Let a few commands pass, and a relay publish what there is without mishap."""
        for thing in self.world.free():
            self._do(self._write([thing], count, commit=True))
        self._do(self._relay(which).step())
        self._do(self.world.acknowledge_all())

    @precondition(lambda self: self.world.relays)
    @rule(which=pick)
    def relay_dies(self, which: int) -> None:
        """Kill a relay, wherever it stands."""
        self._do(self.world.kill(self._relay(which)))

    @precondition(lambda self: self._awaited())
    @rule(lands=st.integers(0, 3))
    def relay_dies_while_it_sends(self, lands: int) -> None:
        """Kill a relay when none, some or all of a round is in the log, and its cursor is not stored."""
        for sending in self._flying()[:lands]:
            self.world.broker.land(sending)
        self._do(self.world.kill(next(relay for relay in self.world.relays if relay.awaited)))

    @precondition(lambda self: self.world.relays)
    @rule(which=pick)
    def relay_loses_its_locks(self, which: int) -> None:
        """Free a relay's shards behind its back, as if it were paused; it goes on with what it knows."""
        self._do(self.world.lose_lock(self._relay(which)))

    @precondition(lambda self: self._paused() and self.world.free())
    @rule(which=pick, count=facts)
    def another_relay_takes_over(self, which: int, count: int) -> None:
        """Pause a relay that has sent something; another one publishes that too, and what was committed since."""
        paused = self._paused()
        self._do(self._write(self.world.free(), count, commit=True))
        self._do(self.world.take_over(paused[which % len(paused)]))

    @precondition(lambda self: self.world.relays)
    @rule(which=pick)
    def connection_is_cut(self, which: int) -> None:
        """Cut the connection that holds a relay's locks."""
        self._do(self.world.cut(self._relay(which)))

    # The consumer

    @precondition(lambda self: self._waiting())
    @rule(first=records, second=records, how=mix, remembers=st.sampled_from([True, True, False]))
    def batch_is_delivered(self, first: int, second: int, how: int, remembers: bool) -> None:
        """Apply the next records, and commit their offsets, or die before that."""
        batch = self.world.take((first, second), how)
        if self._do(self.world.deliver(batch)) and remembers:
            self.world.remember((first, second))

    @precondition(lambda self: self._waiting())
    @rule(first=st.integers(1, 6), second=st.integers(1, 6), how=mix, dies_at=st.integers(1, 3))
    def consumer_dies(self, first: int, second: int, how: int, dies_at: int) -> None:
        """Let the process die inside the transaction of a batch, in one of the tries that narrow a failure down."""
        if self._do(self.world.deliver(self.world.take((first, second), how), dies_at)):
            self.world.remember((first, second))

    @precondition(lambda self: self._waiting())
    @rule(partition=st.integers(0, PARTITIONS - 1), skip=st.integers(1, 4), count=st.integers(1, 4))
    def later_records_come_first(self, partition: int, skip: int, count: int) -> None:
        """Apply records beyond the next ones, as after a change of the number of partitions."""
        begin = self.world.offsets[partition] + skip
        self._do(self.world.deliver(self.world.broker.logs[partition][begin : begin + count]))

    @precondition(lambda self: any(self.world.offsets))
    @rule(partition=st.integers(0, PARTITIONS - 1), back=st.integers(1, 8))
    def offsets_go_back(self, partition: int, back: int) -> None:
        """Begin again at an earlier record: what lies between comes once more."""
        self.world.offsets[partition] = max(0, self.world.offsets[partition] - back)

    @rule(which=pick, ahead=st.integers(1, 3))
    def event_is_poison(self, which: int, ahead: int) -> None:
        """Let one of the next events of an aggregate fail from now on."""
        self._do(self.world.spoil(THINGS[which % len(THINGS)], ahead))

    @precondition(lambda self: self.world.effects.poison)
    @rule()
    def code_is_mended(self) -> None:
        """Let nothing fail any more."""
        self.world.effects.poison.clear()

    @precondition(lambda self: self.world.poisoned)
    @rule(dies_at=death)
    def parked_events_are_redriven(self, dies_at: int) -> None:
        """Redrive all that is parked, mended or not, or die inside of it."""
        self._do(self.world.redrive(dies_at))

    @precondition(lambda self: self._waiting())
    @rule(first=records, second=records, third=records)
    def two_owners_meet(self, first: int, second: int, third: int) -> None:
        """Let two processes that both own a partition apply overlapping records at once."""
        ours = self.world.take((first, second), 0)
        theirs = self.world.take((third, second), 0)
        self._do(self.world.meet(ours, other=theirs))

    @precondition(lambda self: self.world.poisoned and self._waiting())
    @rule(first=records, second=records)
    def redrive_meets_an_owner(self, first: int, second: int) -> None:
        """Let records be delivered while a redrive stands inside its transaction."""
        batch = self.world.take((first, second), 0)
        done, delivered = self._do(self.world.meet(batch, other=None))
        if done and delivered:
            self.world.remember((first, second))

    def _relay(self, which: int) -> SteppedRelay:
        return self.world.relays[which % len(self.world.relays)]

    def _flying(self) -> list[Sending]:
        return [sending for sending in self.world.broker.under_way if not sending.landed]

    def _awaited(self) -> list[Sending]:
        return [sending for sending in self.world.broker.under_way if sending.awaited]

    def _paused(self) -> list[SteppedRelay]:
        return [relay for relay in self.world.relays if relay.awaited and relay.locks is not None]

    def _waiting(self) -> list[Record]:
        return self.world.take((1, 1), 0)

    @staticmethod
    def _one(sendings: list[Sending], which: int) -> Sending:
        return sendings[which % len(sendings)]
