"""The way of a fact on the real Kafka: into the tables, through kills, and through a rebuild under traffic."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from services.projections.commands import Projection
from services.projections.consumers.projecting import project_on_facts
from services.projections.domain.dashboard import DashboardRow, fold
from services.projections.domain.making import MAKINGS
from services.projections.store.operations import last_rebuilds
from shared.broker import make_producer
from shared.database import Pool
from shared.envelope import Event, to_kafka
from tests.projections.conftest import ROOT, StartWorker
from tests.projections.service_stories import service_streams
from tests.projections.stories import interleaved, random_story
from tests.projections.test_services import NEW, rows_after
from tests.stack.servers import Database, Kafka

SEEDS = count(int.from_bytes(os.urandom(5)))
"""Lives that no other test has told: the topic is shared, its facts stay."""


def new_lives(number: int, length: int = 4) -> list[Event]:
    return list(interleaved([random_story(next(SEEDS), length) for _ in range(number)], 1))


@pytest.fixture
async def producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    made = make_producer(kafka.credentials("registry"), "test-registry")
    await made.start()
    yield made
    await made.stop()


async def publish(producer: AIOKafkaProducer, events: Sequence[Event]) -> None:
    sent = []
    for each in events:
        key, value, headers = to_kafka(each)
        sent.append(await producer.send(each.fact.TOPIC, key=key, value=value, headers=headers))
    await asyncio.gather(*sent)


async def eventually(check: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await check():
            await asyncio.sleep(0.02)


def arrived(pool: Pool, events: Sequence[Event]) -> Callable[[], Awaitable[bool]]:
    """Return the check that the tables hold all of ``events``."""
    ids = list({each.fact.aggregate_id for each in events})

    async def check() -> bool:
        found = await pool.fetchval("SELECT sum(version) FROM district_dashboard WHERE business_id = ANY ($1)", ids)
        return int(found or 0) == len(events)

    return check


async def assert_exact(pool: Pool, events: Sequence[Event]) -> None:
    """Check that the tables hold ``events`` once each, and what the rules make of them."""
    expected = fold({}, events)
    ids = list(expected)
    rows = await pool.fetch("SELECT * FROM district_dashboard WHERE business_id = ANY ($1)", ids)
    assert {str(row[0]): DashboardRow(*row) for row in rows} == expected
    told = await pool.fetch("SELECT business_id, sequence FROM business_timeline WHERE business_id = ANY ($1)", ids)
    assert sorted(map(tuple, told)) == sorted((each.fact.aggregate_id, each.meta.sequence) for each in events)


async def wrong_effects(database: Database, ids: Sequence[UUID]) -> list[Any]:
    auditor = await asyncpg.connect(database.audit_dsn)
    try:
        return list(
            await auditor.fetch(
                "SELECT e.effect, e.aggregate_id FROM audit.effect e LEFT JOIN audit.position p "
                "USING (consumer, topic, aggregate_id) WHERE e.position IS DISTINCT FROM p.position "
                "AND aggregate_id = ANY ($1)",
                ids,
            )
        )
    finally:
        await auditor.close()


async def test_facts_reach_the_tables_and_a_second_consumer_does_them_no_harm(
    kafka: Kafka, producer: AIOKafkaProducer, pool: Pool, projections_db: Database
) -> None:
    events = new_lives(150)
    stop = asyncio.Event()
    consumers = [project_on_facts(pool, kafka.credentials("projections"), f"test-{n}") for n in (1, 2)]
    running = [asyncio.create_task(consumer.run(stop)) for consumer in consumers]
    await publish(producer, events)
    await eventually(arrived(pool, events))
    stop.set()
    await asyncio.gather(*running)
    await assert_exact(pool, events)
    assert await wrong_effects(projections_db, [each.fact.aggregate_id for each in events]) == []


async def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    producer: AIOKafkaProducer, pool: Pool, projections_db: Database, start_worker: StartWorker
) -> None:
    events: list[Event] = []
    for _ in range(3):
        more = new_lives(400)
        events += more
        worker = await start_worker()
        await publish(producer, more)
        some = more[: len(more) // 8]
        ids = list({each.fact.aggregate_id for each in some})

        async def begun(ids: list[UUID] = ids) -> bool:
            query = "SELECT count(*) FROM district_dashboard WHERE business_id = ANY ($1)"
            return bool(await pool.fetchval(query, ids))

        await eventually(begun)
        worker.kill()
        await worker.wait()
    worker = await start_worker()
    last = new_lives(3)
    events += last
    await publish(producer, last)
    await eventually(arrived(pool, events))
    worker.terminate()
    assert await asyncio.wait_for(worker.wait(), 30) == 0
    await assert_exact(pool, events)
    assert await wrong_effects(projections_db, [each.fact.aggregate_id for each in events]) == []


async def run_rebuild(environment: dict[str, str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.projections", "rebuild", *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=PIPE,
    )
    output, _ = await process.communicate()
    lines = [json.loads(line) for line in output.splitlines()]
    return process.returncode or 0, [line for line in lines if "event" not in line]  # without those of the log


async def test_a_rebuild_under_traffic_swaps_without_an_empty_read_and_can_be_taken_back(
    producer: AIOKafkaProducer,
    pool: Pool,
    projections_db: Database,
    start_worker: StartWorker,
    environment: dict[str, str],
) -> None:
    events = new_lives(200)
    worker = await start_worker()
    await publish(producer, events)
    await eventually(arrived(pool, events))
    stop, reads = asyncio.Event(), []

    async def read_on() -> None:
        while not stop.is_set():
            reads.append(await pool.fetchval("SELECT count(*) FROM district_dashboard"))

    async def publish_on() -> None:
        while not stop.is_set():
            more = new_lives(5, 2)
            events.extend(more)
            await publish(producer, more)

    traffic = [asyncio.create_task(work) for work in (read_on(), publish_on())]
    everything = ("district_dashboard", "business_timeline", "class_history")
    code, lines = await run_rebuild(environment, *everything)
    assert (code, lines[-1]["result"]["equal"], lines[-1]["result"]["swapped"]) == (0, True, True)
    assert {line["stage"] for line in lines[:-1]} >= {"load", "index", "catch up", "compare"}
    code, lines = await run_rebuild(environment, "district_dashboard", "--rollback")
    assert (code, lines[-1]["result"]["swapped"]) == (0, True)
    stop.set()
    await asyncio.gather(*traffic)
    await eventually(arrived(pool, events))
    worker.terminate()
    assert await asyncio.wait_for(worker.wait(), 30) == 0
    assert min(reads) >= 200
    await assert_exact(pool, events)
    assert await wrong_effects(projections_db, [each.fact.aggregate_id for each in events]) == []
    back, first = await last_rebuilds(pool, 5)
    assert (first.projections, first.outcome, first.silent, first.total > 0) == (everything, "swapped", False, True)
    assert (back.projections, back.outcome) == (("district_dashboard",), "swapped")


async def test_a_rebuild_without_a_generation_to_go_back_to_says_so(environment: dict[str, str], pool: Pool) -> None:
    code, lines = await run_rebuild(environment, "class_history", "--rollback")
    assert (code, len(lines)) == (1, 1)
    assert "no other generation" in lines[0]["error"]
    assert [(run.outcome, run.ended_at is not None) for run in await last_rebuilds(pool, 5)] == [("failed", True)]


async def test_what_all_services_tell_arrives_through_a_kill_and_is_rebuilt_equal(
    kafka: Kafka,
    pool: Pool,
    projections_db: Database,
    start_worker: StartWorker,
    environment: dict[str, str],
) -> None:
    lives = [random_story(next(SEEDS), 4) for _ in range(12)]
    businesses = [life[0].fact.aggregate_id for life in lives]
    streams = [*lives, *(stream for _ in range(10) for stream in service_streams(next(SEEDS), businesses))]
    events = list(interleaved(streams, 5))
    office = make_producer(kafka.credentials("operator"), "test-office")
    await office.start()
    worker = await start_worker()
    await publish(office, events[: len(events) // 2])
    ids = [stream[0].fact.aggregate_id for stream in streams]
    positions = (
        "SELECT sum(position)::bigint FROM stream_position WHERE consumer = 'projections' AND aggregate_id = ANY ($1)"
    )

    def reached(facts: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return int(await pool.fetchval(positions, ids) or 0) >= facts

        return check

    await eventually(reached(1))
    worker.kill()
    await worker.wait()
    worker = await start_worker()
    await publish(office, events[len(events) // 2 :])
    await office.stop()
    await eventually(reached(len(events)))
    worker.terminate()
    await worker.wait()
    assert await wrong_effects(projections_db, ids) == []
    for name in NEW:
        key = MAKINGS[name].stream
        rows = await pool.fetch(f"SELECT {key}, count(*) FROM {name.value} WHERE {key} = ANY ($1) GROUP BY 1", ids)
        expected = Counter(row[key_of(name)] for row in rows_after(name, [events]))
        assert dict(map(tuple, rows)) == expected
    code, lines = await run_rebuild(environment, *(name.value for name in NEW))
    assert (code, lines[-1]["result"]["equal"], lines[-1]["result"]["swapped"]) == (0, True, True)
    assert {found["differing"] for found in lines[-1]["result"]["comparisons"].values()} == {0}
    assert await wrong_effects(projections_db, ids) == []


def key_of(name: Projection) -> int:
    """Return the column of a row that names its stream."""
    return 1 if name is Projection.SERVICE_TIMELINE else 0
