"""Dates: the order of day and month is decided per column, over all its cells; an empty cell stays empty."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from services.registry.importing.cleaning.text import Cell, is_empty

_NUMBERS = re.compile(r"(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?:[ T]\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)?", re.ASCII)
_WORDS = re.compile(r"(?:[a-z]+,? )?(\d{1,2})[-/. ]*([a-z]+)[-/.,' ]*(\d{2}|\d{4})", re.ASCII)
_SERIAL = re.compile(r"\d{4,5}(?:[.,]0+)?", re.ASCII)
_MONTH_STEMS = ("jan", "feb", "mar", "apr", "mei", "jun", "jul", "agu", "sep", "okt", "nov", "des")
_OTHER_STEMS = {"may": 5, "ags": 8, "agt": 8, "aug": 8, "oct": 10, "nop": 11, "dec": 12, "peb": 2}
_EXCEL_EPOCH = date(1899, 12, 30)  # serial 60 is a day that never was; from 61 on this epoch is right


class DateOrder(StrEnum):
    """How the dates of a column are to be read."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    MIXED = "mixed"


class Birth(NamedTuple):
    """A date, nothing, or a code."""

    value: date | None
    code: str | None


_NOTHING = Birth(None, None)
_INVALID = Birth(None, "TANGGAL_TIDAK_SAH")


@dataclass(slots=True)
class DateVotes:
    """Counts what the cells of a column say about their order."""

    day_first: int = 0
    month_first: int = 0

    def count(self, cells: Iterable[Cell]) -> None:
        """Take the cells that can be read in one order only."""
        for cell in cells:
            if not isinstance(cell, str) or len(cell) < 6:
                continue
            match = _NUMBERS.fullmatch(cell)
            if match is None or len(match[1]) > 2:
                continue
            first, second = int(match[1]), int(match[2])
            self.day_first += 12 < first <= 31 and second <= 12
            self.month_first += 12 < second <= 31 and first <= 12

    def decide(self) -> DateOrder:
        """Return the order; day first unless the column says otherwise, mixed if more than 2 % contradict the rest."""
        fewer, more = sorted((self.day_first, self.month_first))
        if fewer * 50 > more:
            return DateOrder.MIXED
        return DateOrder.MONTH_FIRST if self.month_first > self.day_first else DateOrder.DAY_FIRST


def check_birth_date(cell: Cell, order: DateOrder, today: date) -> Birth:
    """Return the date of birth in a cell: text in any usual shape, a date of Excel, or a serial."""
    if isinstance(cell, datetime):
        return _born(cell.year, cell.month, cell.day, today)
    if isinstance(cell, date):
        return _born(cell.year, cell.month, cell.day, today)
    if isinstance(cell, str):
        return _text(cell.strip(), order, today)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _serial(cell, today)
    return _INVALID


def _born(year: int, month: int, day: int, today: date) -> Birth:
    try:
        value = date(year, month, day)
    except ValueError:
        return _INVALID
    return Birth(value, None) if date(1900, 1, 1) <= value <= today else _INVALID


def _serial(number: float, today: date) -> Birth:
    if not 61 <= number <= 80_000:
        return _NOTHING if number == 0 else _INVALID
    day = _EXCEL_EPOCH + timedelta(days=int(number))
    return _born(day.year, day.month, day.day, today)


def _year(digits: str, today: date) -> int:
    if len(digits) == 4:
        return int(digits)
    if len(digits) > 2:
        return 0  # no year has one or three digits
    year = int(digits)
    return 2000 + year if 2000 + year <= today.year - 10 else 1900 + year


def _text(text: str, order: DateOrder, today: date) -> Birth:
    numbers = _NUMBERS.fullmatch(text)
    if numbers is not None:
        return _numbers(numbers[1], numbers[2], numbers[3], order, today)
    if is_empty(text) or set(text) <= set("0-/. "):
        return _NOTHING
    words = _WORDS.fullmatch(text.casefold())
    if words is not None:
        month = _month(words[2])
        return _born(_year(words[3], today), month, int(words[1]), today) if month else _INVALID
    if _SERIAL.fullmatch(text) is not None:
        return _serial(float(text.replace(",", ".")), today)
    return _INVALID


def _month(word: str) -> int:
    stem = word[:3]
    if len(word) < 3:
        return 0
    return _MONTH_STEMS.index(stem) + 1 if stem in _MONTH_STEMS else _OTHER_STEMS.get(stem, 0)


def _numbers(first: str, second: str, third: str, order: DateOrder, today: date) -> Birth:
    if len(first) == 4:
        return _born(int(first), int(second), int(third), today) if len(third) <= 2 else _INVALID
    if len(first) == 3 or len(third) not in (2, 4):
        return _INVALID
    a, b, year = int(first), int(second), _year(third, today)
    if order is DateOrder.MIXED and a != b and a <= 12 and b <= 12:
        return Birth(None, "TANGGAL_AMBIGU")
    if order is DateOrder.MONTH_FIRST or (order is DateOrder.MIXED and b > 12):
        a, b = b, a
    return _born(year, b, a, today)
