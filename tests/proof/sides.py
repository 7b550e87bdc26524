"""Promises tried on several platforms side by side: one alone waits half of its time, for brokers, sessions and clocks."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from proof.leftovers import place
from proof.promises import Promise, prove
from proof.rig import SHORT, Outcome, Rig

SIDES = 1 if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 2 else 2
"""Where three processes or more share the run, the others use what one platform waits for, and more of them would only hold each other up."""
SEED = 7
LONGEST_SECONDS = 240.0
"""What one promise may take in its short form, with a platform that is started for it."""

Outcomes = Mapping[str, "Future[Outcome]"]


class _Sides:
    def __init__(self) -> None:
        self._own = threading.local()
        self._places: list[ExitStack] = []
        self._running: set[tuple[asyncio.AbstractEventLoop, asyncio.Task[Outcome]]] = set()

    def run(self, promise: Promise) -> Outcome:
        """Try a promise on the platform of this thread; a spoilt one is followed by a new one."""
        held: tuple[ExitStack, Rig] | None = getattr(self._own, "held", None)
        if held is None or held[1].spoilt:
            if held is not None:
                held[0].close()
            platform = ExitStack()
            self._places.append(platform)
            held = self._own.held = platform, platform.enter_context(Rig(platform.enter_context(place())))
        return asyncio.run(self._bounded(held[1], promise))

    async def _bounded(self, rig: Rig, promise: Promise) -> Outcome:
        me = asyncio.get_running_loop(), asyncio.create_task(prove(rig, promise, SHORT, SEED))
        self._running.add(me)
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await me[1]
        finally:
            self._running.discard(me)

    def cancel(self) -> None:
        """End what runs: nobody waits for it any more."""
        for loop, task in list(self._running):
            loop.call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """Take all platforms down."""
        for platform in self._places:
            platform.close()


@contextmanager
def side_by_side(promises: Sequence[Promise]) -> Iterator[Outcomes]:
    """Begin to try promises, and yield what will have come of each, by number."""
    sides = _Sides()
    threads = ThreadPoolExecutor(SIDES, thread_name_prefix="platform")
    try:
        # What leaves a log that no other can be judged on comes last.
        yield {
            promise.number: threads.submit(sides.run, promise) for promise in sorted(promises, key=lambda p: p.spoils)
        }
    finally:
        sides.cancel()
        threads.shutdown(cancel_futures=True)
        sides.close()
