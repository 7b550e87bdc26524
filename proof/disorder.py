"""Order at risk: a producer that swaps neighbours, and partitions that are added while the relay is producing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import asyncpg
from aiokafka import TopicPartition

from ops.kafka_admin.client import operator_client
from ops.kafka_admin.plan import apply_plan, make_plan
from ops.stack.databases import owner_of
from ops.stack.services import ROOT
from proof.rig import FOLLOWERS, QUIET_SECONDS, Rig, Size, within
from services.projections.commands import Projection
from shared.broker import make_reader
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import connected
from shared.relay.publishing import Publisher
from shared.relay.reading import COLUMNS
from shared.topology import PRINCIPALS, TOPICS

PROJECTIONS = [projection.value for projection in Projection]

# What the relay would publish now, as it would read it.
_PENDING = f"""
SELECT {COLUMNS} FROM outbox JOIN (SELECT shard AS own, base FROM relay_cursor) AS c ON c.own = shard
WHERE NOT pg_visible_in_snapshot(xid, base) ORDER BY id
"""  # noqa: S608
_LONG = 3
"""So many events of one aggregate must wait, so that one can be held back and others of it come before."""


async def swap_neighbours(rig: Rig, size: Size, dice: Random) -> None:
    """Take the relay's place and publish what waits with neighbours swapped; some events come only with the relay.

    Raises ``AssertionError`` if a consumer goes beyond a gap, or parks none.
    """
    publisher = Publisher(rig.stack.credentials("operator"), "proof-disorder")
    source = await asyncpg.connect(rig.stack.dsn("registry", owner_of("registry")))
    try:
        async with rig.fault():
            await rig.kill("registry-relay")
            rows, late = await _until_enough_waits(source, 2 * size.strikes, dice)
            order = swapped([row for row in rows if row["event_id"] not in late], dice)
            rig.disordered |= out_of_order(order) | {row["key"] for row in rows if row["event_id"] in late}
            await publisher.send(await publisher.prepare(order))
            gaps = {row["key"]: row["sequence"] for row in rows if row["event_id"] in late}
            for service in FOLLOWERS:
                await _wait_at_the_gaps(rig, service, gaps)
            rig.notes.append(
                f"{len(order)} events published with neighbours swapped, {len(rig.disordered)} aggregates out of order, "
                f"{len(gaps)} of them parked at a gap by each consumer until the missing event came"
            )
            await rig.start("registry-relay")
    finally:
        await publisher.stop()
        await source.close()


async def _until_enough_waits(
    source: asyncpg.Connection, wanted: int, dice: Random
) -> tuple[list[asyncpg.Record], set[str]]:
    """Return what the relay has not published, once enough aggregates have several; and the events to hold back."""
    async with within(QUIET_SECONDS, "several events of one aggregate in the outbox"):
        while True:
            rows = await source.fetch(_PENDING)
            waiting: dict[str, list[str]] = defaultdict(list)
            for row in rows:
                if row["topic"] == BUSINESS_TOPIC:
                    waiting[row["key"]].append(row["event_id"])
            long = sorted(key for key, events in waiting.items() if len(events) >= _LONG)
            if len(long) >= wanted:
                return rows, {waiting[key][0] for key in dice.sample(long, wanted // 2)}
            await asyncio.sleep(0.1)


def swapped(rows: Sequence[asyncpg.Record], dice: Random) -> list[asyncpg.Record]:
    """Return the rows with each aggregate's neighbours swapped in pairs, and then neighbours of different aggregates."""
    order = list(rows)
    places: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(order):
        places[row["key"]].append(number)
    for mine in places.values():
        for one, other in zip(mine[::2], mine[1::2], strict=False):
            order[one], order[other] = order[other], order[one]
    for number in range(0, len(order) - 1, 2):
        if order[number]["key"] != order[number + 1]["key"] and dice.random() < 0.5:
            order[number], order[number + 1] = order[number + 1], order[number]
    return order


