"""What a program of a peer is told, its journal, its steady pace, its trouble. Imports nothing of the project or of a peer.

``PEER_TOLD`` holds JSON: ``dsn``, ``kafka`` (bootstrap, username, password), ``topic``, ``group``, ``keys`` (UUIDs as text),
``workers``, ``pace`` (commands a second, 0: as fast as it goes), ``count`` (0: until a signal), ``pad`` (random characters of
each event), ``journal`` (path), ``poison`` (``key#sequence#`` or empty), ``transient`` (share of events that fail once), and
what a single peer needs. The journal has a line for each step, written at once, so that it survives SIGKILL:
``ok KEY SEQUENCE BEGUN ENDED``, ``fail KEY ERROR``, ``start TIME``; times are seconds of the machine's steady clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import zlib
from base64 import b64encode
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

TOLD: dict[str, Any] = json.loads(os.environ["PEER_TOLD"])
_JOURNAL = os.open(TOLD["journal"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def note(*words: object) -> None:
    """Write a line to the journal."""
    os.write(_JOURNAL, (" ".join(map(str, words)) + "\n").encode())


def mark(key: str, sequence: int) -> str:
    """Return the text by which an event is found again, whatever encoding it stands in."""
    return f"{key}#{sequence}#"


def pad() -> str:
    """Return characters that do not compress, as a sealed text does not; zeros would flatter a compressor."""
    return b64encode(os.urandom(TOLD["pad"])).decode()[: TOLD["pad"]]


def body(key: str, sequence: int) -> dict[str, str]:
    """Return the event of a change."""
    return {"mark": mark(key, sequence), "pad": pad()}


def address(text: str) -> tuple[str, int]:
    """Return key and sequence of a mark."""
    key, sequence, _ = text.split("#")
    return key, int(sequence)


class TroubleError(RuntimeError):
    """The handler fails, as told."""


_tried: set[str] = set()


def trouble(text: str) -> None:
    """Raise ``TroubleError`` if the event is the poison, or if it is one of those that fail once in a process."""
    if text == TOLD["poison"]:
        raise TroubleError("poison")
    if text not in _tried and zlib.crc32(text.encode()) % 1000 < TOLD["transient"] * 1000:
        _tried.add(text)
        raise TroubleError("transient")


class Pace:
    """Gives commands their turn: when each is due, and when there are no more."""

    def __init__(self) -> None:
        self.stopped = False
        self._given = 0
        self._began = monotonic()

    def stop(self, *_: object) -> None:
        """Let the commands in hand be the last."""
        self.stopped = True

    def take(self) -> float | None:
        """Return how many seconds the next command has to wait; ``None`` if there is no next."""
        if self.stopped or (TOLD["count"] and self._given >= TOLD["count"]):
            return None
        self._given += 1
        if not TOLD["pace"]:
            return 0.0
        return max(0.0, self._began + self._given / TOLD["pace"] - monotonic())


def lanes() -> list[list[str]]:
    """Return the keys of each worker: one worker has all commands of a key, one after another."""
    workers = min(TOLD["workers"], len(TOLD["keys"]))
    return [TOLD["keys"][number::workers] for number in range(workers)]


async def drive(command: Callable[[str], Awaitable[int]], failures: tuple[type[Exception], ...]) -> None:
    """Give commands until told to stop. ``command(key)`` changes the thing, tells of it and returns the sequence.

    What it raises of ``failures`` is what the client is told; anything else ends the program.
    """
    pace, loop = Pace(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, pace.stop)

    async def work(keys: list[str]) -> None:
        turn = 0
        while (wait := pace.take()) is not None:
            await asyncio.sleep(wait)
            key, begun = keys[turn % len(keys)], monotonic()
            turn += 1
            try:
                sequence = await command(key)
            except failures as error:
                note("fail", key, type(error).__name__)
            else:
                note("ok", key, sequence, begun, monotonic())

    note("start", monotonic())
    await asyncio.gather(*(work(keys) for keys in lanes()))
