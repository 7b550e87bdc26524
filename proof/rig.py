"""One platform for a run of promises: every process apart, load on it, and the comparison when it has come to rest."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from time import time
from typing import Any, Self

from ops.audit import Report, audit
from ops.stack import Stack
from ops.stack.databases import SERVICES
from proof.checker import Delivered, Record, Verdict, check
from proof.evidence import collect, versions, watching
from proof.history import History, Kind, now
from proof.load import Attempt, Load
from shared.auth import Role
from shared.consumer import discard
from shared.database import SERVER_ERRORS, connected

QUIET_SECONDS = 120.0
LATE_SECONDS = 150.0
"""From when on an event counts as late: longer than any fault of a run lasts, with its recovery."""

FOLLOWERS = ("projections", "notifications", "training", "events", "partners")
"""The services that follow the registry's businesses, each with one consumer of its own name."""
WORKERS = tuple(f"{service}-worker" for service in FOLLOWERS)
"""The processes of these consumers."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run: commands under load, and how often a fault strikes in it."""

    commands: int
    strikes: int
    away: tuple[float, ...]
    """How long something is away, seconds, one after another."""
    soak: float = 6.0
    """How long load lasts where tables are watched, seconds."""
    pace: float = 60.0
    """Commands a second."""
    endpoints: int = 20
    """Endpoints of agencies that are delivered to at a time."""
    fresh: bool = False
    """Each promise gets a platform of its own: the checker reads the log whole, and it would hold all runs before."""


SHORT = Size(commands=120, strikes=2, away=(3.0,), pace=30.0, endpoints=4)
MIDDLE = Size(commands=1_500, strikes=12, away=(5.0, 15.0), soak=60.0)
FULL = Size(commands=100_000, strikes=50, away=(5.0, 30.0, 120.0), soak=3_600.0, pace=120.0, fresh=True)


@dataclass(slots=True)
class Outcome:
    """What one run of one promise came to."""

    verdict: Verdict
    report: Report
    recoveries: list[float] = field(default_factory=list)
    """Seconds from the end of a fault until outbox and consumers had caught up."""
    availability: float = 1.0
    """Share of requests that were answered while the fault lasted."""
    published_again: int = 0
    """Records that were published, and events that were posted to an agency, a second time: harmless, they have the same ids."""
    most_tries: int = 1
    """How often the most unlucky command had to be sent."""
    unanswered: dict[str, int] = field(default_factory=dict)
    """Requests without an answer, by the client's error."""
    unknown: int = 0
    """Commands whose outcome nobody knows."""
    told: list[Any] = field(default_factory=list)
    """The table of health, where the promise is about that."""
    notes: list[str] = field(default_factory=list)
    """What the run is to say beside its figures: with what the fault was made, what was measured."""
    failures: list[str] = field(default_factory=list)
    """What else was not as promised, each in one sentence."""

    @property
    def ok(self) -> bool:
        """Tell whether the promise held."""
        return self.verdict.ok and not self.failures


Fault = Callable[["Rig", Size, Random], Awaitable[None]]


