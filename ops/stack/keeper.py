"""The keeper: a small process beside the stack that looks after the others.

``python -m ops.stack.keeper HOME --restart`` starts services again that died, with a growing pause.
``python -m ops.stack.keeper HOME --owner PID`` takes the stack down when the process that started it is gone, however
it went, so that a killed test run or demo leaves nothing behind.
"""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

import psutil

from ops.stack.errors import StackError
from ops.stack.home import Home
from ops.stack.services import is_service

if TYPE_CHECKING:
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


def load_stack(home: Path) -> Stack:
    """Return the stack in a folder. What it brings is loaded here alone: a keeper looks for days, and acts once or never."""
    stack: Stack = import_module("ops.stack.stack").Stack(home, say=say)
    return stack


class Restarts:
    """When to start a service again."""

    def __init__(self, home: Path) -> None:
        self._home = Home(home)
        self._due: dict[str, float] = {}
        self._pause: dict[str, float] = {}

    def look(self) -> None:
        """Start what died and whose pause is over."""
        for name, started in self._home.read().processes.items():
            if not is_service(name):
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
            say(f"{name} died; its log is {self._home.logs / f'{name}.log'}; starting it again in {pause:.0f} s")
        elif now >= self._due[name]:
            del self._due[name]
            try:
                load_stack(self._home.path).start_again(name)
                say(f"{name} started again")
            except StackError as error:
                say(f"{name} cannot be started: {error}")


def keep(home: Path, *, restart: bool, owner: psutil.Process | None, stop: Event) -> None:
    """Look after the stack until ``stop`` is set or the owner is gone."""
    restarts = Restarts(home)
    while not stop.wait(LOOK_SECONDS):
        if owner is not None and not owner.is_running():
            say("the process that started this stack is gone: taking the stack down")
            load_stack(home).down(wipe=False)
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
        load_stack(chosen.home).down(wipe=False)
        return 0
    keep(chosen.home, restart=chosen.restart, owner=owner, stop=stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
