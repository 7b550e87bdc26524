"""From a commit in a service's database to the agency's endpoint: outbox, relay, Kafka, the partners' worker, webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from time import perf_counter
from uuid import UUID

from bench.agencies import check, receivers, register, registered
from bench.delivery import relaying_apart
from bench.harness import Result, Size, by_turns, percentile
from bench.latency import things
from bench.rig import PARTITIONS, Rig
from services.partners.handlers.sealing import SecretBox
from services.partners.store import migrations
from shared.contracts.registry import BUSINESS_TOPIC, BusinessVerified
from shared.database import Pool
from shared.outbox import Cause, Hint, append

RATE = 200
BUSINESSES = 200
CONNECTIONS = 4
GOALS = {50: "≤ 50", 99: "≤ 200"}
Committed = dict[tuple[str, int], float]
"""Business and sequence → when its transaction was committed."""


async def _tell(pool: Pool, hint: Hint, numbers: Iterator[int], businesses: list[UUID], committed: Committed) -> None:
    """Store facts at a steady pace, each in a transaction of its own: a business's first, then verifications."""
    started = perf_counter()
    for count, number in enumerate(numbers):
        if (early := started + count * CONNECTIONS / RATE - perf_counter()) > 0:
            await asyncio.sleep(early)
        business, sequence = businesses[number % BUSINESSES], number // BUSINESSES + 1
        fact = registered(business) if sequence == 1 else BusinessVerified(business_id=business)
        async with pool.acquire() as connection, connection.transaction():
            cause = Cause("b", None, "b", "command", None, datetime.now(UTC))
            await append(connection, "bench", [(sequence, fact)], cause)
        committed[str(business), sequence] = perf_counter()
        hint.wake()


async def tell(pool: Pool, businesses: list[UUID], first: int, upto: int, committed: Committed) -> None:
    """Store facts from one number up to another, as fast as ``RATE`` says."""
    lanes = [iter(range(first + lane, upto, CONNECTIONS)) for lane in range(CONNECTIONS)]
    await asyncio.gather(*(_tell(pool, Hint(pool), lane, businesses, committed) for lane in lanes))


async def _latencies(rig: Rig, facts: int) -> list[float]:
    """Return how long each fact was on its way, seconds, but for those of the first second."""
    rig.declared_topics()
    rig.empty_topic(BUSINESS_TOPIC, PARTITIONS)
    committed: Committed = {}
    async with (
        rig.database() as (outbox, pool),
        rig.database("partners", migrations()) as (dsn, agencies),
        receivers(1) as receiver,
        relaying_apart(outbox, rig),
        rig.process("partners", dsn, "services.partners", "worker"),
    ):
        businesses = await things(pool, BUSINESSES)
        await register(agencies, SecretBox(rig.webhook_keys()), receiver.ports)
        for first, upto in ((0, BUSINESSES), (BUSINESSES, BUSINESSES + facts)):
            await tell(pool, businesses, first, upto, committed)
            await receiver.wait(upto, 60)
        told = await receiver.tell()
    check(told, 1, BUSINESSES + facts)
    came = {(subject, sequence): at for _, at, _, subject, sequence in told}
    return [came[key] - at for key, at in committed.items() if key[1] > 1]


async def commit_to_webhook(rig: Rig, size: Size) -> list[Result]:
    """Facts at 200 a second, from the commit in their service's database until an agency's endpoint has them, milliseconds."""
    facts = max(BUSINESSES, size.of(4_000))
    kept = await by_turns(size, {"waits": partial(_latencies, rig, facts)})
    return [
        Result(
            f"commit to webhook received at {RATE}/s, p{cut}",
            "ms",
            goal,
            [1000 * percentile(waits, cut) for waits in kept["waits"]],
        )
        for cut, goal in GOALS.items()
    ]
