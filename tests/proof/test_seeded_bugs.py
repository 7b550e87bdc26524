"""Eight bugs that event platforms are known for, planted one at a time: the checker goes red and names each.

Every scenario runs twice, on real Kafka and PostgreSQL and the product's own relay and consumer: as the product is, and
with the bug in its place. The bugs live here and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions

from ops.kafka_admin.client import operator_client
from proof.checker import Anomaly
from shared.broker import make_producer, make_reader
from shared.consumer import Consumer, applying, request_redrive, store
from shared.consumer.ordering import Stream
from shared.consumer.ordering import Verdict as Judgement
from shared.envelope import Event
from shared.relay.publishing import Publisher
from shared.relay.reading import COLUMNS
from tests.kernel.conftest import KernelDatabase, kernel_db  # noqa: F401 (a fixture)
from tests.kernel.delivery import change
from tests.proof.lab import PARTITIONS, Apply, Lab, feel
from tests.stack.servers import Kafka


@pytest.fixture
async def lab(kernel_db: KernelDatabase, kafka: Kafka, topic: str) -> Lab:  # noqa: F811
    """A lab of its own for each test."""
    made = Lab(kernel_db, kafka, topic)
    await made.prepare()
    return made


async def crash(consumer: Consumer, running: asyncio.Task[None]) -> None:
    """End a consumer as cancelling does, in the middle of what it does."""
    assert consumer.broker is not None
    await consumer.broker.stop()
    running.cancel()
    await asyncio.wait([running])


async def acknowledged_before_the_database(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """The offset is committed when a batch comes, its effects follow; in between the process dies."""
    await lab.work()
    await lab.everything_published()
    began, background = asyncio.Event(), set[asyncio.Task[None]]()

    async def slow(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        began.set()
        await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=1.0)
        await feel(connection, events)

    if monkeypatch is not None:
        right = Consumer.handle

        async def handle(self: Consumer, records: Any) -> None:
            background.add(asyncio.create_task(right(self, records)))

        monkeypatch.setattr(Consumer, "handle", handle)
    monkeypatched = lab.consumer(slow, "lab")
    running = asyncio.create_task(monkeypatched.run(asyncio.Event()))
    await asyncio.wait_for(began.wait(), 20)
    for task in background:
        task.cancel()
    await crash(monkeypatched, running)
    if monkeypatch is not None:
        monkeypatch.undo()
    await lab.consumed()


async def no_positions(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """Nothing says what was applied already, and a topic is sent again whole."""
    await lab.work()
    await lab.everything_published()
    if monkeypatch is not None:

        async def move_nothing(*_: object) -> None:
            """Keep no positions."""

        monkeypatch.setattr(Stream, "judge", lambda _self, _sequence: Judgement.APPLY)
        monkeypatch.setattr(store, "move_positions", move_nothing)
    await lab.consumed()
    await send_again(lab)
    await lab.consumed()


async def send_again(lab: Lab) -> None:
    """Send every record of the topic once more."""
    reader, producer = make_reader(lab.kafka, "lab-again"), make_producer(lab.kafka, "lab-again")
    await reader.start()
    await producer.start()
    reader.assign([TopicPartition(lab.topic, number) for number in range(PARTITIONS)])
    for records in (await reader.getmany(timeout_ms=2_000)).values():
        for raw in records:
            await producer.send_and_wait(
                lab.topic, raw.value, key=raw.key, partition=raw.partition, headers=list(raw.headers)
            )
    await producer.stop()
    await reader.stop()


async def id_cursor_relay(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """A relay that remembers the highest id passes over a transaction that took its id earlier and commits later."""
    slow, quick = await lab.make(), await lab.make()
    async with lab.db.connection() as held:
        transaction = held.transaction()
        await transaction.start()
        version = await change(held, lab.fact, slow)
        async with lab.db.connection() as connection:
            lab.tell(quick, await change(connection, lab.fact, quick))
        if monkeypatch is None:
            async with lab.relaying():
                await lab.published(3)
            await transaction.commit()
            await lab.everything_published()
        else:
            last = await _publish_above(lab, 0)
            await transaction.commit()
            await _publish_above(lab, last)
    lab.tell(slow, version)
    for thing in (slow, quick):
        lab.tell(thing, 1)
    await lab.consumed()


async def _publish_above(lab: Lab, last: int, query: str = "") -> int:
    """Publish the rows above an id, as so many outboxes do; return the highest id."""
    publisher = Publisher(lab.kafka, "lab")
    rows = await lab.db.pool.fetch(query or f"SELECT {COLUMNS} FROM outbox WHERE id > $1 ORDER BY id", last)
    await publisher.send(await publisher.prepare(rows))
    await publisher.stop()
    return max((row["id"] for row in rows), default=last)


async def two_relays_without_shards(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """Two relays share the rows, not the keys: the slower one publishes the earlier events of a key later."""
    await lab.work()
    if monkeypatch is None:
        async with lab.relaying(), lab.relaying():
            await lab.published(20)
    else:
        half = f"SELECT {COLUMNS} FROM outbox WHERE id > $1 AND id % 2 = "
        await _publish_above(lab, 0, f"{half} 1 ORDER BY id")
        await _publish_above(lab, 0, f"{half} 0 ORDER BY id")
    await lab.consumed()


async def swallowed_error(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """An event whose effect failed counts as done; the product parks it, and an operator drives it again."""
    await lab.work()
    await lab.everything_published()
    broken = True

    async def apply(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        if broken and any(event.meta.sequence == 2 for event in events):
            raise ValueError("not ready")
        await feel(connection, events)

    if monkeypatch is not None:

        async def attempt(connection: asyncpg.Connection, work: Apply, events: Sequence[Event], _: int) -> None:
            try:
                async with connection.transaction():
                    await work(connection, events)
            except ValueError:
                return

        monkeypatch.setattr(applying, "_attempt", attempt)
    async with lab.consuming(apply) as consumer, asyncio.timeout(40):
        while not consumer.joined or consumer.positions_lag() != 0 or not consumer.idle.is_set():
            await asyncio.sleep(0.05)
        broken = False
        await request_redrive(lab.db.pool, consumer.definition.name)
        while await lab.db.pool.fetchval("SELECT count(*) FROM parked_event"):
            await asyncio.sleep(0.05)


async def retry_without_key(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """The answer to a command is lost, and it is sent again; without a key it has two effects."""
    answers: dict[str, UUID] = {}

    async def command(key: str) -> UUID:
        if key not in answers:
            answers[key] = await lab.make()
        return answers[key]

    first = uuid4().hex
    await command(first)  # the answer is lost
    lab.tell(await command(first if monkeypatch is None else uuid4().hex), 1)
    await lab.everything_published()
    await lab.consumed()


async def projection_without_version(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """A projection is filled from the beginning on top of what is there, and its rows do not know how far they are."""
    await lab.work()
    await lab.everything_published()

    async def versioned(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        for event in events:
            held = "SELECT coalesce(max(sequence), 0) FROM felt WHERE aggregate_id = $1::text::uuid"
            if event.meta.sequence > await connection.fetchval(held, event.meta.subject):
                await feel(connection, [event])

    apply = versioned if monkeypatch is None else feel
    await lab.consumed(apply)
    await lab.consumed(apply, name="again")


async def acknowledged_on_cancel(lab: Lab, monkeypatch: pytest.MonkeyPatch | None) -> None:
    """A handler that is cancelled returns as if it were done."""
    await lab.work()
    await lab.everything_published()
    began, never = asyncio.Event(), asyncio.Event()

    async def hang(_: asyncpg.Connection, __: Sequence[Event]) -> None:
        began.set()
        await never.wait()

    if monkeypatch is not None:
        right = Consumer.handle

        async def handle(self: Consumer, records: Any) -> None:
            work = asyncio.create_task(right(self, records))
            await asyncio.wait([work], timeout=1.0)
            work.cancel()  # a time limit around the handler, and nobody looks at what it says
            await asyncio.wait([work])

        monkeypatch.setattr(Consumer, "handle", handle)
        async with lab.consuming(hang), asyncio.timeout(30):
            await began.wait()
            while await _committed(lab) < 1:
                await asyncio.sleep(0.1)
        monkeypatch.undo()
    await lab.consumed()


async def _committed(lab: Lab) -> int:
    """Return how many partitions of the topic the group has committed something of."""
    request = [ConsumerGroupTopicPartitions(f"lab-{lab.topic}")]
    admin = operator_client(lab.kafka)  # kept: an answer comes only while its client lives
    (answer,) = admin.list_consumer_group_offsets(request).values()
    found = await asyncio.to_thread(answer.result, 10)
    return sum(1 for place in found.topic_partitions if place.offset > 0)


Bug = Callable[[Lab, pytest.MonkeyPatch | None], Awaitable[None]]
BUGS: list[tuple[Bug, Anomaly]] = [
    (acknowledged_before_the_database, Anomaly.UNSEEN),
    (no_positions, Anomaly.DOUBLED),
    (id_cursor_relay, Anomaly.LOST),
    (two_relays_without_shards, Anomaly.REORDERED),
    (swallowed_error, Anomaly.UNSEEN),
    (retry_without_key, Anomaly.PHANTOM),
    (projection_without_version, Anomaly.DOUBLED),
    (acknowledged_on_cancel, Anomaly.UNSEEN),
]
IDS = [bug.__name__ for bug, _ in BUGS]


@pytest.mark.parametrize(("bug", "anomaly"), BUGS, ids=IDS)
async def test_with_the_bug_the_checker_goes_red(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, bug: Bug, anomaly: Anomaly
) -> None:
    await bug(lab, monkeypatch)
    verdict = await lab.judge()
    assert verdict.count(anomaly) > 0, verdict.findings


@pytest.mark.parametrize("bug", [bug for bug, _ in BUGS], ids=IDS)
async def test_without_the_bug_it_stays_green(lab: Lab, bug: Bug) -> None:
    await bug(lab, None)
    verdict = await lab.judge()
    assert verdict.ok, verdict.findings
    assert verdict.events > 0
