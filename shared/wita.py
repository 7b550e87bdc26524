"""The time of the office, and how it writes days and instants: ``25 November 2026 pukul 13.05 WITA``."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

WITA = ZoneInfo("Asia/Makassar")
"""UTC+8, the whole year."""
MONTHS = (
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
)


def end_of_day(day: date) -> datetime:
    """Return the last second of a day: "sampai 30 November" is 23:59:59 WITA, whatever the server's zone."""
    return datetime.combine(day, time(23, 59, 59), WITA)


def write_day(day: date) -> str:
    """Return ``25 November 2026``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def write_moment(moment: datetime) -> str:
    """Return ``25 November 2026 pukul 13.05 WITA`` for an aware instant."""
    local = moment.astimezone(WITA)
    return f"{write_day(local.date())} pukul {local:%H.%M} WITA"
