"""Classes of businesses by law: a dated table, and the rule that reads it. Pure.

Source: PP 7/2021 art. 35; upper bounds are inclusive. Capital (without land and building) decides for a business
founded after the decree came into force on 2 February 2021, annual sales for older ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

from shared.contracts.registry import BusinessClass, ClassBasis

MILLIARD = 1_000_000_000


LADDER = (BusinessClass.MIKRO, BusinessClass.KECIL, BusinessClass.MENENGAH)
"""*Naik kelas* is a way up this ladder. ``besar`` is outside the programme, and from unknown nobody rises."""


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Upper bounds in whole rupiah, smallest class first, in force since a day."""

    since: date
    source: str
    capital: tuple[tuple[BusinessClass, int], ...]
    sales: tuple[tuple[BusinessClass, int], ...]


CLASS_TABLES: tuple[ClassTable, ...] = (
    ClassTable(
        since=date(2021, 2, 2),
        source="PP 7/2021",
        capital=(
            (BusinessClass.MIKRO, 1 * MILLIARD),
            (BusinessClass.KECIL, 5 * MILLIARD),
            (BusinessClass.MENENGAH, 10 * MILLIARD),
        ),
        sales=(
            (BusinessClass.MIKRO, 2 * MILLIARD),
            (BusinessClass.KECIL, 15 * MILLIARD),
            (BusinessClass.MENENGAH, 50 * MILLIARD),
        ),
    ),
)
"""In order of ``since``; a new decree is a new row, never a changed one."""


@dataclass(frozen=True, slots=True)
class Classification:
    """A class with its basis. ``contradiction``: capital and sales speak for different classes."""

    kelas: BusinessClass
    basis: ClassBasis | None
    contradiction: bool


_UNKNOWN = Classification(BusinessClass.TIDAK_DIKETAHUI, None, contradiction=False)


@lru_cache(maxsize=64)
def table_on(day: date) -> ClassTable | None:
    """Return the table in force on ``day``, or ``None`` before the first one."""
    in_force = [table for table in CLASS_TABLES if table.since <= day]
    return in_force[-1] if in_force else None


def rise_between(previous: BusinessClass, current: BusinessClass) -> int:
    """Return how many classes it is up from ``previous`` to ``current``; below 0 for a fall, 0 off the ladder."""
    if previous not in LADDER or current not in LADDER:
        return 0
    return LADDER.index(current) - LADDER.index(previous)


def _within(amount: int, bounds: tuple[tuple[BusinessClass, int], ...]) -> BusinessClass:
    for kelas, upper in bounds:
        if amount <= upper:
            return kelas
    return BusinessClass.BESAR


def classify(capital: int | None, sales: int | None, founded_year: int | None, on: date) -> Classification:
    """Return the class that capital and annual sales (whole rupiah, ``None`` is not known) speak for.

    Only the year of foundation is known: 2021 counts as after 2 February. An unknown year counts as older. Where
    the deciding figure is not known, the other one decides, and the basis says so.
    """
    table = table_on(on)
    if table is None or (capital is None and sales is None):
        return _UNKNOWN
    by_capital = None if capital is None else _within(capital, table.capital)
    by_sales = None if sales is None else _within(sales, table.sales)
    return _decide(by_capital, by_sales, founded_year is not None and founded_year >= table.since.year)


def contradicts(
    kelas: BusinessClass, capital: int | None, sales: int | None, founded_year: int | None, on: date
) -> bool:
    """Tell whether figures speak against each other, or against the class that is recorded; what is not known speaks for none."""
    computed = classify(capital, sales, founded_year, on)
    known = BusinessClass.TIDAK_DIKETAHUI not in {kelas, computed.kelas}
    return computed.contradiction or (known and kelas != computed.kelas)


@cache
def _decide(by_capital: BusinessClass | None, by_sales: BusinessClass | None, young: bool) -> Classification:
    """Decide between what capital and sales say; there are few answers, so each is made once."""
    contradiction = by_capital is not None and by_sales is not None and by_capital != by_sales
    if by_capital is not None and (young or by_sales is None):
        return Classification(by_capital, ClassBasis.MODAL, contradiction)
    return Classification(by_sales or BusinessClass.TIDAK_DIKETAHUI, ClassBasis.PENJUALAN, contradiction)
