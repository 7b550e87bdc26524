"""The hall and the door of a batch: few in the hall, one inside in the order of asking; nobody behind somebody who hangs."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from services.training.handlers import turnstile as module
from services.training.handlers.turnstile import HALL, Turnstile


async def test_few_in_the_hall_one_inside_in_order_and_batches_side_by_side() -> None:
    doors, one, other = Turnstile(), uuid4(), uuid4()
    asked: list[int] = []
    entered: list[int] = []
    full = asyncio.Event()
    most, in_hall, inside = 0, 0, 0

    async def client(number: int) -> None:
        nonlocal most, in_hall, inside
        async with doors.hall(one) as guest:
            in_hall += 1
            most = max(most, in_hall)
            if in_hall == HALL:
                full.set()
            await full.wait()  # the first wait until as many are in the hall as may be
            asked.append(number)
            await guest.enter()
            await guest.enter()  # asked again, one is inside already
            inside += 1
            assert inside == 1
            entered.append(number)
            async with doors.hall(other) as elsewhere:
                await elsewhere.enter()
                assert len(doors._doors) == 2
            inside -= 1
            in_hall -= 1

    await asyncio.gather(*(client(number) for number in range(50)))
    assert entered == asked
    assert sorted(entered) == list(range(50))
    assert most == HALL
    assert doors._doors == {}


async def test_who_fails_in_the_hall_or_inside_gives_room_and_turn_on() -> None:
    doors, batch = Turnstile(), uuid4()

    async def fail(*, inside: bool) -> None:
        async with doors.hall(batch) as guest:
            if inside:
                await guest.enter()
            raise LookupError

    for number in range(2 * HALL):
        with pytest.raises(LookupError):
            await fail(inside=number % 2 == 0)
    async with asyncio.timeout(1), doors.hall(batch) as guest:
        await guest.enter()
    assert doors._doors == {}


async def test_nobody_waits_for_ever_behind_somebody_who_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    doors, batch = Turnstile(), uuid4()
    async with doors.hall(batch) as hanging, asyncio.timeout(5):
        await hanging.enter()
        async with doors.hall(batch) as guest:
            await guest.enter()
            assert len(doors._doors) == 1
        async with doors.hall(batch) as other:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await other.enter()  # who did not get in must not open the door at the end
    assert doors._doors == {}
