"""The keeper: a small process beside the stack that looks after the others.

``python -m ops.stack.keeper HOME --restart`` starts services again that died, with a growing pause.
``python -m ops.stack.keeper HOME --owner PID`` takes the stack down when the process that started it is gone, however
it went, so that a killed test run or demo leaves nothing behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic

import psutil

from ops.stack.errors import StackError
from ops.stack.stack import Stack

LOOK_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
CALM_SECONDS = 60.0
"""A service that ran this long counts as healthy again: its pause begins anew."""


def say(text: str) -> None:
    """Write a line to the keeper's log."""
    sys.stdout.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n")
    sys.stdout.flush()


class Restarts:
    """When to start a service again."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._due: dict[str, float] = {}
        self._pause: dict[str, float] = {}

    def look(self) -> None:
        """Start what died and whose pause is over."""
        for name, started in self._stack.home.read().processes.items():
            if not self._stack.is_service(name):
                continue
            if started.alive:
                if datetime.now(UTC).timestamp() - started.started > CALM_SECONDS:
                    self._pause.pop(name, None)
                continue
            self._handle(name)

    def _handle(self, name: str) -> None:
        now = monotonic()
        if name not in self._due:
            pause = self._pause.get(name, FIRST_PAUSE_SECONDS)
            self._due[name] = now + pause
            self._pause[name] = min(pause * 2, LONGEST_PAUSE_SECONDS)
            say(f"{name} died; its log is {self._stack.home.logs / f'{name}.log'}; starting it again in {pause:.0f} s")
        elif now >= self._due.pop(name):
            try:
                self._stack.start_again(name)
                say(f"{name} started again")
            except StackError as error:
                say(f"{name} cannot be started: {error}")


def keep(home: Path, *, restart: bool, owner: psutil.Process | None, stop: Event) -> None:
    """Look after the stack until ``stop`` is set or the owner is gone."""
    stack = Stack(home, say=say)
    restarts = Restarts(stack)
    while not stop.wait(LOOK_SECONDS):
        if owner is not None and not owner.is_running():
            say("the process that started this stack is gone: taking the stack down")
            stack.down(wipe=False)
            return
        if restart:
            restarts.look()


def main(arguments: list[str]) -> int:
    """Run the keeper."""
    parser = argparse.ArgumentParser(prog="ops.stack.keeper")
    parser.add_argument("home", type=Path)
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--owner", type=int)
    chosen = parser.parse_args(arguments)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        owner = psutil.Process(chosen.owner) if chosen.owner else None
    except psutil.NoSuchProcess:
        owner = psutil.Process(os.getpid())
        Stack(chosen.home, say=say).down(wipe=False)
        return 0
    keep(chosen.home, restart=chosen.restart, owner=owner, stop=stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
