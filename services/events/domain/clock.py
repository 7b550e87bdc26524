"""The time of an exhibition: its own zone decides what day it is there, and when a deadline ends."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(zone: str) -> bool:
    """Tell whether ``zone`` is an IANA name such as ``Asia/Jakarta``."""
    return zone in _known_zones()


def day_in(zone: str, moment: datetime) -> date:
    """Return the day of an aware instant in a zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def end_of_day_in(zone: str, day: date) -> datetime:
    """Return the last second of a day in a zone."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(zone))
