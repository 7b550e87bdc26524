"""Chunks are made ready ahead and written in order; who relied on one that was planned again is planned again too."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

from services.registry.importing.planning import Alike, Plan
from services.registry.importing.recent import Recent
from services.registry.importing.turns import DEPTH, Turn, Turns

SOON = 0.05


def recent() -> Recent:
    """Return what an empty chunk leaves."""
    return Recent(Plan(), Alike(), {}, date(2026, 11, 1))


async def ready(turn: Turn) -> list[Recent]:
    """Make a turn ready; return what it relies on."""
    found = await turn.ground()
    turn.made_ready(recent())
    return found


async def waits(something: Any) -> asyncio.Task[Any]:
    """Return a task of something that goes on waiting."""
    task = asyncio.create_task(something)
    await asyncio.wait([task], timeout=SOON)
    assert not task.done()
    return task


async def test_a_chunk_relies_on_those_before_it_that_are_not_stored_and_on_no_others() -> None:
    turns = Turns()
    first, second, third = turns.take(), turns.take(), turns.take()
    assert await ready(first) == []
    waiting = await waits(third.ground())  # the second is not made ready yet
    assert len(await ready(second)) == 1
    assert len(await waiting) == 2
    first.written(as_made_ready=True)
    assert len(await third.ground()) == 1


async def test_a_chunk_is_written_after_the_one_before_it() -> None:
    turns = Turns()
    first, second = turns.take(), turns.take()
    await ready(first)
    await ready(second)
    writing = await waits(second.stands())
    first.written(as_made_ready=True)
    assert await writing


async def test_what_relied_on_a_chunk_that_was_planned_again_falls_and_what_comes_later_stands() -> None:
    turns = Turns()
    first, second, third = turns.take(), turns.take(), turns.take()
    for turn in (first, second):
        await ready(turn)
    first.written(as_made_ready=False)
    waiting = await waits(third.ground())  # the second will be planned again: what it leaves is not known
    assert not await second.stands()
    second.written(as_made_ready=False)
    assert await waiting == []
    third.made_ready(recent())
    assert await third.stands()


async def test_what_is_not_stored_yet_is_bounded() -> None:
    turns = Turns()
    made = [turns.take() for _ in range(DEPTH + 2)]
    for turn in made[:-1]:
        assert len(await ready(turn)) <= DEPTH
    waiting = await waits(made[-1].ground())
    made[0].written(as_made_ready=True)
    assert len(await waiting) == DEPTH


async def test_a_chunk_that_is_given_up_holds_nobody() -> None:
    turns = Turns()
    first, second, third = turns.take(), turns.take(), turns.take()
    waiting = await waits(second.ground())
    first.give_up()
    assert await waiting == []
    second.made_ready(None)
    waiting = await waits(third.ground())
    second.give_up()
    assert await waiting == []
    assert await third.stands()
