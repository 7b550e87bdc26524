"""Money: whole rupiah in 64 bits, as people type it. What can be read in two ways is refused."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Literal, NamedTuple

from services.registry.importing.cleaning.text import Cell, is_empty

MAX_RUPIAH = 10**15
"""A thousand trillion: above every business of the city, and far inside 64 bits."""

MoneyProblem = Literal["AMBIGU", "TIDAK_SAH", "NEGATIF", "TERLALU_BESAR"]


class Money(NamedTuple):
    """Whole rupiah, ``None`` where nothing is said (never 0), or a problem."""

    amount: int | None
    problem: MoneyProblem | None


_UNITS: dict[str, int] = {
    "rb": 1_000, "ribu": 1_000, "k": 1_000,
    "jt": 1_000_000, "juta": 1_000_000, "jta": 1_000_000,
    "m": 1_000_000_000, "miliar": 1_000_000_000, "milyar": 1_000_000_000, "mliar": 1_000_000_000,
    "t": 1_000_000_000_000, "triliun": 1_000_000_000_000, "trilyun": 1_000_000_000_000,
}  # fmt: skip
_SHAPE = re.compile(
    r"(?P<minus>-)?(?:rp|idr)?\.?(?P<minus2>-)?(?P<number>\d[\d.,]*?)(?P<unit>[a-z]+)?(?:rupiah)?(?:,-+|\.-+|,=|-+)?(?:rupiah)?"
)
_VAGUE = re.compile(r"[±~<>?]|\d\s*(?:-|–|sd|s/d|sampai)\s*\d|kurang|lebih|sekitar|kira|/|per\s|\bx\b")
_SCIENTIFIC = re.compile(r"-?\d+(?:[.,]\d+)?e[+-]?\d+")
_SPACED = re.compile(r"\d{1,3}(?: \d{3})+(?!\d)")
_NOTHING = Money(None, None)
_AMBIGUOUS = Money(None, "AMBIGU")
_INVALID = Money(None, "TIDAK_SAH")


def check_money(cell: Cell) -> Money:
    """Return the amount in a cell of text or number."""
    if isinstance(cell, str):
        return _text(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return _INVALID
    if cell != cell or abs(cell) > MAX_RUPIAH:
        return Money(None, "TERLALU_BESAR")
    return _bounded(Decimal(str(cell)))


def _bounded(amount: Decimal) -> Money:
    if amount < 0:
        return Money(None, "NEGATIF")
    if amount > MAX_RUPIAH:
        return Money(None, "TERLALU_BESAR")
    return Money(int(amount.to_integral_value(rounding=ROUND_HALF_EVEN)), None)


def _text(cell: str) -> Money:
    if cell.isascii() and cell.isdigit():
        return Money(int(cell), None) if len(cell) <= 15 else _long_digits(cell)
    text = cell.casefold().strip()
    if is_empty(text) or text in ("rp", "rp.", "rp -", "rp-", "rp. -"):
        return _NOTHING
    if _SCIENTIFIC.fullmatch(text) is not None or _VAGUE.search(text) is not None:
        return _AMBIGUOUS
    if _SPACED.search(text) is not None:
        text = _SPACED.sub(lambda match: match[0].replace(" ", ""), text)
    shape = _SHAPE.fullmatch(text.replace(" ", ""))
    if shape is None:
        return _INVALID
    return _shaped(shape)


def _long_digits(cell: str) -> Money:
    return _bounded(Decimal(cell)) if len(cell) <= 40 else Money(None, "TERLALU_BESAR")


def _shaped(shape: re.Match[str]) -> Money:
    unit = (shape["unit"] or "").removesuffix("rupiah")
    if unit and unit not in _UNITS:
        return _INVALID
    number = _number(shape["number"], has_unit=bool(unit))
    if number is None:
        return _AMBIGUOUS
    if shape["minus"] or shape["minus2"]:
        number = -number
    return _bounded(number * _UNITS[unit] if unit else number)


def _number(digits: str, *, has_unit: bool) -> Decimal | None:
    """Return the number in digits, points and commas, or ``None`` if it can be read in two ways.

    ``1.500.000`` and ``1,500,000`` group; ``1.500.000,00`` and ``1,500,000.00`` group and split off sen; ``1.500`` groups, as
    is the rule in Indonesia; ``1,500`` could be one and a half. Before a unit one separator splits off the
    fraction (``1,5 juta``), unless three digits follow it (``1.500 juta``).
    """
    marks = [sign for sign in digits if sign in ".,"]
    if not marks:
        return _decimal(digits)
    if len(set(marks)) == 2:
        return _grouped_with_fraction(digits, marks)
    parts = digits.split(marks[0])
    grouped = 1 <= len(parts[0]) <= 3 and parts[0] != "0" and all(len(part) == 3 for part in parts[1:])
    if len(parts) > 2:
        return _decimal("".join(parts)) if grouped else None
    return _one_mark(parts[0], parts[1], marks[0], grouped=grouped, has_unit=has_unit)


def _one_mark(whole: str, rest: str, mark: str, *, grouped: bool, has_unit: bool) -> Decimal | None:
    if has_unit:
        return _decimal(f"{whole}.{rest}") if 1 <= len(rest) <= 2 else None
    if grouped:
        return _decimal(whole + rest) if mark == "." else None
    if len(whole) > 3 and (1 <= len(rest) <= 2 or set(rest) == {"0"}):
        return _decimal(f"{whole}.{rest}")  # 1500000,00 or a float's 1500000.0
    return None


def _grouped_with_fraction(digits: str, marks: list[str]) -> Decimal | None:
    group, point = marks[0], marks[-1]
    if group == point or marks.count(point) != 1:
        return None
    whole, fraction = digits.split(point)
    parts = whole.split(group)
    if not (1 <= len(parts[0]) <= 3 and all(len(part) == 3 for part in parts[1:]) and 1 <= len(fraction) <= 2):
        return None
    return _decimal(f"{''.join(parts)}.{fraction}")


def _decimal(text: str) -> Decimal | None:
    if len(text) > 40:
        return Decimal(MAX_RUPIAH + 1)
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
