"""A group that goes back, with the real consumer on real Kafka: all is read again, and nothing comes of it a second time (decision 51)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from ops.cli.lag import read_lag
from ops.kafka_admin.groups import commit_for
from ops.kafka_admin.resetting import Move, ResetRefusedError, moving, plan_reset
from shared.consumer import discard
from shared.envelope import Event
from tests.kernel.conftest import KernelDatabase
from tests.kernel.test_consumer import RawHeaders, consuming, note, producing, record, until
from tests.stack.servers import Kafka

THINGS, FACTS = 20, 4
NOBODYS: list[tuple[bytes, bytes, RawHeaders]] = [(b"\xff", b"{}", [("x", b"\xff")]), (b"?", b"bukan json", [])]
"""Records that do not tell whose they are: no position knows them."""
TABLES = (
    "SELECT aggregate_id, sequence FROM effect ORDER BY 1, 2",
    "SELECT * FROM stream_position ORDER BY aggregate_id",
    "SELECT * FROM parked_event ORDER BY id",
    "SELECT * FROM parked_history ORDER BY id",
)
DUPLICATES = "SELECT coalesce(sum(value), 0) FROM consumer_counter WHERE name = 'duplicates'"


async def stored(db: KernelDatabase) -> list[list[tuple[Any, ...]]]:
    """Return all that the consumer has written, but for what it counts."""
    return [[tuple(row) for row in await db.pool.fetch(query)] for query in TABLES]


async def caught_up(kafka: Kafka, group: str) -> None:
    """Wait until a group has committed all that there is."""
    async with asyncio.timeout(40):
        while sum(item.lag for item in await asyncio.to_thread(read_lag, kafka.admin) if item.group == group):
            await asyncio.sleep(0.2)


async def planned(kafka: Kafka, group: str, topic: str) -> list[Move]:
    """Return what a reset to the beginning comes to, once the broker has given the group's static member up."""
    async with asyncio.timeout(40):
        while (moves := await asyncio.to_thread(_plan, kafka, group, topic)) is None:
            await asyncio.sleep(0.5)
    return moves


def _plan(kafka: Kafka, group: str, topic: str) -> list[Move] | None:
    try:
        return plan_reset(kafka.admin, group, [topic], None, datetime.now(UTC))
    except ResetRefusedError:
        return None


@pytest.mark.timeout(150)
async def test_a_group_that_goes_back_reads_all_again_and_nothing_comes_of_it_twice(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    """Among what it reads are poison, what waits behind that, a gap, and records of nobody."""
    group, things, late = f"test-{topic}", [uuid4() for _ in range(THINGS)], uuid4()

    async def apply(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        await note(connection, events)
        if any(event.meta.subject == str(things[0]) and event.meta.sequence == 3 for event in events):
            raise ValueError("poison")

    sent = [record(thing, number) for number in range(1, FACTS + 1) for thing in things]
    sent += [*NOBODYS, record(late, 2)]
    async with producing(kafka) as producer:
        for key, value, headers in sent:
            await producer.send(topic, value, key=key, headers=headers)
        await producer.flush()
    applied, aside = THINGS * FACTS - 2, 5  # poison, one behind it, a gap, two of nobody
    async with consuming(kernel_db, kafka, topic, apply):
        await until(kernel_db, "SELECT count(*) FROM effect", applied)
        await until(kernel_db, "SELECT count(*) FROM parked_event", aside)
        await caught_up(kafka, group)
        with pytest.raises(ResetRefusedError, match=rf"{group} is being read by {group}-test \("):
            await asyncio.to_thread(plan_reset, kafka.admin, group, [topic], None, datetime.now(UTC))
    before = await stored(kernel_db)
    moves = await planned(kafka, group, topic)
    assert sum(move.again for move in moves) == len(sent)
    commit_for(kafka.admin, group, {(it.topic, it.partition): it.to for it in moving(moves)})
    async with consuming(kernel_db, kafka, topic, apply):
        await until(kernel_db, DUPLICATES, len(sent) - len(NOBODYS))  # what is set aside is known too
        await caught_up(kafka, group)
    assert await stored(kernel_db) == before


@pytest.mark.timeout(150)
async def test_of_what_was_given_up_only_the_records_of_nobody_come_back(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    """A discarded fact counts as applied by its position. A record of nobody has none, and is set aside once more."""
    group, thing = f"test-{topic}", uuid4()

    async def apply(_connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        raise ValueError(f"{len(events)} facts")

    async with producing(kafka) as producer:
        for key, value, headers in [record(thing, 1), *NOBODYS]:
            await producer.send(topic, value, key=key, headers=headers)
        await producer.flush()
    async with consuming(kernel_db, kafka, topic, apply):
        await until(kernel_db, "SELECT count(*) FROM parked_event", 3)
        await caught_up(kafka, group)
    for row in await kernel_db.pool.fetch(
        "SELECT id FROM parked_event WHERE kind = 'poison' OR key = $1", NOBODYS[0][0]
    ):
        async with kernel_db.connection() as connection:
            assert await discard(connection, group, row["id"], "tidak berguna")
    moves = await planned(kafka, group, topic)
    commit_for(kafka.admin, group, {(it.topic, it.partition): it.to for it in moving(moves)})
    async with consuming(kernel_db, kafka, topic, apply):
        await until(kernel_db, DUPLICATES, 1)
        await caught_up(kafka, group)
    aside = await kernel_db.pool.fetch("SELECT kind, key FROM parked_event ORDER BY key")
    assert [tuple(row) for row in aside] == [("unreadable", key) for key, *_ in sorted(NOBODYS, key=lambda it: it[0])]
