"""What was found is kept in a file as it comes, so that a run that was interrupted goes on where it ended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.peers import peers
from bench.peers.peers import Peer
from bench.peers.scenarios import Found, Size
from bench.peers.verdict import Tally


class KeptError(ValueError):
    """A file that does not belong to this run; the message says what to do."""


class Kept:
    """The findings of a file, one JSON line each. Its first line is the size of the run."""

    def __init__(self, path: Path, size: Size) -> None:
        self._path = path
        self.found: list[Found] = []
        if not path.exists():
            path.write_text(json.dumps(asdict(size)) + "\n", encoding="utf-8")
            return
        try:
            begun, *rest = map(json.loads, path.read_text(encoding="utf-8").splitlines())
            self.found = [_read(line) for line in rest]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise KeptError(f"{path} holds no findings ({error}); name another file.") from error
        if begun != asdict(size):
            raise KeptError(f"{path} holds findings of another size; name another file.")

    def add(self, one: Found) -> None:
        """Keep a finding. What was not measured is tried again next time."""
        self.found.append(one)
        if one.failed is None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(one)) + "\n")


def _read(line: dict[str, Any]) -> Found:
    tally = line.pop("tally")
    return Found(**line, tally=None if tally is None else Tally(**tally))


def plan(chosen: Sequence[Peer], scenarios: Sequence[str], size: Size) -> list[tuple[str, Peer]]:
    """Return what is to be run: scenario by scenario, in each the peers in turn, the rate several times."""
    return [
        (name, peer)
        for name in scenarios
        for _ in range(size.runs if name == peers.RATE else 1)
        for peer in chosen
        if name in peer.scenarios
    ]


def missing(planned: Sequence[tuple[str, Peer]], found: Sequence[Found]) -> list[tuple[str, Peer]]:
    """Return what of a plan was not measured yet."""
    done = Counter((one.scenario, one.peer) for one in found if one.failed is None)
    left = []
    for name, peer in planned:
        done[name, peer.name] -= 1
        if done[name, peer.name] < 0:
            left.append((name, peer))
    return left
