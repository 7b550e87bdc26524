"""How a service's process runs: its parts side by side, until a signal asks it to stop or one of them fails."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
import uvloop

Part = Callable[[asyncio.Event], Awaitable[None]]
"""A part of a process: works until the event is set, then drains and returns. Raises only what a restart must mend."""

log = structlog.get_logger(__name__)


def run_process(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> int:
    """Run ``main(stop)`` on uvloop; SIGTERM and SIGINT set ``stop``. Return the exit code: 0, or 1 if it failed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_until_signal(main))
        except ExceptionGroup as failures:
            for failure in failures.exceptions:
                log.error("process_failed", error=type(failure).__name__, detail=str(failure), exc_info=failure)
            return 1
    return 0


async def _until_signal(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tune_interpreter()
    await together(stop, main)


SWITCH_SECONDS = 0.0002
THREADS = Path("/proc/self/task")
LOOK_SECONDS = 0.5
"""How often a process that starts is asked whether it can work."""


def tune_interpreter() -> None:
    """Let the garbage collector look rarely, and never at what is there now, and let threads that compute give way sooner.

    A batch of 2,000 records is some 40,000 objects, nearly all gone by themselves when it is done. And a thread that computes
    would hold the event loop back for 5 ms each time that it has something to read or to send.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    gc.enable()  # off while a service was loaded


def leave_to_others(nice: int) -> None:
    """Take a lower priority, 1 to 19; never a higher one than we were started with."""
    if nice <= os.getpriority(os.PRIO_PROCESS, 0):
        return
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    # On Linux that is the first thread alone; each has a priority of its own, a new one that of whoever starts it. Some end meanwhile.
    for thread in THREADS.iterdir() if THREADS.exists() else ():
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), nice)
    # Where Linux weighs sessions against one another (autogroup), these figures count inside our session only.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")


async def leave_once_ready(nice: int, ready: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
    """Take a lower priority as soon as the process can work; 0 keeps the one that it has.

    To start takes seconds of a processor: begun with the lowest priority beside others that compute, it took two minutes.
    """
    while nice and not stop.is_set():
        if await ready():
            leave_to_others(nice)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()


async def together(stop: asyncio.Event, *parts: Part) -> None:
    """Run the parts side by side; if one fails, the others are asked to stop and its error is raised in a group."""

    async def guarded(part: Part) -> None:
        try:
            await part(stop)
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(guarded(part))
