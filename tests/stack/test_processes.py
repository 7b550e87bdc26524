"""Processes that the stack starts: one is gone when all of it is, and leaves to others what it was told to."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from ops.stack.processes import start, stop, wait_until
from ops.stack.services import FOLLOWING

FIRST_THREAD_ENDS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_whose_first_thread_has_ended_is_there_until_its_others_have(tmp_path: Path) -> None:
    """Killed, a program of many threads is a zombie that still holds its ports for a moment: it is none that has gone."""
    started = start([sys.executable, "-c", FIRST_THREAD_ENDS], log=tmp_path / "log")
    process = psutil.Process(started.pid)
    assert wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE, 20)
    assert started.alive
    stop(started)
    assert not psutil.pid_exists(started.pid)


def test_who_follows_leaves_the_processors_to_others_whatever_session_they_are_in(tmp_path: Path) -> None:
    started = start([sys.executable, "-c", "import signal; signal.pause()"], log=tmp_path / "log", nice=FOLLOWING)
    try:
        assert psutil.Process(started.pid).nice() == FOLLOWING
        autogroup = Path(f"/proc/{started.pid}/autogroup")  # where the kernel weighs sessions against one another
        assert not autogroup.exists() or autogroup.read_text().split()[-1] == str(FOLLOWING)
    finally:
        stop(started)
