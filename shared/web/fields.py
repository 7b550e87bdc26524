"""Fields that the forms of several services have: lines of text, days, and instants with their zone."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

FIRST_YEAR, LAST_YEAR = 2000, 2100


def one_line(text: str) -> str:
    """Return a text with single blanks and none at its ends. Raises ``ValueError`` if nothing is left."""
    cleaned = " ".join(text.split())
    if not cleaned:
        raise ValueError("tidak boleh kosong")
    return cleaned


def in_our_time(day: date) -> date:
    """Return a day, or an instant, of this century. Raises ``ValueError``."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"tahun harus {FIRST_YEAR} sampai {LAST_YEAR}")
    return day


Day = Annotated[date, AfterValidator(in_our_time)]
Moment = Annotated[
    AwareDatetime, Field(examples=["2026-12-03T09:00:00+08:00"]), AfterValidator(lambda m: in_our_time(m) and m)
]
"""An instant with its zone; a time without one is refused."""
