"""Consumers, a database and a broker on some cores, as queues: seeded, event by event.

Whoever works takes a core; if more work than there are cores, they share them evenly. A process takes a batch, works on it, waits for the
database, and takes the next, which the broker gets ready meanwhile. Work varies from batch to batch. Nothing else is modelled: no disk,
no network, no cost of switching, so that it is somewhat too fast where all cores are full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from random import Random

from bench.scale.costs import Cost

BATCH = 500
"""Facts that a process takes at a time, at most."""
SHAPE = 20.0
"""Of the gamma distribution of a batch's work: a deviation of 22 %."""
TICK = 0.01
"""Seconds: facts arrive in bundles of so much time."""
MICRO = 1e-6


class Stage(Enum):
    """What is being worked on."""

    PROCESS = "process"
    DATABASE = "database"
    BROKER = "broker"


ONE_MACHINE: Mapping[Stage, str] = dict.fromkeys(Stage, "machine")
"""All stages share one machine's cores."""
APART: Mapping[Stage, str] = {stage: stage.value for stage in Stage}
"""Each stage has cores of its own."""


@dataclass(slots=True)
class _Worker:
    """A process: what waits for it, and what it has in hand, as (arrival in seconds, facts)."""

    waiting: deque[tuple[float, int]] = field(default_factory=deque)
    hand: list[tuple[float, int]] = field(default_factory=list)
    fetching: bool = False

    def take(self) -> int:
        """Take up to a batch; return how many facts."""
        taken = 0
        while self.waiting and taken < BATCH:
            at, count = self.waiting.popleft()
            part = min(count, BATCH - taken)
            if part < count:
                self.waiting.appendleft((at, count - part))
            self.hand.append((at, part))
            taken += part
        return taken


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    seconds: float
    facts: int
    lags: Sequence[tuple[float, int]]
    """From a fact's arrival until it is stored, seconds, and of how many facts; ascending."""

    @property
    def rate(self) -> float:
        """Facts a second."""
        return self.facts / self.seconds

    def lag(self, share: float) -> float:
        """Return the lag in seconds that this share of the facts stays within."""
        left = share * self.facts
        for lag, count in self.lags:
            left -= count
            if left <= 0:
                return lag
        return self.lags[-1][0]


class Simulation:
    """One run. ``cores`` names how many each pool has, ``pools`` which pool a stage works on."""

    def __init__(
        self, cost: Cost, processes: int, cores: Mapping[str, float], pools: Mapping[Stage, str], seed: int
    ) -> None:
        self._work = {Stage.PROCESS: cost.process, Stage.DATABASE: cost.database, Stage.BROKER: cost.broker}
        self._cores, self._pools, self._random = cores, pools, Random(seed)
        self._workers = [_Worker() for _ in range(processes)]
        self._active: dict[tuple[int, Stage], float] = {}
        self._lags: list[tuple[float, int]] = []
        self._now = 0.0

    def run(self, arrivals: Sequence[tuple[float, int]]) -> Outcome:
        """Let facts arrive, ascending in time, in turn for each process, and work until all are stored."""
        coming = deque((at, number % len(self._workers), count) for number, (at, count) in enumerate(arrivals))
        facts = sum(count for _, count in arrivals)
        while coming or self._active:
            until = coming[0][0] if coming else inf
            if not self._advance(until):
                at, worker, count = coming.popleft()
                self._workers[worker].waiting.append((at, count))
                self._begin(worker)
        return Outcome(self._now, facts, sorted(self._lags))

    def _advance(self, until: float) -> bool:
        """Work until something is done, which is then passed on, or only until a moment; tell which."""
        if not self._active:
            self._now = until
            return False
        busy = [self._pools[stage] for _, stage in self._active]
        speed = {pool: min(1.0, self._cores[pool] / busy.count(pool)) for pool in set(busy)}
        step, done = min(
            ((left / speed[self._pools[key[1]]], key) for key, left in self._active.items()), key=lambda item: item[0]
        )
        passed = min(step, until - self._now)
        for key in self._active:
            self._active[key] -= passed * speed[self._pools[key[1]]]
        self._now += passed
        if passed < step:
            return False
        del self._active[done]
        self._pass_on(*done)
        return True

    def _pass_on(self, number: int, stage: Stage) -> None:
        worker = self._workers[number]
        if stage is Stage.PROCESS:
            self._start(number, Stage.DATABASE, sum(count for _, count in worker.hand))
            return
        if stage is Stage.DATABASE:
            self._lags += [(self._now - at, count) for at, count in worker.hand]
            worker.hand.clear()
        else:
            worker.fetching = False
        self._begin(number)

    def _begin(self, number: int) -> None:
        """Take the next batch, if there is one and the last one is stored and this one is here."""
        worker = self._workers[number]
        if worker.hand or worker.fetching or not (taken := worker.take()):
            return
        worker.fetching = True
        self._start(number, Stage.BROKER, taken)
        self._start(number, Stage.PROCESS, taken)

    def _start(self, number: int, stage: Stage, facts: int) -> None:
        varied = self._random.gammavariate(SHAPE, 1 / SHAPE)
        self._active[number, stage] = facts * self._work[stage] * MICRO * varied


def backlog_rate(cost: Cost, processes: int, cores: float, seed: int, facts: int = 120_000) -> float:
    """Return facts a second where all lie ready on one machine: what the bench measures."""
    bundles = [(0.0, BATCH)] * (facts // BATCH)
    return Simulation(cost, processes, {"machine": cores}, ONE_MACHINE, seed).run(bundles).rate


def steady(
    cost: Cost, processes: int, cores: Mapping[str, float], rate: float, seed: int, seconds: float = 60.0
) -> Outcome:
    """Let facts arrive at random at a rate (a second), each stage on cores of its own."""
    random = Random(seed + 1)
    arrivals: list[tuple[float, int]] = []
    at = random.expovariate(rate)
    while at < seconds:
        bundle = (int(at / TICK) + 1) * TICK
        count, at = 1, at + random.expovariate(rate)
        while at < bundle:
            count, at = count + 1, at + random.expovariate(rate)
        arrivals.append((bundle, count))
    return Simulation(cost, processes, cores, APART, seed).run(arrivals)
