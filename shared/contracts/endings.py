"""Majors whose end was announced: no new text of an agreement grants them, and those that were granted go on until then."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Ending(NamedTuple):
    """What was announced of a type."""

    last_day: date
    """It is published until this day (WITA) at least, and as long as anybody reads it."""
    successor: str
    """The type that is published beside it, and goes on."""


ENDINGS: dict[str, Ending] = {}
"""CloudEvents type → its end. A type stays here for good: its model goes on reading what was published."""
