"""Everything the machine acts on: writers, relays, broker, consumer, on a real PostgreSQL; and what must always hold.

All of it is the product's own code (outbox, relay, consumer layer, redrive) but the broker and the effects.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from proof.model.invariants import (
    InLog,
    Spot,
    ViolationError,
    check_cursors,
    check_effects,
    check_log,
    check_parked,
    must,
)
from proof.model.obedient_broker import PARTITIONS, ObedientBroker, Record, Sending
from proof.model.stepping import SECONDS, Effects, Gate, SteppedRelay, until
from shared.consumer import Definition, StaleOwnerError, apply_batch, redrive_requested, request_redrive
from shared.consumer.records import read_item
from shared.contracts.registry import BusinessVerified
from shared.database import SERVER_ERRORS, create_pool, is_infrastructure_error, kernel_migrations, migrate
from shared.envelope import headers_of, read_address
from shared.outbox import Cause, append, outbox_depth

CONSUMER = "proof"
# Two shards and two partitions, in every combination.
THINGS = tuple(UUID(f"01900000-0000-7000-8000-00000000000{n}") for n in (0, 5, 6, 7))
TABLES = """
CREATE TABLE thing (id uuid PRIMARY KEY, version bigint NOT NULL DEFAULT 0);
CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY, aggregate_id uuid, sequence bigint, event_id uuid,
                     PRIMARY KEY (aggregate_id, sequence));
CREATE TABLE tally (aggregate_id uuid PRIMARY KEY, total bigint NOT NULL);
"""
_CLEAN = """
DELETE FROM outbox; DELETE FROM thing; DELETE FROM effect; DELETE FROM tally; DELETE FROM stream_position;
DELETE FROM parked_event; DELETE FROM parked_history; DELETE FROM consumer_counter;
UPDATE relay_cursor SET base = '1:1:', target = NULL, last_id = 0, epoch = 0;
"""
TURNS = 60


@dataclass(frozen=True, slots=True)
class Ground:
    """The database that the worlds stand on, one after the other."""

    dsn: str
    owner_dsn: str
    pool: asyncpg.Pool

    async def clean(self) -> None:
        """Take away what the last world left."""
        owner = await asyncpg.connect(self.owner_dsn, timeout=10)
        try:
            await owner.execute(_CLEAN)
        finally:
            await owner.close()


@asynccontextmanager
async def make_ground(dsn: str, owner_dsn: str) -> AsyncIterator[Ground]:
    """Make the kernel's tables and ours in an empty database whose running login is that of ``dsn``."""
    login = dsn.split("://")[1].split(":")[0]
    await migrate(owner_dsn, kernel_migrations("outbox", "consumer"), {"app_role": login, "audit_role": "audit"})
    owner = await asyncpg.connect(owner_dsn, timeout=10)
    try:
        await owner.execute(f"{TABLES} GRANT ALL ON thing, effect, tally TO {login}")
        await owner.execute("SELECT outbox_make_partitions((now() AT TIME ZONE 'UTC')::date, 8)")
    finally:
        await owner.close()
    async with await create_pool(dsn, min_size=2, max_size=10) as pool:
        yield Ground(dsn, owner_dsn, pool)


