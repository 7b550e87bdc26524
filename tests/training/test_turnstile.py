"""The door of a batch: one at a time in the order of coming, others beside it, nobody behind somebody who hangs."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from services.training.handlers import turnstile as module
from services.training.handlers.turnstile import Turnstile


async def test_one_at_a_time_in_the_order_of_coming_and_batches_side_by_side() -> None:
    doors, one, other = Turnstile(), uuid4(), uuid4()
    entered: list[int] = []
    inside = 0

    async def guest(number: int) -> None:
        nonlocal inside
        async with doors.through(one):
            inside += 1
            assert inside == 1
            entered.append(number)
            async with doors.through(other):
                assert len(doors._doors) == 2
            inside -= 1

    await asyncio.gather(*(guest(number) for number in range(50)))
    assert entered == list(range(50))
    assert doors._doors == {}


async def test_who_fails_inside_gives_the_turn_on() -> None:
    doors, batch = Turnstile(), uuid4()
    with pytest.raises(TimeoutError):
        async with doors.through(batch):
            raise TimeoutError
    async with doors.through(batch):
        pass
    assert doors._doors == {}


async def test_nobody_waits_for_ever_behind_somebody_who_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    doors, batch = Turnstile(), uuid4()
    async with doors.through(batch), asyncio.timeout(5), doors.through(batch):
        assert len(doors._doors) == 1
    assert doors._doors == {}
