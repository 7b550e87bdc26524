"""What clients asked for and were told: one line of JSON for each step, in the order of a single clock."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from time import monotonic


class Kind(StrEnum):
    """How a step of a client ended. ``info``: nobody knows whether the command took effect."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one client: a command with its outcome, or a version that was shown to it."""

    process: int
    kind: Kind
    name: str
    """What was done, for example ``workers``; for a read, where it was read."""
    invoked: float
    """When it was sent, seconds of this machine's steady clock."""
    ended: float
    key: str | None
    """The aggregate, where the client knows it."""
    version: int | None
    """The aggregate's version after it, where the client was told."""
    token: str | None = None
    """The idempotency key."""
    tries: int = 1


class History:
    """The steps of one run, kept in memory and, if a path is given, as lines of JSON."""

    def __init__(self, path: Path | None = None) -> None:
        self.steps: list[Step] = []
        self.commands = 0
        """How many commands have ended; all other steps are reads."""
        self._file = None if path is None else path.open("a", encoding="utf-8")

    def add(self, step: Step) -> None:
        """Append a step."""
        self.steps.append(step)
        self.commands += step.kind is not Kind.READ
        if self._file is not None:
            self._file.write(json.dumps(asdict(step)) + "\n")

    def close(self) -> None:
        """Write everything out."""
        if self._file is not None:
            self._file.close()


def read_history(path: Path) -> list[Step]:
    """Return the steps in a file. Raises ``ValueError`` naming the line that is none."""
    steps = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            fields = json.loads(line)
            steps.append(Step(**fields | {"kind": Kind(fields["kind"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path.name}, line {number}: not a step of a history ({error})") from error
    return steps


def now() -> float:
    """Return the clock that steps are stamped with."""
    return monotonic()
