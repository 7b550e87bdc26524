"""The door of a batch: who waits goes in together, in order; who is left out or fails goes alone; nobody behind who hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest

from services.training.handlers import turnstile as module
from services.training.handlers.turnstile import TOGETHER, Turnstile


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


class Batch:
    """One batch behind a door: what went in together, whom the database fails on, and who went alone."""

    def __init__(self, doors: Turnstile[int, str], batch_id: UUID | None = None) -> None:
        self.doors, self.batch_id = doors, batch_id or uuid4()
        self.groups: list[list[int]] = []
        self.alone: list[int] = []
        self.at_work = self.most = 0
        self.open = asyncio.Event()
        self.fails: set[int] = set()
        self.left_out: set[int] = set()

    async def together(self, wishes: Sequence[int]) -> list[str | None]:
        self.groups.append(list(wishes))
        await self.open.wait()
        if self.fails.intersection(wishes):
            raise LookupError
        return [None if wish in self.left_out else f"came {wish}" for wish in wishes]

    async def come(self, number: int, *marks: str) -> str:
        async with self.doors.turn(self.batch_id, number, marks or {str(number)}, self.together) as came:
            if came is None:
                self.alone.append(number)
                await self.slowly()
                if number in self.fails:
                    raise LookupError
                return f"alone {number}"
            return came

    async def slowly(self) -> None:
        """Let everybody else do what they can meanwhile, and count how many are at work alone."""
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        rounds = iter(range(10))
        await until(lambda: next(rounds, None) is None)
        self.at_work -= 1

    async def crowd(self, count: int) -> list[asyncio.Task[str]]:
        """Let so many come, of whom the first is inside and the others queue."""
        tasks = [asyncio.create_task(self.come(0))]
        await until(lambda: bool(self.groups))
        tasks += [asyncio.create_task(self.come(number)) for number in range(1, count)]
        await self.queued(count - 1)
        return tasks

    async def queued(self, count: int) -> None:
        """Wait until so many queue."""
        await until(lambda: len(self.doors._doors[self.batch_id].queue) == count)


@pytest.fixture
def doors() -> Turnstile[int, str]:
    return Turnstile()


async def test_who_waits_goes_in_together_in_the_order_of_coming(doors: Turnstile[int, str]) -> None:
    batch, other = Batch(doors), Batch(doors)
    tasks = await batch.crowd(TOGETHER + 8)
    other.open.set()
    assert await other.come(1) == "came 1"  # batches side by side
    batch.open.set()
    assert await asyncio.gather(*tasks) == [f"came {number}" for number in range(TOGETHER + 8)]
    numbers = list(range(TOGETHER + 8))
    assert batch.groups == [numbers[:1], numbers[1 : TOGETHER + 1], numbers[TOGETHER + 1 :]]
    assert batch.alone == []
    assert doors._doors == {}


async def test_two_with_a_mark_in_common_are_in_two_groups(doors: Turnstile[int, str]) -> None:
    batch = Batch(doors)
    tasks = await batch.crowd(1)
    for number, marks in enumerate([("a", "x"), ("b", "x"), ("a", "y"), ("c", "z")], 1):
        tasks.append(asyncio.create_task(batch.come(number, *marks)))
    await batch.queued(4)
    batch.open.set()
    await asyncio.gather(*tasks)
    assert batch.groups == [[0], [1, 4], [2, 3]]


async def test_a_group_that_fails_tries_one_by_one_before_those_who_came_later(doors: Turnstile[int, str]) -> None:
    batch = Batch(doors)
    batch.fails = {3}
    tasks = await batch.crowd(TOGETHER + 3)
    batch.open.set()
    came = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(what) for what in came[:5]] == ["came 0", "alone 1", "alone 2", "", "alone 4"]
    assert isinstance(came[3], LookupError)
    assert batch.alone == list(range(1, TOGETHER + 1))
    assert batch.most == 1
    assert came[-1] == f"came {TOGETHER + 2}"
    assert doors._doors == {}


async def test_who_is_left_out_goes_alone_and_the_next_group_does_not_wait(doors: Turnstile[int, str]) -> None:
    batch = Batch(doors)
    batch.left_out = {1}
    tasks = await batch.crowd(3)
    batch.open.set()
    assert await asyncio.gather(*tasks) == ["came 0", "alone 1", "came 2"]


async def test_who_goes_away_takes_nobody_with_them(doors: Turnstile[int, str]) -> None:
    batch = Batch(doors)
    tasks = await batch.crowd(4)
    tasks[0].cancel()  # inside: what was begun goes on
    tasks[2].cancel()  # in the queue
    await asyncio.wait([tasks[0], tasks[2]])
    batch.open.set()
    assert await asyncio.gather(tasks[1], tasks[3]) == ["came 1", "came 3"]
    assert batch.groups == [[0], [1, 3]]
    assert doors._doors == {}


async def test_nobody_waits_for_ever_behind_somebody_who_hangs(
    doors: Turnstile[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    batch = Batch(doors)
    tasks = await batch.crowd(3)
    async with asyncio.timeout(30):
        assert await asyncio.gather(*tasks[1:]) == ["alone 1", "alone 2"]
        assert not tasks[0].done()
        batch.open.set()
        assert await tasks[0] == "came 0"
        await until(lambda: not doors._doors)


async def test_those_of_a_failed_group_do_not_wait_for_ever_for_one_another(
    doors: Turnstile[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, hangs = Batch(doors), asyncio.Event()
    batch.fails = {1}
    went: list[int] = []

    async def come(number: int) -> None:
        async with doors.turn(batch.batch_id, number, {str(number)}, batch.together) as came:
            if came is None:
                went.append(number)
                await hangs.wait()

    tasks = await batch.crowd(1)
    tasks += [asyncio.create_task(come(number)) for number in (1, 2, 3)]  # type: ignore[list-item]
    await batch.queued(3)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    batch.open.set()
    await until(lambda: went == [1, 2, 3])
    hangs.set()
    await asyncio.gather(*tasks)
