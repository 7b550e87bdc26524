"""A process of a service: what it tells the interpreter before its parts begin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.process import SWITCH_SECONDS

ROOT = Path(__file__).parents[2]
PROCESS = """
import gc, sys
from shared.process import run_process

async def main(stop):
    print(sys.getswitchinterval(), gc.isenabled(), gc.get_freeze_count() > 0)

sys.exit(run_process(main))
"""


def test_threads_that_compute_give_way_soon_and_collections_spare_what_was_loaded() -> None:
    told = subprocess.run([sys.executable, "-c", PROCESS], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    seconds, *rest = told.split()
    assert float(seconds) == pytest.approx(SWITCH_SECONDS)
    assert rest == ["True", "True"]


LEAVING = """
import asyncio, os, threading
from pathlib import Path
from shared.process import leave_once_ready

asked = []

async def ready():
    asked.append(os.getpriority(os.PRIO_PROCESS, 0))
    return len(asked) == 2

other = threading.Event()
threading.Thread(target=other.wait).start()
asyncio.run(leave_once_ready(%d, ready, asyncio.Event()))
threads = {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path("/proc/self/task").iterdir()}
autogroup = Path("/proc/self/autogroup")
print(asked, threads, autogroup.read_text().split()[-1] if autogroup.exists() else None)
other.set()
"""


def _leaving(nice: int, *before: str) -> list[str]:
    command = [*before, sys.executable, "-c", LEAVING % nice]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, start_new_session=True).stdout
    return told.replace(", ", ",").split()


def test_a_process_leaves_to_others_once_it_can_work_with_all_its_threads_whatever_session_they_are_in() -> None:
    asked, threads, autogroup = _leaving(12)
    assert (asked, threads) == ("[0,0]", "{12}")
    assert autogroup in {"12", "None"}  # where the kernel does not weigh sessions there is none


def test_a_process_never_takes_more_than_it_was_started_with() -> None:
    assert _leaving(0, "nice", "-n", "5")[:2] == ["[]", "{5}"]
    assert _leaving(3, "nice", "-n", "5")[:2] == ["[5,5]", "{5}"]


SERVING = """
import asyncio, os
from shared.health import Health
from shared.web.health import run_health
from tests.kernel.web_client import LocalSettings

async def main():
    health, stop, asked, may_work = Health("uji"), asyncio.Event(), asyncio.Semaphore(0), asyncio.Event()

    async def check():
        asked.release()
        return None if may_work.is_set() else "starting"

    health.add("work", check)
    serving = asyncio.create_task(run_health(health, LocalSettings(nice=12), stop))
    async with asyncio.timeout(20):
        await asked.acquire()
        await asked.acquire()  # it was not ready, and was asked again
        print(os.getpriority(os.PRIO_PROCESS, 0))
        may_work.set()
        while os.getpriority(os.PRIO_PROCESS, 0) == 0:
            await asyncio.sleep(0.01)
    print(os.getpriority(os.PRIO_PROCESS, 0))
    stop.set()
    await serving

asyncio.run(main())
"""


def test_who_serves_its_health_takes_the_priority_of_its_settings_when_it_says_that_it_is_ready() -> None:
    command = [sys.executable, "-c", SERVING]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert told.split() == ["0", "12"]
