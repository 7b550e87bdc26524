"""When something that runs out is spoken of: at 90, 30 and 7 days, and when its last day is over. Pure; days are days in WITA.

What is due depends on the last day and on what was told so far, never on when a pass ran: a pass that comes late tells what
is true on its day, each span at most once, and passes over spans that nobody told in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from shared.wita import WITA

Span = Literal[90, 30, 7]
SPANS: tuple[Span, ...] = (90, 30, 7)
"""Days before the last day, the longest first."""
PASS_AFTER = timedelta(minutes=30)
"""The pass of a day is at 00:30 WITA."""


@dataclass(frozen=True, slots=True)
class RunsOutSoon:
    """A span was entered. ``days_left``: from the day of the pass to the last day, at most ``span``."""

    span: Span
    days_left: int


@dataclass(frozen=True, slots=True)
class RanOut:
    """The last day is over."""


def pass_day(now: datetime) -> date:
    """Return the day (WITA) whose pass is due at an aware instant: until 00:30 it is still the day before."""
    return (now.astimezone(WITA) - PASS_AFTER).date()


def due_on(expires_on: date | None, told: Span | None) -> date | None:
    """Return the first day on which there is something to tell, after ``told`` was; ``None``: it does not run out."""
    if expires_on is None:
        return None
    for span in SPANS:
        if told is None or span < told:
            return expires_on - timedelta(days=span)
    return expires_on + timedelta(days=1)


def notice(expires_on: date | None, told: Span | None, day: date) -> RunsOutSoon | RanOut | None:
    """Return what is to be told on ``day``: the shortest span that was entered, if that was not told yet."""
    if expires_on is None:
        return None
    days_left = (expires_on - day).days
    if days_left < 0:
        return RanOut()
    entered = [span for span in SPANS if days_left <= span and (told is None or span < told)]
    return RunsOutSoon(entered[-1], days_left) if entered else None


def years_after(day: date, years: int) -> date:
    """Return the same day some years later; 28 February for the 29th where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