@dataclass(eq=False, slots=True)
class Writing:
    """A transaction that is open: its connection, and the facts that it appended."""

    connection: Any
    transaction: Any
    facts: dict[Spot, UUID] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """One run from an empty database on."""

    ground: Ground
    broker: ObedientBroker = field(default_factory=ObedientBroker)
    effects: Effects = field(default_factory=Effects)
    relays: list[SteppedRelay] = field(default_factory=list)
    writings: list[Writing] = field(default_factory=list)
    facts: dict[Spot, UUID] = field(default_factory=dict)
    """What was committed, with the id of each event."""
    offsets: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    """Where Kafka would begin to deliver."""
    poisoned: set[tuple[str, int]] = field(default_factory=set)
    """Whatever was poison once."""
    passed: set[UUID] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def definition(self) -> Definition:
        """The consumer, as the product defines one."""
        return Definition(CONSUMER, frozenset({BusinessVerified.type_name()}), self.effects.apply)

    async def open(self) -> None:
        """Clean the ground and make the aggregates."""
        await self.ground.clean()
        await self.ground.pool.executemany("INSERT INTO thing (id) VALUES ($1)", [(thing,) for thing in THINGS])

    async def close(self) -> None:
        """Give everything back, whatever state it is in."""
        for relay in list(self.relays):
            await self.kill(relay)
        for writing in list(self.writings):
            await self.end(writing, commit=False)

    # Writers

    def free(self) -> list[UUID]:
        """Return the aggregates that no open transaction has locked."""
        locked = {thing for writing in self.writings for thing, _ in writing.facts}
        return [thing for thing in THINGS if thing not in locked]

    async def begin(self, things: Sequence[UUID], facts: int) -> Writing:
        """Open a transaction that appends so many facts to each aggregate."""
        connection = await self.ground.pool.acquire(timeout=SECONDS)
        writing = Writing(connection, connection.transaction())
        await writing.transaction.start()
        self.writings.append(writing)
        for thing in sorted(things):
            version = await connection.fetchval("SELECT version FROM thing WHERE id = $1 FOR UPDATE", thing)
            numbers = range(version + 1, version + facts + 1)
            new = [(number, BusinessVerified(business_id=thing)) for number in numbers]
            ids = await append(connection, "proof", new, _cause())
            await connection.execute("UPDATE thing SET version = $2 WHERE id = $1", thing, version + facts)
            writing.facts |= {(thing, number): event for number, event in zip(numbers, ids, strict=True)}
        return writing

    async def end(self, writing: Writing, *, commit: bool) -> None:
        """Commit the transaction or roll it back."""
        self.writings.remove(writing)
        if commit:
            await writing.transaction.commit()
            self.facts |= writing.facts
        else:
            await writing.transaction.rollback()
        await self.ground.pool.release(writing.connection)
        self.counts["committed" if commit else "rolled back"] += 1

    # Relays and the broker

    async def start_relay(self) -> None:
        """Start one more relay; it stops before its first read, or when it has sent something."""
        relay = SteppedRelay(self.ground.dsn, self.broker)
        self.relays.append(relay)
        await relay.begin()

    async def kill(self, relay: SteppedRelay) -> None:
        """End a relay where it stands, and wait until the database has noticed."""
        self.counts["relay killed while sending" if relay.awaited else "relay killed at rest"] += 1
        self.relays.remove(relay)
        await relay.die()
        await self._gone(relay.pids)

    async def lose_lock(self, relay: SteppedRelay) -> None:
        """Take a relay's locks away without its notice: it goes on as a paused one does after its shards moved."""
        if relay.locks is not None and not relay.locks.is_closed():
            await relay.locks.execute("SELECT pg_advisory_unlock_all()")
            self.counts["lock lost unnoticed"] += 1

    async def take_over(self, relay: SteppedRelay) -> None:
        """Let another relay have a paused one's shards, and publish and store from there; the paused one is not told."""
        await self.lose_lock(relay)
        if self.relays == [relay]:
            await self.start_relay()
        other = next(found for found in self.relays if found is not relay)
        for _ in range(2):
            await other.step()
            await self.acknowledge_all(other)
        self.counts["taken over"] += 1

    async def cut(self, relay: SteppedRelay) -> None:
        """Cut the connection that holds a relay's locks."""
        if (locks := relay.locks) is not None and not locks.is_closed():
            await self.ground.pool.execute("SELECT pg_terminate_backend($1)", relay.pids[0])
            await self._gone(relay.pids[:1])
            await until(locks.is_closed)
            self.counts["connection cut"] += 1

    async def _gone(self, pids: Sequence[int]) -> None:
        alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ($1)"
        async with asyncio.timeout(SECONDS):
            while await self.ground.pool.fetchval(alive, pids):
                await asyncio.sleep(0.001)

    async def answer(self, sending: Sending, *, kind: bool) -> None:
        """Acknowledge a batch that is in, or let its request fail; its relay goes on."""
        (self.broker.acknowledge if kind else self.broker.refuse)(sending)
        self.counts["acknowledged" if kind else "acknowledgement lost" if sending.landed else "refused"] += 1
        relay = next(relay for relay in self.relays if relay.publisher.sent(sending))
        await relay.settle()

    # The consumer

    async def deliver(self, batch: Sequence[Record], dies_at: int = 0) -> bool:
        """Apply a batch; ``False`` if the process died inside of it."""
        self.effects.dies_at = dies_at
        try:
            async with self.ground.pool.acquire(timeout=SECONDS) as connection:
                await apply_batch(connection, self.definition, [read_item(record) for record in batch])
        except SERVER_ERRORS as error:
            # Only the death that was asked for is expected.
            if not is_infrastructure_error(error) or not dies_at:
                raise
            self.counts["consumer killed inside"] += 1
            return False
        finally:
            self.effects.dies_at = 0
        self.counts["batches applied"] += 1
        return True

    def take(self, counts: Sequence[int], mix: int) -> list[Record]:
        """Return the next records of each partition; ``mix`` other than 0 shuffles keys and repeats some records."""
        parts = [log[at : at + count] for log, at, count in zip(self.broker.logs, self.offsets, counts, strict=True)]
        records = [record for part in parts for record in part]
        return records if mix == 0 else _mixed(records, random.Random(mix))

    async def redrive(self, dies_at: int = 0) -> None:
        """Ask for all that is parked and do it, or die on the way."""
        await request_redrive(self.ground.pool, CONSUMER)
        self.effects.dies_at = dies_at
        try:
            self.counts["redriven"] += await redrive_requested(self.ground.pool, self.definition)
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error) or not dies_at:
                raise
            self.counts["redrive killed inside"] += 1
        finally:
            self.effects.dies_at = 0

    def remember(self, counts: Sequence[int]) -> None:
        """Commit the offsets behind so many records of each partition."""
        for partition, (log, count) in enumerate(zip(self.broker.logs, counts, strict=True)):
            self.offsets[partition] = min(self.offsets[partition] + count, len(log))

    async def spoil(self, thing: UUID, ahead: int) -> None:
        """Make the event that comes so many after the last applied one poison."""
        position = await self.ground.pool.fetchval(
            "SELECT position FROM stream_position WHERE aggregate_id = $1", thing
        )
        spot = str(thing), (position or 0) + ahead
        self.effects.poison.add(spot)
        self.poisoned.add(spot)

    async def meet(self, batch: Sequence[Record], *, other: Sequence[Record] | None) -> tuple[bool, bool]:
        """Apply ``batch`` while another owner of its partition, applying ``other``, stands inside its transaction.

        ``None`` for ``other``: while a redrive does. Return of both whether they were done, the other one first.
        """
        gate = self.effects.pause = Gate()
        if other is None:
            await request_redrive(self.ground.pool, CONSUMER)
        first = asyncio.create_task(self._own(other))
        await until(lambda: gate.waiting or first.done())
        self.effects.pause = None
        second = asyncio.create_task(self._own(batch))
        await self._stuck_or(second)
        gate.open()
        await asyncio.wait([first, second])
        self.counts["redrive met an owner" if other is None else "two owners met"] += 1
        return await first, await second

    async def _own(self, batch: Sequence[Record] | None) -> bool:
        try:
            if batch is None:
                await redrive_requested(self.ground.pool, self.definition)
            else:
                await self.deliver(batch)
        except (StaleOwnerError, asyncpg.UniqueViolationError) as error:
            if isinstance(error, asyncpg.UniqueViolationError) and error.table_name != "stream_position":
                raise
            self.counts["stale owner refused"] += 1
            return False
        return True

    async def _stuck_or(self, task: asyncio.Task[bool]) -> None:
        """Wait until the task is done or waits for a lock of the database."""
        stuck = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        async with asyncio.timeout(SECONDS):
            while not task.done() and not await self.ground.pool.fetchval(stuck):
                await asyncio.sleep(0.001)

    # What must hold

    def published(self) -> InLog:
        """Return what is in the log for each aggregate, in order: sequence and id of the event."""
        found: InLog = defaultdict(list)
        for log in self.broker.logs:
            for record in log:
                headers = headers_of(record.headers)
                address = read_address(headers)
                found[UUID(address.subject)].append((address.sequence, UUID(headers["ce_id"].decode())))
        return found

    async def check(self) -> None:
        """Raise ``ViolationError`` if something does not hold now."""
        in_log = self.published()
        check_log(in_log, self.facts)
        async with self.ground.pool.acquire(timeout=SECONDS) as connection:
            events = {event for rows in in_log.values() for _, event in rows}
            self.passed = await check_cursors(connection, self.passed, events)
            positions = await check_effects(connection, self.facts)
            await check_parked(connection, positions, self.poisoned)

    async def come_to_quiet(self) -> None:
        """End all transactions, let relays and consumer work until nothing is left, and check that nothing is missing."""
        for writing in list(self.writings):
            await self.end(writing, commit=True)
        self.effects.poison.clear()
        await self._publish_all()
        for again in (False, True):
            if again:
                self.offsets = [0] * PARTITIONS
            await self.deliver(self.take([len(log) for log in self.broker.logs], 0))
            await self.redrive()
            await self.check()
        left = await self.ground.pool.fetch("SELECT aggregate_id, sequence, kind FROM parked_event")
        must(not left, f"still parked: {left}")
        done = {(row[0], row[1]) for row in await self.ground.pool.fetch("SELECT aggregate_id, sequence FROM effect")}
        must(done == set(self.facts), f"committed and without effect: {set(self.facts) - done}")

    async def acknowledge_all(self, relay: SteppedRelay | None = None) -> None:
        """Let all that a relay sends (``None``: all that any sends) land and be acknowledged, until it sends no more."""
        while awaited := [s for s in self.broker.under_way if s.awaited and (relay is None or s in relay.awaited)]:
            if not awaited[0].landed:
                self.broker.land(awaited[0])
            await self.answer(awaited[0], kind=True)

    async def _publish_all(self) -> None:
        for _ in range(TURNS):
            if not self.relays:
                await self.start_relay()
            for relay in list(self.relays):
                await relay.step()
            await self.acknowledge_all()
            for sending in list(self.broker.under_way):
                self.broker.land(sending)
            if not self.broker.under_way and not await outbox_depth(self.ground.pool):
                return
        raise ViolationError(f"the outbox does not empty: {await outbox_depth(self.ground.pool)} rows left")

    def figures(self) -> Counter[str]:
        """Return what happened in this world, by name."""
        rows = [(thing, *row) for thing, found in self.published().items() for row in found]
        told = {"facts": len(self.facts), "records": len(rows), "records repeated": len(rows) - len(set(rows))}
        return self.counts + Counter(told)


def _cause() -> Cause:
    return Cause("proof", None, "proof", "command", None, datetime.now(UTC))


def _mixed(records: Sequence[Record], dice: random.Random) -> list[Record]:
    """Return the records with their keys interleaved in another way, and some of them twice; each key in order."""
    queues: dict[bytes | None, list[Record]] = defaultdict(list)
    for record in records:
        queues[record.key].append(record)
    mixed: list[Record] = []
    while waiting := [queue for queue in queues.values() if queue]:
        queue = dice.choice(waiting)
        mixed.append(queue[0] if dice.random() < 0.2 else queue.pop(0))
    return mixed
