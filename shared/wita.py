"""The time of the office, and how it writes days and instants, there and elsewhere: ``25 November 2026 pukul 13.05 WITA``.

In English: ``25 November 2026 at 13:05 WITA (UTC+8)``.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WITA = ZoneInfo("Asia/Makassar")
"""UTC+8, the whole year."""
ZONE_NAMES = {"Asia/Jakarta": "WIB", "Asia/Pontianak": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}
"""What Indonesians call their zones."""
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
MONTH_NAMES = {
    "id": MONTHS,
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
"""By language."""


def end_of_day(day: date) -> datetime:
    """Return the last second of a day: "sampai 30 November" is 23:59:59 WITA, whatever the server's zone."""
    return datetime.combine(day, time(23, 59, 59), WITA)


def monday_of(day: date) -> date:
    """Return the Monday of the week that a day is in; weeks go from Monday to Sunday."""
    return day - timedelta(days=day.weekday())


def write_day(day: date, language: str = "id") -> str:
    """Return ``25 November 2026``."""
    return f"{day.day} {MONTH_NAMES[language][day.month - 1]} {day.year}"


def write_moment(moment: datetime, language: str = "id") -> str:
    """Return ``25 November 2026 pukul 13.05 WITA`` for an aware instant."""
    return write_local(WITA.key, moment, language)


def write_local(zone: str, moment: datetime, language: str = "id") -> str:
    """Return ``25 November 2026 pukul 13.05 WIB`` for an aware instant, in a zone by its IANA name."""
    local = moment.astimezone(ZoneInfo(zone))
    day, name = write_day(local.date(), language), ZONE_NAMES.get(zone, zone)
    if language == "id":
        return f"{day} pukul {local:%H.%M} {name}"
    hours = (local.utcoffset() or timedelta()) / timedelta(hours=1)
    return f"{day} at {local:%H:%M} {name} (UTC{hours:+g})"


def write_number(value: int, language: str = "id") -> str:
    """Return ``1.234`` in Indonesian, ``1,234`` in English."""
    grouped = f"{value:,}"
    return grouped.replace(",", ".") if language == "id" else grouped
