"""A rebuild from the log against the steady projection of the same log, while facts keep coming and readers read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import asyncpg
from aiokafka import AIOKafkaProducer

from bench.delivery import RawRecord, raw_producer, ready_batches
from bench.harness import Result, Size, VoidRunError, by_turns
from bench.projection import _batches as batches_of
from bench.rig import Rig
from services.projections.commands import Projection, RebuildProjections
from services.projections.consumers.projecting import project_on_facts
from services.projections.consumers.replay import open_log
from services.projections.domain.making import MAKINGS
from services.projections.handlers.rebuilding import Rebuild, RebuildResult
from services.projections.store.batches import migrations
from services.projections.store.generations import connect
from shared.broker import MAX_REQUEST_BYTES
from shared.consumer import Consumer
from shared.consumer.consumer import MAX_RECORDS
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import Pool
from shared.envelope import to_kafka
from shared.topology import TOPICS

FACTS_EACH = 3
COMING_A_SECOND = 20
"""Businesses, three facts each, that go on coming during a rebuild."""
READ_SECONDS = 0.002
"""Between two looks of the reader: often enough to meet a swap, too seldom to be felt."""
READ = "SELECT EXISTS (SELECT FROM district_dashboard) AND EXISTS (SELECT FROM business_timeline)"
PARTITIONS = next(topic.partitions for topic in TOPICS if topic.name == BUSINESS_TOPIC)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to."""

    steady: float
    loaded: float
    swapped: float
    """Facts a second: by the live consumer; by the rebuild to indexed tables; and to the end, compared and swapped."""
    lock: float
    """Milliseconds that the live consumer waited."""
    reads: int
    empty: int
    """Reads that found an empty table."""


def _records(businesses: int) -> list[RawRecord]:
    """Return the facts of new businesses as they come: all are registered, then all verified, then all step up."""
    return [to_kafka(event) for part in batches_of(businesses) for event in part]


async def _publish(rig: Rig, records: Iterable[RawRecord]) -> None:
    async with raw_producer(rig, max_request_size=MAX_REQUEST_BYTES) as producer:
        ready = ready_batches(producer, records, PARTITIONS)
        sent = [await producer.send_batch(batch, BUSINESS_TOPIC, partition=place) for place, batch in ready]
        await asyncio.gather(*sent)


class _Coming:
    """Facts that go on coming, and how many there were."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self.businesses = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Publish a business at a time, each with all its facts in order, until ``stop`` is set."""
        started = perf_counter()
        while not stop.is_set():
            for key, value, headers in _records(1):
                await self._producer.send_and_wait(BUSINESS_TOPIC, value, key=key, headers=headers)
            self.businesses += 1
            await asyncio.sleep(max(0.0, started + self.businesses / COMING_A_SECOND - perf_counter()))


async def _read(dsn: str, seen: list[bool], stop: asyncio.Event) -> None:
    """Read as a page does, and note whether there was something to see, until ``stop`` is set."""
    connection = await asyncpg.connect(dsn)
    while not stop.is_set():
        seen.append(await connection.fetchval(READ))
        await asyncio.sleep(READ_SECONDS)
    await connection.close()


@asynccontextmanager
async def _consuming(rig: Rig, pool: Pool) -> AsyncIterator[Consumer]:
    stop, consumer = asyncio.Event(), project_on_facts(pool, rig.kafka, "bench")
    task = asyncio.create_task(consumer.run(stop))
    try:
        yield consumer
    finally:
        stop.set()
        await task


async def _until_applied(consumer: Consumer, facts: int) -> None:
    async with asyncio.timeout(120):
        while consumer.applied < facts:
            await asyncio.sleep(0.001)


async def _steady(consumer: Consumer, facts: int) -> float:
    """Return facts a second, from the first batch that is done to the last one."""
    await _until_applied(consumer, 1)
    first, started = consumer.applied, perf_counter()
    await _until_applied(consumer, facts)
    return max(1, facts - first) / (perf_counter() - started)


async def _rebuild(rig: Rig, dsn: str) -> RebuildResult:
    chosen = tuple(name for name in Projection if MAKINGS[name].topics == (BUSINESS_TOPIC,))
    owner = await connect(rig.owner_dsn("projections", dsn))
    async with open_log(rig.kafka, (BUSINESS_TOPIC,)) as log:
        result = await Rebuild(owner, log, chosen, "projections").rebuild(RebuildProjections(chosen))
    await owner.close()
    if not (result.equal and result.swapped):
        raise VoidRunError(f"the rebuild came to {result}")
    return result


async def _measure(rig: Rig, businesses: int) -> Run:
    facts, seen, stop = businesses * FACTS_EACH, list[bool](), asyncio.Event()
    rig.declared_topics()
    rig.empty_topic(BUSINESS_TOPIC, PARTITIONS)
    await _publish(rig, _records(businesses))
    async with rig.database("projections", migrations()) as (dsn, pool), raw_producer(rig) as producer:
        async with _consuming(rig, pool) as consumer:
            steady, coming = await _steady(consumer, facts), _Coming(producer)
            around = asyncio.gather(coming.run(stop), _read(dsn, seen, stop))
            result = await _rebuild(rig, dsn)
            stop.set()
            await around
            await _until_applied(consumer, facts + coming.businesses * FACTS_EACH)
        await _check(pool, businesses + coming.businesses)
    if result.events < facts:
        raise VoidRunError(f"the rebuild loaded {result.events} of {facts} facts")
    swapped = result.events / result.seconds
    return Run(steady, result.events_per_second, swapped, 1000 * result.swap_seconds, len(seen), seen.count(False))


async def _check(pool: Pool, businesses: int) -> None:
    for query, expected in (
        ("SELECT count(*) FROM business_timeline", businesses * FACTS_EACH),
        (f"SELECT count(*) FROM district_dashboard WHERE version = {FACTS_EACH} AND kelas = 'kecil'", businesses),
    ):
        if (found := await pool.fetchval(query)) != expected:
            raise VoidRunError(f"{query}: {found}, expected {expected}")


async def rebuilds(rig: Rig, size: Size) -> list[Result]:
    """Facts per second of a rebuild of all projections and of the live consumer, and what a swap costs the others."""
    # Three full batches at least: the steady rate is taken from the end of the first one.
    businesses = max(MAX_RECORDS, size.of(60_000) // FACTS_EACH)

    async def measure() -> Run:
        return await _measure(rig, businesses)

    runs = (await by_turns(size, {"run": measure}))["run"]
    steady, reads = [run.steady for run in runs], round(median(run.reads for run in runs))
    return [
        Result("rebuild, to indexed tables ÷ steady projection", "facts/s", "≥ 2.5", [r.loaded for r in runs], steady),
        Result(
            "rebuild, compared and swapped ÷ steady projection", "facts/s", "none", [r.swapped for r in runs], steady
        ),
        Result("live consumer waits for the swap", "ms", "< 50", [run.lock for run in runs]),
        Result(f"empty reads of {reads:,} during a rebuild and its swap", "reads", "0", [run.empty for run in runs]),
    ]
