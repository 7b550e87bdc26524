"""NIK and NIB: text everywhere, checked by structure, never repaired.

Source: Perpres 26/2009 for the NIK (6 region, DDMMYY with day + 40 for women, serial from 0001); OSS for the NIB.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from services.registry.importing.cleaning.text import Cell, is_empty

# Provinces have codes from 11 to 97, regencies and districts from 01, serials from 0001.
_USUAL = re.compile(r"(?:1[1-9]|[2-9]\d)(?!00)\d\d(?!00)\d\d(\d{6})(?!0000)\d{4}", re.ASCII)
_SCIENTIFIC = re.compile(r"[-+]?\d+(?:[.,]\d+)?e[+-]?\d+", re.IGNORECASE)
_FLOAT_TEXT = re.compile(r"\d+[.,]0+", re.ASCII)
_SEPARATORS = re.compile(r"[\s.'`’_-]+")
_PLACEHOLDERS = frozenset({"1234567890123456", "0123456789012345", *(digit * 16 for digit in "0123456789")})


class Checked(NamedTuple):
    """A value and a code; at most one of them means something is wrong."""

    value: str | None
    code: str | None


@lru_cache(maxsize=65_536)
def _date_exists(day_month_year: str) -> bool:
    """Tell whether DDMMYY is a day of 19YY or 20YY (day + 40 for women)."""
    day, month, year = int(day_month_year[:2]), int(day_month_year[2:4]), int(day_month_year[4:])
    day = day - 40 if day > 40 else day
    for century in (2000, 1900):  # 29 February 00 is a day of 2000 only
        try:
            date(century + year, month, day)
        except ValueError:
            continue
        return True
    return False


def check_nik(cell: Cell) -> Checked:
    """Return the 16 digits of a NIK, or the code that refuses or flags the cell."""
    if not isinstance(cell, str):
        return Checked(None, "NIK_ANGKA")
    usual = _USUAL.fullmatch(cell)
    if usual is not None and cell not in _PLACEHOLDERS and _date_exists(usual[1]):
        return Checked(cell, None)
    return _unusual(cell)


def check_niks(cells: Sequence[Cell]) -> tuple[list[str | None], list[str | None]]:
    """Return values and codes of a column, as ``check_nik`` gives them for each cell."""
    values: list[str | None] = [
        cell
        if isinstance(cell, str)
        and (usual := _USUAL.fullmatch(cell)) is not None
        and cell not in _PLACEHOLDERS
        and _date_exists(usual[1])
        else None
        for cell in cells
    ]
    codes: list[str | None] = [None] * len(values)
    if None in values:
        for index, value in enumerate(values):
            if value is None:
                values[index], codes[index] = check_nik(cells[index])
    return values, codes


def _structure(digits: str) -> Checked:
    if digits in _PLACEHOLDERS:
        return Checked(None, "NIK_PENGISI")
    if digits[0] == "0" or digits[:2] == "10" or digits[2:4] == "00" or digits[4:6] == "00":
        return Checked(None, "NIK_WILAYAH_TIDAK_SAH")
    if not _date_exists(digits[6:12]):
        return Checked(None, "NIK_TANGGAL_TIDAK_SAH")
    if digits[12:] == "0000":
        return Checked(None, "NIK_URUT_NOL")
    return Checked(digits, None)


def _unusual(text: str) -> Checked:
    if is_empty(text):
        return Checked(None, "NIK_KOSONG")
    if _SCIENTIFIC.fullmatch(text.replace(" ", "")) is not None:
        return Checked(None, "NIK_SCIENTIFIC")
    if _FLOAT_TEXT.fullmatch(text) is not None and len(text) > 10:
        return Checked(None, "NIK_ANGKA")
    bare = _SEPARATORS.sub("", text)
    if not bare or set(bare) == {"0"}:
        return Checked(None, "NIK_PENGISI" if len(bare) > 1 else "NIK_KOSONG")
    if not (bare.isascii() and bare.isdigit()):
        return Checked(None, "NIK_BUKAN_ANGKA")
    return _structure(bare) if len(bare) == 16 else Checked(None, "NIK_PANJANG")


def nik_birth(nik: str, today: date) -> date | None:
    """Return the day of birth that a valid NIK speaks of; the century is the one that makes an owner 10 or older."""
    day, month, year = int(nik[6:8]), int(nik[8:10]), int(nik[10:12])
    century = 2000 if 2000 + year <= today.year - 10 else 1900
    try:
        return date(century + year, month, day - 40 if day > 40 else day)
    except ValueError:
        return None


_NIB_PLAIN = re.compile(r"\d{13}", re.ASCII)


def check_nib(cell: Cell) -> Checked:
    """Return the 13 digits of an NIB. Anything else but an empty cell is flagged, and not kept.

    A numeric cell that lost its leading zero has fewer digits and is flagged as well: nothing is repaired.
    """
    text = cell if isinstance(cell, str) else _whole_number(cell)
    if _NIB_PLAIN.fullmatch(text) is not None:
        return Checked(text, None) if text != "0" * 13 else Checked(None, None)
    if is_empty(text) or set(text) == {"0"}:
        return Checked(None, None)
    bare = _SEPARATORS.sub("", text)
    if len(bare) == 13 and bare.isascii() and bare.isdigit() and "/" not in text:
        return Checked(bare, None)
    return Checked(None, "NIB_FORMAT")


def check_nibs(cells: Sequence[Cell]) -> tuple[list[str | None], list[str | None]]:
    """Return values and codes of a column, as ``check_nib`` gives them for each cell; most are empty."""
    values: list[str | None] = [None] * len(cells)
    codes: list[str | None] = [None] * len(cells)
    for index, cell in enumerate(cells):
        if cell != "":
            values[index], codes[index] = check_nib(cell)
    return values, codes


def _whole_number(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer() and 0 <= cell < 10**13:
        return str(int(cell))
    return str(cell)
