"""The relay on real Kafka and PostgreSQL: nothing lost, order per aggregate kept, whatever dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID, uuid4

import asyncpg
import pytest
import time_machine
from aiokafka import AIOKafkaProducer

from shared.broker import MAX_BATCH_BYTES
from shared.contracts.registry import BusinessVerified
from shared.outbox import Hint, append, outbox_depth
from shared.relay import Relay, publishing, reading
from shared.relay.leadership import SHARDS, Leadership
from shared.relay.looking import look_at_shards
from shared.relay.reading import POLL
from shared.relay.relay import connect_for_locks
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import cause, change, fact_on, first_seen, outbox_row, published, race
from tests.stack.servers import Database, Kafka


@asynccontextmanager
async def relays(db: KernelDatabase, kafka: Kafka, count: int) -> AsyncIterator[list[Relay]]:
    """Run so many relays for the time of the block."""
    stop = asyncio.Event()
    made = [Relay(db.dsn, kafka.credentials(), f"test-{number}") for number in range(count)]
    tasks = [asyncio.create_task(relay.run(stop)) for relay in made]
    try:
        yield made
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def changed(db: KernelDatabase, topic: str, times: int) -> tuple[type[BusinessVerified], UUID]:
    """Make an aggregate and change it so many times; return the fact that tells of it, and its id."""
    fact, thing = fact_on(topic), uuid4()
    await db.pool.execute("INSERT INTO thing (id) VALUES ($1)", thing)
    async with db.connection() as connection:
        for _ in range(times):
            await change(connection, fact, thing)
    return fact, thing


async def drained(db: KernelDatabase) -> None:
    """Wait until nothing is left to publish."""
    async with asyncio.timeout(60):
        while await outbox_depth(db.pool):
            await asyncio.sleep(0.02)


async def test_racing_writers_lose_nothing_and_keep_the_order_of_each_aggregate(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    async with relays(kernel_db, kafka, 2) as running:
        versions = await race(kernel_db.pool, topic, writers=8, changes=60, things=20)
        await drained(kernel_db)
        assert all(relay.problem is None for relay in running)
    found = await published(kafka.credentials(), topic, sum(versions.values()))
    assert {thing: list(range(1, version + 1)) for thing, version in versions.items()} == {
        thing: first_seen(sequences) for thing, sequences in found.items()
    }


async def test_relays_that_die_and_lose_connections_publish_at_worst_twice(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    dice, writing = random.Random(3), asyncio.Event()

    async def nemesis() -> None:
        alive: list[tuple[asyncio.Task[None], asyncio.Event]] = []
        while not (writing.is_set() and not await outbox_depth(kernel_db.pool)):
            while len(alive) < 3:
                stop = asyncio.Event()
                relay = Relay(kernel_db.dsn, kafka.credentials(), f"dying-{len(alive)}")
                alive.append((asyncio.create_task(relay.run(stop)), stop))
            await asyncio.wait([alive[0][0]], timeout=0.4)
            if not writing.is_set():
                task, _ = alive.pop(dice.randrange(len(alive)))
                task.cancel()
                await asyncio.wait([task])
                await kernel_db.pool.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%relay_cursor%' "
                    "AND datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.3"
                )
        for task, stop in alive:
            stop.set()
            await task

    killing = asyncio.create_task(nemesis())
    versions = await race(kernel_db.pool, topic, writers=6, changes=80, things=15)
    writing.set()
    async with asyncio.timeout(60):
        await killing
    found = await published(kafka.credentials(), topic, sum(versions.values()))
    for thing, version in versions.items():
        assert list(range(1, version + 1)) == first_seen(found[thing])


async def test_a_relay_that_is_frozen_gives_up_its_shards(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.relay.relay.FROZEN_SECONDS", 1)
    frozen = await connect_for_locks(kernel_db.dsn, "beku")  # whoever owns it says nothing any more
    assert await Leadership(frozen).claim(SHARDS) == SHARDS
    versions = await race(kernel_db.pool, topic, writers=1, changes=5, things=5)
    async with relays(kernel_db, kafka, 1):
        await drained(kernel_db)
    found = await published(kafka.credentials(), topic, sum(versions.values()))
    assert {thing: len(sequences) for thing, sequences in found.items()} == versions
    assert frozen.is_closed()


@pytest.mark.parametrize("slow", ["broker", "database"])
async def test_a_relay_that_waits_for_longer_than_a_frozen_one_may_keeps_its_shards(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    monkeypatch.setattr("shared.relay.relay.FROZEN_SECONDS", 1)
    slow_down(slow, monkeypatch)
    began = monotonic()
    async with kernel_db.connection() as connection:
        await connection.execute(
            "INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, data) "
            "SELECT $1, '00000000-0000-7000-8000-000000000001', gen_random_uuid(), "
            "'id.go.balikpapan.umkm.business.verified.v1', 'test', n, now(), 'c', repeat('x', $2) FROM generate_series(1, 6) AS n",
            topic,
            MAX_BATCH_BYTES - 2_000,  # so each is a batch of its own, and all of one partition: six waves
        )
    async with relays(kernel_db, kafka, 1):
        await drained(kernel_db)
    found = await published(kafka.credentials(), topic, 6)
    assert list(found.values()) == [[1, 2, 3, 4, 5, 6]]  # each once: no round was begun again
    assert monotonic() - began > 2


def slow_down(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each wave wait before it is sent, or each read of the outbox take its time."""
    if what == "database":
        slept = f"WITH slept AS MATERIALIZED (SELECT pg_sleep(2.5)) SELECT found.* FROM slept, ({POLL}) AS found"
        monkeypatch.setattr(reading, "POLL", slept)
        return
    send = publishing._send_wave

    async def send_slowly(producer: AIOKafkaProducer, wave: publishing.Wave) -> None:
        await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=0.45)
        await send(producer, wave)

    monkeypatch.setattr(publishing, "_send_wave", send_slowly)


