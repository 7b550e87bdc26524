"""From a commit to the endpoints of other agencies, while one agency has a long history posted again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial

from bench.agencies import check, code_of, lives, receivers, record, register
from bench.arriving import BUSINESSES, RATE, Committed, tell
from bench.delivery import relaying_apart
from bench.harness import Result, Size, VoidRunError, by_turns, percentile
from bench.latency import things
from bench.rig import PARTITIONS, Rig
from services.partners.commands import StartReplay
from services.partners.domain.replays import Rates
from services.partners.handlers.replays import Replays
from services.partners.handlers.sealing import SecretBox
from services.partners.store import migrations
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import Pool
from shared.identifiers import new_id

OTHERS = 3
REPLAYED_RATE = 200
"""Events a second: as many as the office lets an agency have."""
SPARE = 3_000
"""So many events of the history are left when the last fact comes, at least: the replay lasts longer than what is measured."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ENDPOINTS = "SELECT id FROM webhook WHERE agency = $1"
DELIVERED = """
SELECT count(*) FROM webhook_position p JOIN stream s ON s.name = p.stream
WHERE s.name = 'business' AND s.last = $1 AND p.position = s.last
"""


async def _start(pool: Pool, until: datetime) -> None:
    """Let the last agency have what was recorded before a time once more."""
    agency, rates = code_of(OTHERS), Rates(REPLAYED_RATE, REPLAYED_RATE)
    async with pool.acquire() as connection, connection.transaction():
        webhook_id = await connection.fetchval(ENDPOINTS, agency)
        command = StartReplay(new_id(), webhook_id, agency, LONG_AGO, None, until, ("business",), REPLAYED_RATE)
        await Replays([], rates).start(connection, command, datetime.now(UTC))


async def _all_delivered(pool: Pool, last: int) -> None:
    """Wait until everything up to a position was recorded, and every endpoint has it."""
    async with asyncio.timeout(60):
        while await pool.fetchval(DELIVERED, last) < OTHERS + 1:
            await asyncio.sleep(0.02)


async def _latencies(rig: Rig, facts: int, *, replaying: bool) -> list[float]:
    """Return how long each fact was on its way to each of the other agencies, seconds, but for those of the first second."""
    rig.declared_topics()
    rig.empty_topic(BUSINESS_TOPIC, PARTITIONS)
    committed: Committed = {}
    history = lives(facts * REPLAYED_RATE // RATE + SPARE)
    async with (
        rig.database() as (outbox, pool),
        rig.database("partners", migrations()) as (dsn, agencies),
        receivers(OTHERS + 1) as receiver,
        relaying_apart(outbox, rig),
    ):
        await record(agencies, history)
        recorded = datetime.now(UTC)
        await register(agencies, SecretBox(rig.webhook_keys()), receiver.ports, from_first=False)
        businesses = await things(pool, BUSINESSES)
        async with rig.process("partners", dsn, "services.partners", "worker"):
            await tell(pool, businesses, 0, BUSINESSES, committed)
            await _all_delivered(agencies, len(history) + BUSINESSES)
            if replaying:
                await _start(agencies, recorded)
                await receiver.wait((OTHERS + 1) * BUSINESSES + 1, 60)
            await tell(pool, businesses, BUSINESSES, BUSINESSES + facts, committed)
            await _all_delivered(agencies, len(history) + BUSINESSES + facts)
            told = await receiver.tell()
    live = [item for item in told if (item[3], item[4]) in committed]
    check(live, OTHERS + 1, BUSINESSES + facts)
    if replaying and not 0 < len(told) - len(live) < len(history):
        raise VoidRunError(f"{len(told) - len(live)} of {len(history)} events were replayed meanwhile")
    return [
        at - committed[subject, sequence]
        for endpoint, at, _, subject, sequence in live
        if endpoint < OTHERS and sequence > 1
    ]


async def beside_a_replay(rig: Rig, size: Size) -> list[Result]:
    """Facts at 200 a second to the webhooks of three agencies while a fourth replays, against the same without the replay."""
    facts = max(BUSINESSES, size.of(4_000))
    kept = await by_turns(
        size,
        {
            "alone": partial(_latencies, rig, facts, replaying=False),
            "beside": partial(_latencies, rig, facts, replaying=True),
        },
    )
    return [
        Result(
            f"commit to the webhooks of {OTHERS} agencies while another replays {REPLAYED_RATE}/s ÷ alone, p{cut}",
            "ms",
            "≤ 1.2",
            [1000 * percentile(waits, cut) for waits in kept["beside"]],
            [1000 * percentile(waits, cut) for waits in kept["alone"]],
        )
        for cut in (50, 99)
    ]
