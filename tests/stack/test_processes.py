"""Processes that the stack starts: one is gone when all of it is, and leaves to others what it was told to."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from ops.stack import Stack
from ops.stack.processes import start, stop, wait_until
from ops.stack.services import FOLLOWING, IMPORTING, PROCESSES

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


def test_who_follows_leaves_the_processors_to_others_unless_the_machine_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(
        tmp_path, environment={"KAFKA_BOOTSTRAP": "127.0.0.1:1", "POSTGRES_DSN": "postgresql://127.0.0.1:1/x"}
    )
    stack.home.prepare()
    monkeypatch.setenv("NICE", "")
    told = {process.name: int(stack.env_for(process.name)["NICE"]) for process in PROCESSES}
    assert {name for name, nice in told.items() if nice == FOLLOWING} == {
        f"{service}-worker" for service in ("training", "events", "projections", "notifications", "partners")
    }
    assert {name: nice for name, nice in told.items() if 0 < nice < FOLLOWING} == {"registry-worker": IMPORTING}
    monkeypatch.setenv("NICE", "0")
    assert {stack.env_for(process.name)["NICE"] for process in PROCESSES} == {"0"}
