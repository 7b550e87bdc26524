"""A source of changes, a topic, a consumer with one effect, and a history of what clients were told: for planted bugs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
from aiokafka import TopicPartition

from proof.checker import Evidence, Record, Verdict, check
from proof.evidence import record_of
from proof.history import History, Kind, Step, now
from shared.broker import make_reader
from shared.consumer import Consumer
from shared.contracts.registry import BusinessVerified
from shared.envelope import Event
from shared.relay import Relay
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import change, fact_on, running
from tests.stack.servers import Kafka

EFFECT = "felt"
PARTITIONS = 6
Apply = Callable[[asyncpg.Connection, Sequence[Event]], Awaitable[None]]


async def feel(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
    """Write an effect per event; nothing keeps one from being written twice."""
    rows = [(event.meta.subject, event.meta.sequence) for event in events]
    await connection.executemany("INSERT INTO felt (aggregate_id, sequence) VALUES ($1, $2)", rows)


class Lab:
    """A source of changes, a topic, a consumer with one effect, and a history of what clients were told."""

    def __init__(self, db: KernelDatabase, kafka: Kafka, topic: str) -> None:
        self.db = db
        self.kafka = kafka.credentials()
        self.topic = topic
        self.fact = fact_on(topic)
        self.history = History()

    async def prepare(self) -> None:
        """Make the table of effects."""
        owner = await asyncpg.connect(self.db.owner_dsn)
        await owner.execute("CREATE TABLE felt (aggregate_id uuid, sequence bigint); GRANT ALL ON felt TO public")
        await owner.close()

    async def make(self) -> UUID:
        """Make an aggregate and its first fact, and tell nobody yet."""
        thing = uuid4()
        async with self.db.pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO thing (id) VALUES ($1)", thing)
            await change(connection, self.fact, thing)
        return thing

    def tell(self, thing: UUID, version: int) -> None:
        """Note that a client was told a version."""
        self.history.add(Step(0, Kind.OK, "change", now(), now(), str(thing), version, uuid4().hex))

    async def work(self, things: int = 5, changes: int = 4) -> list[UUID]:
        """Make aggregates, change each, tell the client each time."""
        made = [await self.make() for _ in range(things)]
        for thing in made:
            self.tell(thing, 1)
            async with self.db.pool.acquire() as connection:
                for _ in range(changes - 1):
                    self.tell(thing, await change(connection, self.fact, thing))
        return made

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator[None]:
        """Run the product's relay for the time of the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(Relay(self.db.dsn, self.kafka, "lab").run(stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def published(self, at_least: int) -> list[Record]:
        """Return the log, once it holds so many records, in the order of each partition."""
        reader, found = make_reader(self.kafka, "lab-reader"), list[Record]()
        await reader.start()
        try:
            reader.assign([TopicPartition(self.topic, number) for number in range(PARTITIONS)])
            async with asyncio.timeout(30):
                while len(found) < at_least:
                    for records in (await reader.getmany(timeout_ms=300)).values():
                        found += [record for raw in records if (record := record_of(raw)) is not None]
        finally:
            await reader.stop()
        return found

    async def everything_published(self) -> None:
        """Relay until the outbox is empty."""
        async with self.relaying(), asyncio.timeout(30):
            while await self.db.pool.fetchval("SELECT outbox_pending()"):
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def consuming(self, apply: Apply = feel, name: str = "lab") -> AsyncIterator[Consumer]:
        """Run the product's consumer for the time of the block."""
        async with running(self.consumer(apply, name)) as consumer:
            yield consumer

    def consumer(self, apply: Apply, name: str) -> Consumer:
        """Return the product's consumer, not started."""
        return Consumer(
            name=f"{name}-{self.topic}", topics=(self.topic,), types=frozenset({BusinessVerified.type_name()}), apply=apply,
            pool=self.db.pool, kafka=self.kafka, instance=uuid4().hex[:6],
        )  # fmt: skip

    async def consumed(self, apply: Apply = feel, name: str = "lab") -> None:
        """Consume until the group has come to the end of the topic."""
        async with self.consuming(apply, name) as consumer, asyncio.timeout(40):
            while not consumer.joined or consumer.positions_lag() != 0 or not consumer.idle.is_set():
                await asyncio.sleep(0.05)

    async def judge(self) -> Verdict:
        """Return what the checker says."""
        versions = await self.db.pool.fetch("SELECT id::text, version FROM thing WHERE version > 0")
        felt = await self.db.pool.fetch("SELECT aggregate_id::text, sequence, count(*) FROM felt GROUP BY 1, 2")
        evidence = Evidence(
            versions={row[0]: row[1] for row in versions},
            before=frozenset(),
            log=await self.published(1),
            effects={EFFECT: {(row[0], row[1]): row[2] for row in felt}},
            expected={EFFECT: {self.topic}},
        )
        return check(self.history.steps, evidence)