def out_of_order(rows: Sequence[asyncpg.Record]) -> set[str]:
    """Return the aggregates of which an event comes before an earlier one."""
    heads: dict[str, int] = {}
    found = set()
    for row in rows:
        if row["sequence"] < heads.get(row["key"], 0):
            found.add(row["key"])
        heads[row["key"]] = max(row["sequence"], heads.get(row["key"], 0))
    return found


async def _wait_at_the_gaps(rig: Rig, service: str, gaps: dict[str, int]) -> None:
    """Wait until something is parked behind every gap; a position beyond one is an error."""
    async with connected(rig.stack.dsn(service, owner_of(service))) as connection:
        async with within(QUIET_SECONDS, f"{service} to park what comes after a gap"):
            while True:
                parked = await connection.fetch(
                    "SELECT DISTINCT aggregate_id::text FROM parked_event WHERE consumer = $1 AND kind = 'gap'", service
                )
                if gaps.keys() <= {row[0] for row in parked}:
                    break
                await asyncio.sleep(0.05)
        rows = await connection.fetch(
            "SELECT aggregate_id::text, position FROM stream_position WHERE consumer = $1 AND aggregate_id = ANY ($2::uuid[])",
            service, list(gaps),
        )  # fmt: skip
        beyond = {key: position for key, position in rows if position >= gaps[key]}
        assert not beyond, f"{service} went beyond a gap: {beyond}"


MORE_PARTITIONS = 3
GROWING_SECONDS = 60.0
_BUSINESS = next(topic for topic in TOPICS if topic.name == BUSINESS_TOPIC)


async def add_partitions(rig: Rig, _: Size, __: Random) -> None:
    """Let a topic grow while the relay produces, and build every projection anew from its first event meanwhile.

    Raises ``AssertionError`` if the added partitions stay empty, or the rebuilt projections differ.
    """
    async with rig.fault():
        first = await asyncio.to_thread(_rebuild, rig)
        count = await asyncio.to_thread(_grow, rig)
        rig.grown = True
        await _until_used(rig, count)
        second = await asyncio.to_thread(_rebuild, rig)
    rig.notes.append(
        f"{BUSINESS_TOPIC} grew to {count} partitions under load; a new consumer of all of it, from its first event on: "
        f"{first} events before, {second} after, equal to the projections that were there all the time"
    )


def _grow(rig: Rig) -> int:
    """Declare more partitions and apply that, as an operator does; return how many there are now."""
    admin = operator_client(rig.stack.credentials("operator"))
    present = len(admin.list_topics(BUSINESS_TOPIC, timeout=15).topics[BUSINESS_TOPIC].partitions)
    wanted = replace(_BUSINESS, partitions=present + MORE_PARTITIONS)
    plan = make_plan(admin, [wanted], PRINCIPALS)
    assert plan.lines() == [f"grow topic {BUSINESS_TOPIC} to {wanted.partitions} partitions"], plan.lines()
    apply_plan(admin, plan, rig.stack.servers.kafka_password)
    return wanted.partitions


async def _until_used(rig: Rig, count: int) -> None:
    """Wait until every added partition holds a record."""
    reader = make_reader(rig.stack.credentials("operator"), "proof-growing")
    await reader.start()
    try:
        added = [TopicPartition(BUSINESS_TOPIC, number) for number in range(count - MORE_PARTITIONS, count)]
        async with within(GROWING_SECONDS, "a record in every added partition"):
            while not all((await reader.end_offsets(added)).values()):
                await asyncio.sleep(0.2)
    finally:
        await reader.stop()


def _rebuild(rig: Rig) -> int:
    """Build the projections anew from the first event on, compare and swap; return how many events there were."""
    command = [sys.executable, "-m", "services.projections", "rebuild", *PROJECTIONS]
    env = rig.stack.env_for("projections-worker")
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the rebuild was refused: {done.stdout[-600:]} {done.stderr[-600:]}"
    return int(json.loads(done.stdout.splitlines()[-1])["result"]["events"])
