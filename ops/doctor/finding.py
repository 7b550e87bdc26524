"""A finding: what was seen, why it matters, what to do. One sentence each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

SHOWN = 3
"""Names in a sentence."""


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """It works; somebody should know, or it could not be looked at."""
    FAIL = "fail"
    """Something does not work, or soon will not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``why`` and ``do`` are empty where all is well."""

    level: Level
    area: str
    """``settings``, ``postgresql``, ``kafka``, ``disk``, ``keys``, ``processes``, or the name of a service."""
    what: str
    why: str = ""
    do: str = ""


def named(names: Iterable[str]) -> str:
    """Return names for a sentence, the first of them if there are many."""
    listed = list(names)
    more = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def fine(area: str, what: str) -> Finding:
    """Return a finding that asks for nothing."""
    return Finding(Level.OK, area, what)


def warning(area: str, what: str, why: str, do: str) -> Finding:
    """Return a finding that somebody should know."""
    return Finding(Level.WARN, area, what, why, do)


def fault(area: str, what: str, why: str, do: str) -> Finding:
    """Return a finding that somebody must act on."""
    return Finding(Level.FAIL, area, what, why, do)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level of all; of nothing, that all is well."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)
