"""What a number of the report is, and the rules that it keeps. Pure: what was read comes in, tables go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.registry.reference.places import all_places
from shared.contracts.exhibitions import LEAST_BUSINESSES

WITHHELD = "kurang dari lima usaha: dirahasiakan, dijumlahkan di baris sendiri"
NO_REPORT = "tidak ada laporan"


class FigureMismatchError(RuntimeError):
    """Buckets, unknown and withheld do not add up to the total: no number is shown then."""


def districts() -> dict[str, str]:
    """Return code → name of the six kecamatan, in the order of their codes."""
    return {place.district_code: place.district for place in all_places().values()}


def district_of(kelurahan: str) -> str | None:
    """Return the code of a kelurahan's kecamatan; ``None`` for a place that is not known."""
    place = all_places().get(kelurahan)
    return None if place is None else place.district_code


@dataclass(frozen=True, slots=True)
class Cell:
    """One number; without a value ``why`` says why there is none."""

    value: int | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One number by kecamatan. ``missing`` says why there is none at all."""

    code: str
    label: str
    unit: str
    meaning: str
    source: str
    as_of: datetime
    buckets: Mapping[str, Cell] = field(default_factory=dict)
    """By the code of the kecamatan."""
    unknown: Cell = Cell(0)
    withheld: int | None = None
    """The sum of what is withheld in the buckets; ``None`` where nothing is."""
    total: int | None = None
    missing: str | None = None

    def check(self) -> Figure:
        """Return the figure if it adds up. Raises ``FigureMismatchError``."""
        if self.missing is None:
            parts = sum(cell.value or 0 for cell in (*self.buckets.values(), self.unknown)) + (self.withheld or 0)
            if parts != self.total or set(self.buckets) != set(districts()):
                raise FigureMismatchError(f"{self.code}: the parts come to {parts}, the total is {self.total}")
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "code": self.code,
            "label": self.label,
            "unit": self.unit,
            "meaning": self.meaning,
            "source": self.source,
            "as_of": self.as_of.isoformat(),
            "total": self.total,
            "buckets": {code: _cell(cell) for code, cell in self.buckets.items()},
            "unknown": _cell(self.unknown),
            "withheld": self.withheld,
            "missing": self.missing,
        }


def _cell(cell: Cell) -> dict[str, Any]:
    return {"value": cell.value, "why": cell.why}


@dataclass(frozen=True, slots=True)
class Report:
    """All numbers of a year."""

    year: int
    made_at: datetime
    figures: tuple[Figure, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "year": self.year,
            "made_at": self.made_at.isoformat(),
            "districts": districts(),
            "figures": [figure.as_dict() for figure in self.figures],
        }


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a number, whatever it comes to."""

    code: str
    label: str
    unit: str
    meaning: str
    source: str

    def figure(self, as_of: datetime, **parts: Any) -> Figure:
        """Return the number. Raises ``FigureMismatchError``."""
        said = (self.code, self.label, self.unit, self.meaning, self.source)
        return Figure(*said, as_of, **parts).check()

    def missing(self, as_of: datetime, why: str) -> Figure:
        """Return the number that nobody can tell yet."""
        return self.figure(as_of, missing=why, unknown=Cell(None, why))


def by_district(counts: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """Return what is counted by kelurahan as counts by kecamatan, none left out, and what is of no known place."""
    found, unknown = dict.fromkeys(districts(), 0), 0
    for kelurahan, count in counts.items():
        district = district_of(kelurahan)
        if district is None:
            unknown += count
        else:
            found[district] += count
    return found, unknown


def count_businesses(about: About, places: Mapping[str, str], as_of: datetime) -> Figure:
    """Return how many businesses there are: ``places`` is business → kelurahan, so that each counts once."""
    counts: dict[str, int] = {}
    for kelurahan in places.values():
        counts[kelurahan] = counts.get(kelurahan, 0) + 1
    found, unknown = by_district(counts)
    return about.figure(
        as_of,
        buckets={code: Cell(count) for code, count in found.items()},
        unknown=Cell(unknown),
        total=len(places),
    )


@dataclass(frozen=True, slots=True)
class Sales:
    """What one business reported in the year, whole rupiah."""

    business_id: str
    kelurahan: str
    amount: int


def add_sales(about: About, sales: Iterable[Sales], as_of: datetime) -> Figure:
    """Return the rupiah by kecamatan, but of no bucket with fewer than five businesses.

    What is withheld is a row of its own, of at least five businesses too: else it would tell what the buckets do not.
    """
    amounts: dict[str | None, int] = dict.fromkeys((*districts(), None), 0)
    sellers: dict[str | None, set[str]] = {code: set() for code in amounts}
    for item in sales:
        district = district_of(item.kelurahan)
        amounts[district] += item.amount
        sellers[district].add(item.business_id)
    everybody = len(set().union(*sellers.values()))
    if 0 < everybody < LEAST_BUSINESSES:
        return about.missing(as_of, f"baru {everybody} usaha melapor; omzet diterbitkan dari {LEAST_BUSINESSES} usaha")
    hidden = _withheld(sellers)
    cells = {code: _sales_cell(amount, len(sellers[code]), hidden=code in hidden) for code, amount in amounts.items()}
    unknown = cells.pop(None)
    return about.figure(
        as_of,
        buckets={code: cell for code, cell in cells.items() if code is not None},
        unknown=unknown,
        withheld=sum(amounts[code] for code in hidden) if hidden else None,
        total=sum(amounts.values()),
    )


def _withheld(sellers: Mapping[str | None, set[str]]) -> set[str | None]:
    """Return the buckets whose rupiah are not told: those of fewer than five, and as many more as hide them together.

    Who sold in two kecamatan is one business, and hides nobody twice.
    """
    hidden = {code for code, found in sellers.items() if 0 < len(found) < LEAST_BUSINESSES}
    rest = sorted((len(found), code or "") for code, found in sellers.items() if len(found) >= LEAST_BUSINESSES)
    while hidden and len(set().union(*(sellers[code] for code in hidden))) < LEAST_BUSINESSES and rest:
        hidden.add(rest.pop(0)[1] or None)
    return hidden


def _sales_cell(amount: int, sellers: int, *, hidden: bool) -> Cell:
    if hidden:
        return Cell(None, WITHHELD)
    return Cell(amount) if sellers else Cell(None, NO_REPORT)
