"""The heart of the consumer layer on real PostgreSQL: position and effect together, poison aside, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.consumer import (
    Definition,
    StaleOwnerError,
    apply_batch,
    applying,
    discard,
    redrive_requested,
    request_redrive,
)
from shared.consumer.records import Item, read_item
from shared.contracts.registry import BusinessVerified
from shared.envelope import Event
from tests.kernel.conftest import KernelDatabase
from tests.kernel.test_ordering import Record

TYPE = BusinessVerified.type_name()


class Effects:
    """Writes one row per event, and fails where told to."""

    def __init__(self) -> None:
        self.poison: set[tuple[str, int]] = set()
        self.away = False

    async def apply(self, connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        await connection.executemany(
            "INSERT INTO effect (aggregate_id, sequence) VALUES ($1, $2)",
            [(event.meta.subject, event.meta.sequence) for event in events],
        )
        if self.away:
            raise ConnectionResetError
        if any((event.meta.subject, event.meta.sequence) in self.poison for event in events):
            raise ValueError("6471014107909901")

    @property
    def definition(self) -> Definition:
        return Definition("tester", frozenset({TYPE}), self.apply)


def items(*spots: tuple[UUID, int]) -> list[Item]:
    return [read_item(Record(offset, str(subject), sequence)) for offset, (subject, sequence) in enumerate(spots)]


async def effects(connection: asyncpg.Connection) -> list[tuple[UUID, int]]:
    return [tuple(row) for row in await connection.fetch("SELECT aggregate_id, sequence FROM effect ORDER BY n")]


async def parked(connection: asyncpg.Connection) -> list[tuple[str, int]]:
    rows = await connection.fetch("SELECT kind, sequence FROM parked_event ORDER BY sequence")
    return [(row["kind"], row["sequence"]) for row in rows]


async def test_a_batch_read_twice_has_one_effect(kernel_db: KernelDatabase) -> None:
    thing, other, work = uuid4(), uuid4(), Effects()
    async with kernel_db.connection() as connection:
        for _ in range(3):
            await apply_batch(connection, work.definition, items((thing, 1), (other, 1), (thing, 2)))
        assert [(thing, 1), (other, 1), (thing, 2)] == await effects(connection)
        assert await connection.fetchval("SELECT value FROM consumer_counter WHERE name = 'duplicates'") == 6


async def test_an_infrastructure_error_stores_nothing_and_the_next_reading_applies_all(
    kernel_db: KernelDatabase,
) -> None:
    thing, work = uuid4(), Effects()
    async with kernel_db.connection() as connection:
        work.away = True
        with pytest.raises(ConnectionResetError):
            await apply_batch(connection, work.definition, items((thing, 1), (thing, 2)))
        assert [] == await effects(connection)
        work.away = False
        await apply_batch(connection, work.definition, items((thing, 1), (thing, 2)))
        assert [(thing, 1), (thing, 2)] == await effects(connection)


async def test_a_batch_that_takes_longer_than_a_transaction_may_is_applied_in_parts(
    kernel_db: KernelDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "SLICE", 2)
    monkeypatch.setattr(applying, "SLOW_SECONDS", 0.0)
    thing, work, sizes = uuid4(), Effects(), []

    async def cut_off(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
        sizes.append(len(events))
        if len(events) > 2:
            raise asyncpg.TransactionTimeoutError("terminating connection due to transaction timeout")
        await work.definition.apply(connection, events)

    definition = replace(work.definition, apply=cut_off)
    wanted = [(thing, number) for number in range(1, 6)]
    assert await applying._apply_lane(kernel_db.pool, definition, items(*wanted), None) == 5
    assert sizes == [5, 2, 2, 1]
    async with kernel_db.connection() as connection:
        assert wanted == await effects(connection)
    monkeypatch.setattr(applying, "SLOW_SECONDS", 60.0)
    with pytest.raises(asyncpg.TransactionTimeoutError):
        await applying._apply_lane(kernel_db.pool, definition, items(*((thing, n) for n in range(6, 12))), None)


async def test_a_gap_waits_over_batches_and_is_released_by_the_missing_one(kernel_db: KernelDatabase) -> None:
    thing, work = uuid4(), Effects()
    async with kernel_db.connection() as connection:
        await apply_batch(connection, work.definition, items((thing, 1), (thing, 4), (thing, 3)))
        assert [("gap", 3), ("gap", 4)] == await parked(connection)
        await apply_batch(connection, work.definition, items((thing, 2)))
        assert [(thing, number) for number in (1, 2, 3, 4)] == await effects(connection)
        assert [] == await parked(connection)


async def test_poison_delays_only_its_own_aggregate_and_redrive_brings_it_back_in_order(
    kernel_db: KernelDatabase,
) -> None:
    bad, good, work = uuid4(), uuid4(), Effects()
    work.poison = {(str(bad), 2)}
    async with kernel_db.connection() as connection:
        batch = items((bad, 1), (good, 1), (bad, 2), (good, 2), (bad, 3), (good, 3))
        await apply_batch(connection, work.definition, batch)
        await apply_batch(connection, work.definition, items((bad, 4), (good, 4)))
        assert {(good, 1), (good, 2), (good, 3), (good, 4), (bad, 1)} == set(await effects(connection))
        assert [("poison", 2), ("behind", 3), ("behind", 4)] == await parked(connection)
        reasons = await connection.fetch("SELECT reason FROM parked_event")
        assert not any("6471014107909901" in row["reason"] for row in reasons)

        assert await request_redrive(connection, "tester") == 3
        assert await redrive_requested(kernel_db.pool, work.definition) == 0
        assert [("poison", 2), ("behind", 3), ("behind", 4)] == await parked(connection)

        work.poison = set()
        await request_redrive(connection, "tester", bad)
        assert await redrive_requested(kernel_db.pool, work.definition) == 3
        assert await redrive_requested(kernel_db.pool, work.definition) == 0
        assert [(bad, number) for number in (1, 2, 3, 4)] == [e for e in await effects(connection) if e[0] == bad]
        assert [] == await parked(connection)


async def test_a_discarded_event_leaves_a_trace_and_lets_the_stream_go_on(kernel_db: KernelDatabase) -> None:
    thing, work = uuid4(), Effects()
    work.poison = {(str(thing), 1)}
    async with kernel_db.connection() as connection:
        await apply_batch(connection, work.definition, items((thing, 1), (thing, 2)))
        number = await connection.fetchval("SELECT id FROM parked_event WHERE kind = 'poison'")
        assert await discard(connection, "tester", number, "salah kirim") is True
        assert await redrive_requested(kernel_db.pool, work.definition) == 1
        assert [(thing, 2)] == await effects(connection)
        assert (
            await connection.fetchval("SELECT reason FROM parked_history WHERE action = 'discarded'") == "salah kirim"
        )


async def test_a_record_that_tells_no_aggregate_is_parked_and_the_others_go_on(kernel_db: KernelDatabase) -> None:
    thing, work = uuid4(), Effects()
    broken = Record(7, str(thing), 1)
    broken.headers = [("ce_type", None), ("\x00", b"\xff\xfe")]  # type: ignore[list-item]
    broken.key, broken.value = b"\xff\xfe", None  # type: ignore[assignment]
    async with kernel_db.connection() as connection:
        for _ in range(2):
            await apply_batch(connection, work.definition, [read_item(broken), *items((thing, 1))])
        rows = await connection.fetch("SELECT kind, aggregate_id, key, value FROM parked_event")
        assert [("unreadable", None, b"\xff\xfe", None)] == [tuple(row) for row in rows]
        assert [(thing, 1)] == await effects(connection)


async def test_two_owners_of_a_partition_have_one_effect_between_them(kernel_db: KernelDatabase) -> None:
    things, work = [uuid4() for _ in range(20)], Effects()
    batch = [(thing, 1) for thing in things]

    async def own() -> None:
        async with kernel_db.connection() as connection:
            await apply_batch(connection, work.definition, items(*batch))

    outcomes = await asyncio.gather(*(own() for _ in range(4)), return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, StaleOwnerError) for outcome in outcomes), outcomes
    assert None in outcomes
    async with kernel_db.connection() as connection:
        assert len(things) == len(await effects(connection))
        assert [] == await parked(connection), "what another owner applied is no poison"


async def test_an_old_version_that_comes_late_overwrites_nothing(kernel_db: KernelDatabase) -> None:
    thing, work = uuid4(), Effects()
    async with kernel_db.connection() as connection:
        await apply_batch(connection, work.definition, items((thing, 1), (thing, 2), (thing, 3)))
        await apply_batch(connection, work.definition, items((thing, 2)))
        assert await connection.fetchval("SELECT position FROM stream_position") == 3
        assert len(await effects(connection)) == 3