class Rig:
    """A running platform. ``copies`` are further processes that a promise wants beside the declared ones."""

    TOKEN_LIFETIME = timedelta(days=1_200)
    """Beyond every clock that a process is given."""
    TOKEN_AGE_SECONDS = 7_200.0
    """Issued so long ago: a process whose clock is behind refuses a token that has not begun for it, and rightly."""

    def __init__(self, folder: Path, brokers: int = 1) -> None:
        self.folder = folder
        self.brokers = brokers
        self.stack = Stack(folder / "stack", environment={**os.environ, "NAIKKELAS_PORTS": "any"})
        self.stack.extra_env["notifications"] = {"QUIET_HOURS": "", "RATE_EMAIL_PER_MINUTE": "60000"}
        self.apis = ["registry-api"]
        self.fault_seconds: list[tuple[float, float]] = []
        self.recoveries: list[float] = []
        self._published_again = 0
        self.asked_by_files = False
        """Aggregates of this run come from files too, so that not each was told to a client."""
        self.disordered: set[str] = set()
        """Aggregates whose records this platform's log holds out of order, because a fault put them so."""
        self.misreported: set[str] = set()
        """Aggregates of which a fault published what is not so."""
        self.grown = False
        """Partitions were added to this platform's topics."""
        self.spoilt = False
        """A promise has left a log that no other one can be judged on."""
        self.notes: list[str] = []
        self.agencies: dict[str, Delivered] = {}
        """What agencies of this run were granted, and what their endpoints took."""
        self.asked: list[str] = []
        """Aggregates that a fault itself made in this run."""
        self.token = ""
        """What the officers of this run show."""
        self.told: list[Any] = []
        """What processes said of themselves, a line of the table of health each (``proof.health``)."""
        self.load: Load
        """The load of the run under way."""
        self.live: list[Record] = []
        """What the live reader has seen in the run under way; to be emptied when the log begins anew."""
        self.history = History()
        """The history of the run under way; a fault that gives commands itself notes them there."""

    def __enter__(self) -> Self:
        try:
            self.stack.up(owned=True, brokers=self.brokers)
        except BaseException:  # a Ctrl-C too: `__exit__` is not called for what was not entered
            self.stack.down(wipe=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.down(wipe=True)

    def registries(self) -> list[str]:
        """Return the base URLs of the registry's API copies."""
        ports = self.stack.record().ports
        return [f"http://127.0.0.1:{ports[name]}" for name in self.apis]

    async def kill(self, name: str) -> None:
        """SIGKILL a process or server; it stays dead."""
        await asyncio.to_thread(self.stack.kill, name)

    async def start(self, name: str) -> None:
        """Start what was killed, and wait until it is ready."""
        await asyncio.to_thread(self.stack.start, name)

    async def freeze(self, name: str) -> None:
        """SIGSTOP a process: it is there and answers nobody, as behind a cut cable."""
        await asyncio.to_thread(self.stack.pause, name)

    async def thaw(self, name: str) -> None:
        """SIGCONT."""
        await asyncio.to_thread(lambda: self.stack.pause(name, go_on=True))

    @asynccontextmanager
    async def fault(self) -> AsyncIterator[None]:
        """Mark the block as the time of a fault, and measure how long catching up takes after it."""
        began = now()
        try:
            yield
        finally:
            self.fault_seconds.append((began, now()))
        healed = now()
        await self.until_caught_up()
        self.recoveries.append(now() - healed)

    async def until_caught_up(self) -> None:
        """Wait until what was stored before this moment is published and applied by every consumer."""
        async with within(QUIET_SECONDS, "outbox and consumers to catch up"):
            wanted = await self._positions("registry", "SELECT topic, sum(version) FROM audit.source GROUP BY 1")
            statement = """
                SELECT topic, min(total) FROM (
                    SELECT topic, sum(position) AS total FROM audit.position WHERE consumer NOT LIKE '%@%' GROUP BY consumer, topic
                ) AS of_each GROUP BY topic"""
            while True:
                done = [await self._positions(service, statement) for service in FOLLOWERS]
                if all(found[topic] >= wanted.get(topic, 0) for found in done for topic in found):
                    return
                await asyncio.sleep(0.05)

    async def _positions(self, service: str, statement: str) -> dict[str, int]:
        """Ask a service's database, for as long as it takes to be there."""
        while True:
            try:
                async with connected(self.stack.dsn(service, "audit")) as connection:
                    return {row[0]: int(row[1]) for row in await connection.fetch(statement)}
            except SERVER_ERRORS:
                await asyncio.sleep(0.1)

    def forget_log(self) -> None:
        """Take note that the log begins anew."""
        self.live.clear()
        self.disordered.clear()
        self.grown = False
        self._published_again = 0

    async def discard_parked(self) -> None:
        """Give up on what is parked, as an operator does with records that nobody can read."""
        for service in FOLLOWERS:
            async with connected(self.stack.dsn(service, service)) as connection:
                for row in await connection.fetch("SELECT id FROM parked_event"):
                    await discard(connection, service, row["id"], "proof")

    def _make_token(self) -> str:
        roles, issued = [Role.PETUGAS_DINAS, Role.OPERATOR], time() - self.TOKEN_AGE_SECONDS
        return self.stack.token(roles, issued=issued, lifetime=self.TOKEN_LIFETIME)

    async def run(self, fault: Fault, size: Size, seed: int, history: Path | None = None) -> Outcome:
        """Put load on, let the fault strike, wait for quiet, compare."""
        for noted in (self.fault_seconds, self.recoveries, self.told, self.notes, self.asked, self.agencies):
            noted.clear()
        self.asked_by_files = False
        steps = self.history = History(history)
        self.token, before = self._make_token(), frozenset(await versions(self.stack))
        load = self.load = Load(
            steps, self.registries, lambda: self.stack.api_url("projections"), self.token, seed=seed, pace=size.pace
        )
        async with watching(self.stack.credentials("operator")) as live:
            self.live = live
            working = asyncio.create_task(load.run())
            try:
                await _reached(load, size.commands // 5, working)
                await fault(self, size, Random(seed))
                await _reached(load, size.commands, working)
            finally:
                load.stop()
                await working
            databases = {service: self.stack.dsn(service, "audit") for service in SERVICES}
            report = await audit(databases, self.stack.credentials("operator"), QUIET_SECONDS, lambda *_: None)
            await asyncio.sleep(0.5)  # the live reader's last poll
            known = None if self.asked_by_files else before.union(self.asked)
            evidence = await collect(self.stack, live, known)
            for key in self.misreported:
                evidence.differing.pop(key, None)
            evidence.disordered, evidence.grown = frozenset(self.disordered), self.grown
            evidence.agencies = dict(self.agencies)
        outcome = Outcome(check(steps.steps, evidence, LATE_SECONDS), report, list(self.recoveries))
        outcome.most_tries = max((step.tries for step in steps.steps), default=1)
        outcome.unknown = sum(1 for step in steps.steps if step.kind is Kind.INFO)
        again = sum(delivered.repeated for delivered in self.agencies.values())
        outcome.published_again = outcome.verdict.duplicates - self._published_again + again
        self._published_again = outcome.verdict.duplicates
        outcome.told, outcome.notes = list(self.told), list(self.notes)
        outcome.failures += [f"{t.fault}: {t.process} says {t.found}, not {t.expected}" for t in self.told if not t.ok]
        outcome.availability = _answered(load.attempts, self.fault_seconds)
        outcome.unanswered = dict(load.lost)
        if load.odd:
            outcome.failures.append(f"{len(load.odd)} answers that no client should get, the first: {load.odd[0]}")
        return outcome


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """Bound a block in time. Raises ``TimeoutError`` that says what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TimeoutError(f"waited {seconds:g} s in vain for {what}") from None


async def _reached(load: Load, commands: int, working: asyncio.Task[None]) -> None:
    """Wait until so many commands have ended; raise what the load raised."""
    while load.commands < commands:
        if working.done():
            working.result()
            return
        await asyncio.sleep(0.05)


def _answered(attempts: list[Attempt], spans: list[tuple[float, float]]) -> float:
    inside = [a.answered for a in attempts if any(began <= a.ended <= ended for began, ended in spans)]
    return sum(inside) / len(inside) if inside else 1.0
