"""Cells as text: spaces of all kinds, control characters, placeholders."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta

Cell = str | int | float | bool | date | datetime | time | timedelta
"""What a spreadsheet holds: text from CSV, and what Excel stored from XLSX. Empty is ``""``."""

EMPTY_WORDS = frozenset(
    {"", "-", "--", "---", "–", "—", ".", "..", "nihil", "tidak ada", "tdk ada", "belum ada", "belum", "kosong", "n/a", "na",
     "null", "none", "nan", "?", "x"}
)  # fmt: skip
"""What people type for "nothing"."""

EXCEL_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"})

MAX_LINES_IN_CELL = 10
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")


def clean_text(cell: str) -> str:
    """Return ``cell`` without outer spaces; NBSP and other spaces become plain ones, invisible signs go.

    Line breaks inside stay, as ``\\n``: an address may have two lines.
    """
    if cell.isprintable():
        return cell.strip()
    lines = cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(filter(None, (_clean_line(line) for line in lines)))


def _clean_line(line: str) -> str:
    signs = [
        " " if unicodedata.category(sign) in ("Zs", "Zl", "Zp") or sign == "\t" else sign
        for sign in line
        if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn") or sign == "\t"
    ]
    return "".join(signs).strip()


def has_control(cell: str) -> bool:
    """Tell whether the cell holds control characters other than tab and line breaks."""
    return _CONTROL.search(cell) is not None


def text_of(cell: Cell) -> str:
    """Return a cell of any type as text; a whole number without ``.0``, a date as ``YYYY-MM-DD``."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "ya" if cell else "tidak"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**63 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    return str(cell)


def is_empty(text: str) -> bool:
    """Tell whether cleaned text says "nothing"."""
    return not text or (len(text) < 10 and text.casefold() in EMPTY_WORDS)
