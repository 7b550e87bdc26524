"""The product's relay and a consumer's effects, made to stop where somebody may die, and to go on when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import asyncpg

from proof.model.obedient_broker import ObedientBroker, ObedientPublisher, Sending
from shared.broker import KafkaSettings
from shared.envelope import Event
from shared.relay import Relay, leadership, reading

SECONDS = 10.0
PAGE = 6
CHUNK = 3


class Gate:
    """A place where one task waits until it is let through."""

    def __init__(self) -> None:
        self._waiting: asyncio.Event | None = None
        self.passed = 0
        """How often somebody went through."""

    @property
    def waiting(self) -> bool:
        """Whether somebody stands before it."""
        return self._waiting is not None

    async def wait(self) -> None:
        """Stand before the gate."""
        self._waiting = asyncio.Event()
        try:
            await self._waiting.wait()
            self.passed += 1
        finally:
            self._waiting = None

    def open(self) -> None:
        """Let the one who waits through."""
        if self._waiting is not None:
            self._waiting.set()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds. Raises ``TimeoutError`` after 10 s."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.0005)


class CountedReader:
    """A connection that is only read from, and that tells whether it is being read from."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.busy = 0

    async def fetch(self, *arguments: Any) -> Any:
        """As the connection does."""
        self.busy += 1
        try:
            return await self._connection.fetch(*arguments)
        finally:
            self.busy -= 1


class SteppedRelay(Relay):
    """The product's relay. Where it would wait for a time, it waits for its gate; its producer is the obedient one."""

    def __init__(self, dsn: str, broker: ObedientBroker) -> None:
        super().__init__(dsn, KafkaSettings("", "", ""), "proof")
        self.publisher = self._publisher = ObedientPublisher(broker)
        self.gate = Gate()
        self.locks: asyncpg.Connection | None = None
        self.reader: CountedReader | None = None
        self.pids: tuple[int, ...] = ()
        self.failures = 0
        """How often something was away, or the leadership lost."""
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start, and return when it waits for the first time."""
        self._task = asyncio.create_task(self.run(asyncio.Event()))
        await self.settle()

    async def step(self) -> None:
        """Let it go on from its gate, if it stands there, and return when it waits again."""
        if self.gate.waiting:
            passed = self.gate.passed
            self.gate.open()
            await until(lambda: self.gate.passed > passed)
        await self.settle()

    async def settle(self) -> None:
        """Wait until it can only go on if somebody acts. Raises what the relay died of, if it did."""
        await until(lambda: (self.gate.waiting or bool(self.awaited) or self._ended) and not self._reading)
        if self._ended and self._task is not None:
            await self._task

    @property
    def _reading(self) -> bool:
        """Whether rows are on their way to it: read ahead or not must not depend on who is faster."""
        return self.reader is not None and self.reader.busy > 0

    @property
    def _ended(self) -> bool:
        return self._task is not None and self._task.done()

    @property
    def awaited(self) -> Sequence[Sending]:
        """The batches whose acknowledgement it waits for."""
        return self.publisher.awaited()

    async def die(self) -> None:
        """End it where it stands. What it holds at the database may outlive it for a moment."""
        if self._task is not None:
            while not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task], timeout=1)

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
        async with super()._connections() as (locks, reader):
            self.locks, self.pids = locks, (locks.get_server_pid(), reader.get_server_pid())
            self.reader = CountedReader(reader)
            try:
                yield locks, cast("asyncpg.Connection", self.reader)
            finally:
                self.locks = self.reader = None

    async def _rest(self, found: int) -> None:
        self._balanced_at = 0.0  # share the shards again in every turn, instead of every two seconds
        await self.gate.wait()

    async def _wait(self, stop: asyncio.Event, what: str, error: BaseException) -> None:
        self.problem, self.failures = what, self.failures + 1
        await self.gate.wait()


@contextmanager
def small_pages() -> Iterator[None]:
    """Let the relay take six rows for a backlog, and three for a chunk of it: a few rows then go every way there is.

    It saves its cursor only when it finds nothing, gives a shard away or stops: as late as it ever may.
    """
    kept = reading.PAGE, reading.CHUNK, leadership.SAVE_SECONDS
    reading.PAGE, reading.CHUNK, leadership.SAVE_SECONDS = PAGE, CHUNK, float("inf")
    try:
        yield
    finally:
        reading.PAGE, reading.CHUNK, leadership.SAVE_SECONDS = kept


class PoisonError(ValueError):
    """What a handler raises for an event that it cannot apply."""


class Effects:
    """What the consumer applies: a row per event and a total per aggregate, and the mishaps on the way."""

    def __init__(self) -> None:
        self.poison: set[tuple[str, int]] = set()
        """Aggregate and sequence of each event that fails."""
        self.dies_at = 0
        """The call that the process dies in, counted from 1; 0: none."""
        self.pause: Gate | None = None
        """Where the next call stops, inside its transaction."""

    async def apply(self, connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        """Write the effects; the product's consumer calls this inside its transaction."""
        spots = [(event.meta.subject, event.meta.sequence) for event in events]
        await connection.executemany(
            "INSERT INTO effect (aggregate_id, sequence, event_id) VALUES ($1, $2, $3)",
            [(event.meta.subject, event.meta.sequence, event.meta.id) for event in events],
        )
        await connection.executemany(
            "INSERT INTO tally (aggregate_id, total) VALUES ($1, 1) "
            "ON CONFLICT (aggregate_id) DO UPDATE SET total = tally.total + 1",
            [(subject,) for subject, _ in spots],
        )
        if self.pause is not None:
            gate, self.pause = self.pause, None
            await gate.wait()
        self.dies_at -= 1
        if self.dies_at == 0:
            connection.terminate()
            raise ConnectionResetError
        if self.poison.intersection(spots):
            raise PoisonError
