"""Searches every state of ``relay.pml`` with spin: the model becomes a C program, and that does the search.

Needs ``spin`` (Debian: package ``spin``) and a C compiler. Source of the output's form: spin 6.5, ``pangen1.h``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

MODEL = Path(__file__).parent / "relay.pml"
DEPTH = 100_000
MEMORY_MB = 2_000
SECONDS = 100.0

# NOREDUCE: every interleaving is searched, not one of each class. COLLAPSE: lossless compression of the states.
_COMPILE = ("-w", "-O2", "-DSAFETY", "-DNOREDUCE", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB}")
_CUT_SHORT = ("Search not completed", "max search depth too small", "MEMLIM bound", "out of memory")


class SpinMissingError(RuntimeError):
    """A program that the search needs is not on the PATH."""


class SpinFailedError(RuntimeError):
    """spin, the compiler or the search ended without a result."""


@dataclass(frozen=True, slots=True)
class Search:
    """What one search came to."""

    errors: int
    """Violations found; the search ends at the first."""
    states: int
    """Different states reached."""
    depth: int
    """Steps of the longest run."""
    exhaustive: bool
    """Whether nothing was left out: by a violation, by depth or by memory."""
    violation: str | None
    """The assertion that failed, as spin shows it."""
    trail: tuple[str, ...]
    """The run that leads there, a step a line."""
    seconds: float


def missing() -> str | None:
    """Return in one sentence what the search lacks on this machine, or ``None``."""
    for program, package in (("spin", "spin"), ("cc", "gcc")):
        if shutil.which(program) is None:
            return f"needs {program}: not on the PATH (Debian: apt-get install {package})"
    return None


def search(defines: Sequence[str] = (), model: Path = MODEL) -> Search:
    """Search the model with ``defines`` (``NAME`` or ``NAME=value``) set.

    Raises ``SpinMissingError`` if a program is missing, ``SpinFailedError`` if there is no result after 100 s.
    """
    if (lack := missing()) is not None:
        raise SpinMissingError(lack)
    flags = [f"-D{define}" for define in defines]
    with TemporaryDirectory(prefix="naikkelas-spin-") as name:
        folder = Path(name)
        shutil.copy(model, folder)
        _run(["spin", "-a", *flags, model.name], folder)
        _run(["cc", *_COMPILE, "-o", "pan", "pan.c"], folder)
        began = monotonic()
        told = _run(["./pan", f"-m{DEPTH}", "-n"], folder)
        seconds = monotonic() - began
        steps = _run(["spin", "-t", "-p", *flags, model.name], folder) if _number("errors", told) else ""
    return read(told, steps, seconds)


def read(told: str, steps: str, seconds: float) -> Search:
    """Return what the search printed. Raises ``SpinFailedError`` if that holds no result."""
    violation = re.search(r"^pan:1: (.+) \(at depth", told, re.MULTILINE)
    return Search(
        errors=_number("errors", told),
        states=int(float(_found(r"^\s*([\d.e+]+) states, stored", told))),
        depth=int(_found(r"depth reached (\d+)", told)),
        exhaustive=not any(sign in told for sign in _CUT_SHORT),
        violation=violation[1] if violation else None,
        trail=tuple(line.strip() for line in steps.splitlines() if re.match(r"\s*\d+:\s+proc", line)),
        seconds=seconds,
    )


def _number(name: str, told: str) -> int:
    return int(_found(rf"\b{name}: (\d+)", told))


def _found(pattern: str, told: str) -> str:
    found = re.search(pattern, told, re.MULTILINE)
    if found is None:
        raise SpinFailedError(f"the search told no result: {told[-500:]}")
    return found[1]


def _run(command: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise SpinFailedError(f"{command[0]} did not end within {SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise SpinFailedError(f"{command[0]} failed: {(done.stderr or done.stdout)[-500:]}")
    return done.stdout
