"""The whole platform while nobody asks anything: what it holds and takes, and how soon each of its processes is ready."""

from __future__ import annotations

import asyncio
from time import perf_counter

from bench.harness import Result, Size
from bench.rig import Rig, stack_of_its_own
from ops.stack import Stack
from ops.stack.services import PROCESSES

SETTLE_SECONDS = 20.0
"""After this long, what starting took is given back."""
LOOK_SECONDS = 10.0


async def resting(_: Rig, size: Size) -> list[Result]:
    """Memory and processor time of the whole platform idle, and seconds from starting each of its processes until it is ready."""
    with stack_of_its_own() as stack:
        await asyncio.to_thread(stack.up, owned=True)
        await asyncio.sleep(SETTLE_SECONDS * size.scale)
        held, shares = await _look(stack, size)
        seconds = [await asyncio.to_thread(_start, stack, process.name) for process in PROCESSES]
    ours = {process.name for process in PROCESSES}
    largest = max(ours, key=lambda one: max(look[one] for look in held))
    return [
        Result(
            "whole platform idle, all processes together", "MB", "≤ 1,500", [sum(look.values()) / 1e6 for look in held]
        ),
        Result(f"largest process of a service idle ({largest})", "MB", "≤ 120", [look[largest] / 1e6 for look in held]),
        Result("whole platform idle, of one core", "%", "none", shares),
        Result(f"start to ready, each of {len(seconds)} processes", "s", "≤ 3", seconds),
    ]


async def _look(stack: Stack, size: Size) -> tuple[list[dict[str, int]], list[float]]:
    """Return so many looks at the memory of each process, bytes, and the share of a core that all took in between, per cent."""
    held, shares = [], []
    for _ in range(size.runs):
        processes = stack.record().processes
        before, began = sum(one.processor_seconds() for one in processes.values()), perf_counter()
        await asyncio.sleep(LOOK_SECONDS * size.scale)
        taken = sum(one.processor_seconds() for one in processes.values()) - before
        shares.append(100 * taken / (perf_counter() - began))
        held.append({name: one.memory() for name, one in processes.items()})
    return held, shares


def _start(stack: Stack, name: str) -> float:
    stack.stop(name)
    started = perf_counter()
    stack.start(name)
    return perf_counter() - started