async def test_a_long_transaction_elsewhere_holds_nothing_back_and_is_published_when_it_ends(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    fact, slow, quick = fact_on(topic), uuid4(), uuid4()
    await kernel_db.pool.executemany("INSERT INTO thing (id) VALUES ($1)", [(slow,), (quick,)])
    async with kernel_db.connection() as held:
        transaction = held.transaction()
        await transaction.start()
        await append(held, "test", [(1, fact(business_id=slow))], cause())
        # The relay starts, and makes and drops partitions, while that transaction holds the outbox.
        async with relays(kernel_db, kafka, 1), kernel_db.connection() as connection:
            for _ in range(20):
                await change(connection, fact, quick)
            found = await published(kafka.credentials(), topic, 20)
            assert {quick: list(range(1, 21))} == dict(found)
            await transaction.commit()
            found = await published(kafka.credentials(), topic, 21)
            assert found[slow] == [1]


async def test_a_backlog_of_many_chunks_is_published_whole_and_in_order(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    async with kernel_db.connection() as connection:
        await connection.execute(
            "INSERT INTO outbox (topic, partition_key, event_id, type, source, sequence, occurred_at, correlation_id, data) "
            "SELECT $1, ('00000000-0000-7000-8000-' || lpad((n % 50)::text, 12, '0'))::uuid, gen_random_uuid(), "
            "'id.go.balikpapan.umkm.business.verified.v1', 'test', n / 50 + 1, now(), 'c', '{}' "
            "FROM generate_series(0, 11999) AS n",
            topic,
        )
    async with relays(kernel_db, kafka, 1):
        await drained(kernel_db)
    found = await published(kafka.credentials(), topic, 12_000)
    assert all(list(range(1, 241)) == sequences for sequences in found.values())


async def test_after_a_restore_into_another_cluster_all_that_is_retained_is_published_again(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    fact, thing = await changed(kernel_db, topic, 5)
    async with relays(kernel_db, kafka, 1):
        await drained(kernel_db)
    owner = await asyncpg.connect(kernel_db.owner_dsn)
    # A dump restored elsewhere: the rows speak of transaction ids that the new cluster has not reached yet.
    await owner.execute(
        "UPDATE outbox SET xid = '99999999'::xid8; UPDATE relay_cluster SET system_identifier = 'other'"
    )
    await owner.close()
    async with relays(kernel_db, kafka, 1):
        async with kernel_db.connection() as connection:
            await change(connection, fact, thing)
        found = await published(kafka.credentials(), topic, 11)
        await drained(kernel_db)
    assert first_seen(found[thing]) == [1, 2, 3, 4, 5, 6]
    assert len(found[thing]) == 11


async def test_what_was_backed_up_before_a_relay_ran_is_published_once_in_another_cluster(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    fact, thing = await changed(kernel_db, topic, 5)
    owner = await asyncpg.connect(kernel_db.owner_dsn)
    assert await owner.fetchval("SELECT count(*) FROM relay_cluster") == 0
    await owner.execute("UPDATE outbox SET xid = '99999999'::xid8")
    await owner.close()
    async with relays(kernel_db, kafka, 1):
        async with kernel_db.connection() as connection:
            await change(connection, fact, thing)
        await drained(kernel_db)
        found = await published(kafka.credentials(), topic, 6)
    assert found[thing] == [1, 2, 3, 4, 5, 6]


async def test_a_fact_cannot_be_stored_outside_of_a_transaction(kernel_db: KernelDatabase, topic: str) -> None:
    async with kernel_db.connection() as connection:
        with pytest.raises(RuntimeError, match="transaction"):
            await append(connection, "test", [(1, fact_on(topic)(business_id=uuid4()))], cause())


async def test_a_hint_wakes_a_listener_once_for_many_writers(kernel_db: KernelDatabase) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with kernel_db.connection() as connection:
        await connection.add_listener("outbox", lambda *arguments: heard.put_nowait(arguments[3]))
        hint = Hint(kernel_db.pool)
        for _ in range(50):
            hint.wake()
        async with asyncio.timeout(30):
            await heard.get()
            assert heard.empty()
            hint.wake()  # in the pause after the first one: not lost, only later
            await heard.get()
        await connection.reset()


async def test_old_partitions_go_only_when_every_shard_is_past_them(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    owner = await asyncpg.connect(kernel_db.owner_dsn)
    await owner.execute("SELECT outbox_make_partitions(current_date - 9, 1)")
    await changed(kernel_db, topic, 1)
    await owner.execute("UPDATE outbox SET written_at = now() - interval '9 days'")
    drop = "SELECT count(*) FROM outbox_drop_partitions(now() - interval '7 days')"
    assert await owner.fetchval(drop) == 0
    async with relays(kernel_db, kafka, 1):
        await drained(kernel_db)
    assert await owner.fetchval(drop) == 1
    await owner.close()


async def test_a_fact_of_a_clock_that_is_years_ahead_is_published_and_holds_nothing_back(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    things = [uuid4(), uuid4()]
    fact = fact_on(topic)
    ahead = replace(cause(), now=datetime.now(UTC) + timedelta(days=800))
    async with kernel_db.connection() as connection, connection.transaction():
        for thing, why in zip(things, (ahead, cause()), strict=True):
            await append(connection, "test", [(1, fact(business_id=thing))], why)
    async with relays(kernel_db, kafka, 1):
        await drained(kernel_db)
    assert await published(kafka.credentials(), topic, 2) == {thing: [1] for thing in things}


async def test_housekeeping_goes_by_the_clock_of_the_database(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    days = "SELECT array_agg(c.relname ORDER BY 1) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'outbox'::regclass"
    await changed(kernel_db, topic, 1)
    owner = await asyncpg.connect(kernel_db.owner_dsn)
    today = f"outbox_{await owner.fetchval('SELECT current_date'):%Y%m%d}"
    with time_machine.travel(datetime.now(UTC) + timedelta(days=800), tick=True):
        for _ in range(2):  # the second one would find all of it published
            async with relays(kernel_db, kafka, 1):
                await drained(kernel_db)
    kept = await owner.fetchval(days)
    await owner.close()
    assert today in kept
    assert len(kept) <= 9


async def test_each_shard_is_told_with_who_holds_it_its_cursor_and_what_waits(
    kernel_db: KernelDatabase, empty_db: Database, kafka: Kafka, topic: str
) -> None:
    """By the login of the audit, as the command asks."""
    looking = await asyncpg.connect(empty_db.audit_dsn)
    assert [(it.shard, it.holder, it.waiting) for it in await look_at_shards(looking)] == [
        (shard, None, 0) for shard in range(SHARDS)
    ]
    versions = await race(kernel_db.pool, topic, writers=2, changes=20, things=40)
    told = await look_at_shards(looking)
    assert sum(it.waiting for it in told) == sum(versions.values()) == await outbox_depth(kernel_db.pool)
    assert all(0 < it.oldest_seconds < 60 for it in told if it.waiting)
    async with relays(kernel_db, kafka, 2) as running:
        await drained(kernel_db)
        async with asyncio.timeout(20):
            while [relay.shards for relay in running] != [SHARDS // 2] * 2:
                await asyncio.sleep(0.05)
        told = await look_at_shards(looking)
    assert {it.holder for it in told} == {"relay test-0", "relay test-1"}
    assert len({it.pid for it in told}) == 2
    async with asyncio.timeout(20):
        while {it.pid for it in told} != {None}:  # the server notices a moment later
            await asyncio.sleep(0.05)
            told = await look_at_shards(looking)
    assert {(it.holder, it.waiting, it.oldest_seconds) for it in told} == {(None, 0, 0.0)}
    assert sum(it.published for it in told) == sum(versions.values())
    assert all(it.epoch > 0 and it.base != "1:1:" for it in told)
    await looking.close()


async def test_rows_that_come_one_at_a_time_are_counted_too(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    fact, thing = fact_on(topic), uuid4()
    await kernel_db.pool.execute("INSERT INTO thing (id) VALUES ($1)", thing)
    async with relays(kernel_db, kafka, 1), kernel_db.connection() as connection:
        for _ in range(5):
            await change(connection, fact, thing)
            await drained(kernel_db)
    assert sum(it.published for it in await look_at_shards(kernel_db.pool)) == 5


async def test_what_is_in_flight_goes_on_while_the_next_round_is_packed(kafka: Kafka, topic: str) -> None:
    publisher, packed, turns = publishing.Publisher(kafka.credentials(), "packing"), asyncio.Event(), 0

    async def in_flight() -> None:
        nonlocal turns
        while not packed.is_set():
            await asyncio.sleep(0)
            turns += 1

    await publisher.start()
    flying = asyncio.create_task(in_flight())
    rows = [outbox_row(topic) for _ in range(10 * publishing.PACKED)]
    waves = await publisher.prepare(rows)
    packed.set()
    await flying
    assert turns >= 9
    await publisher.send(waves)
    await publisher.stop()
    found = await published(kafka.credentials(), topic, len(rows))
    assert {str(thing) for thing in found} == {row["key"] for row in rows}
