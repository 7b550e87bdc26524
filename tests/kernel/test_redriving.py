"""A consumer goes on doing what operators ask for, whatever it failed of before, and shows what it fails of. No broker is needed for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from shared.broker import KafkaSettings
from shared.consumer import Consumer, apply_batch, consumer, redrive, redrive_requested, request_redrive
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import running
from tests.kernel.test_applying import TYPE, Effects, effects, items

NOWHERE = KafkaSettings("127.0.0.1:1", "user", "password")


@asynccontextmanager
async def without_broker(db: KernelDatabase, work: Effects) -> AsyncIterator[Consumer]:
    """Run a consumer that finds no broker."""
    made = Consumer(
        name="tester",
        topics=("uji",),
        types=frozenset({TYPE}),
        apply=work.apply,
        pool=db.pool,
        kafka=NOWHERE,
        instance="t",
    )
    async with running(made):
        yield made


async def until(holds: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.UndefinedTableError("not migrated yet"),
        asyncpg.InvalidPasswordError("changed"),
        asyncpg.InvalidCatalogNameError("gone"),
        KeyError("a fault of ours"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_redrive_that_fails_is_shown_and_done_when_it_can_be(
    kernel_db: KernelDatabase, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(consumer, "REDRIVE_SECONDS", 0.05)
    thing, work, faults = uuid4(), Effects(), [fault, fault]
    work.poison = {(str(thing), 1)}
    async with kernel_db.connection() as connection:
        await apply_batch(connection, work.definition, items((thing, 1), (thing, 2)))
        work.poison = set()
        await request_redrive(connection, "tester")

    async def failing(*asked: Any) -> int:
        if faults:
            raise faults.pop()
        return await redrive_requested(*asked)

    monkeypatch.setattr(consumer, "redrive_requested", failing)
    async with without_broker(kernel_db, work) as made, kernel_db.connection() as connection:
        await until(lambda: made.redrive_problem == type(fault).__name__)
        assert made.tasks_alive()
        await until(lambda: made.redrive_problem is None)
        assert await effects(connection) == [(thing, 1), (thing, 2)]
        assert made.tasks_alive()


async def test_a_consumer_whose_redrives_ended_is_not_alive(
    kernel_db: KernelDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def dying(*_: Any) -> None:
        ended.set()
        raise asyncio.CancelledError

    monkeypatch.setattr(Consumer, "_redrive", dying)
    monkeypatch.setattr(consumer, "REDRIVE_SECONDS", 0.05)
    async with without_broker(kernel_db, Effects()) as made:
        assert made.tasks_alive()
        await until(lambda: not made.tasks_alive())
    assert ended.is_set()


async def test_an_aggregate_that_fails_each_time_holds_up_no_other(
    kernel_db: KernelDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    things, work = [uuid4() for _ in range(5)], Effects()
    work.poison = {(str(thing), 1) for thing in things}
    async with kernel_db.connection() as connection:
        await apply_batch(connection, work.definition, items(*((thing, 1) for thing in things)))
        work.poison = set()
        await request_redrive(connection, "tester")
    one_by_one = redrive._redrive_aggregate

    async def stumble(connection: Any, definition: Any, subject: str) -> int:
        if subject == str(things[0]):
            raise KeyError("a fault of ours")
        return await one_by_one(connection, definition, subject)

    monkeypatch.setattr(redrive, "_redrive_aggregate", stumble)
    with pytest.raises(KeyError):
        await redrive_requested(kernel_db.pool, work.definition)
    async with kernel_db.connection() as connection:
        assert {thing for thing, _ in await effects(connection)} == {*things[1:]}
