"""Counts that can be explained: unit, source, date, and buckets + unknown = total, always."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from services.projections.domain.names import CLASS_NAMES, SOURCE_NAMES, STATUS_NAMES, sector_name
from services.projections.reference import UNKNOWN, Places

UNIT = "usaha"
UNKNOWN_SECTOR = "tidak_diketahui"


class Dimension(StrEnum):
    """What businesses are counted by."""

    KECAMATAN = "kecamatan"
    KELURAHAN = "kelurahan"
    CLASS = "class"
    STATUS = "status"
    SECTOR = "sector"
    SOURCE = "source"


# Bits of GROUPING(kecamatan, kelurahan, kelas, status, sector, source): set where the column is not grouped by.
_LEVELS: dict[int, tuple[Dimension, str]] = {
    0b011111: (Dimension.KECAMATAN, "kecamatan"),
    0b101111: (Dimension.KELURAHAN, "kelurahan"),
    0b110111: (Dimension.CLASS, "kelas"),
    0b111011: (Dimension.STATUS, "status"),
    0b111101: (Dimension.SECTOR, "sector"),
    0b111110: (Dimension.SOURCE, "source"),
}
_CELLS = 0b010111
_TOTAL = 0b111111


@dataclass(frozen=True, slots=True)
class Bucket:
    """Businesses of one kind."""

    code: str
    label: str
    businesses: int = 0
    workers: int | None = None
    """Workers of the businesses that told; ``None`` if none did. Who is gone (``standing.GONE``) counts in none of these."""
    workers_known: int = 0
    """Businesses that told."""
    workers_unknown: int = 0
    """Businesses that did not."""
    oldest: date | None = None
    newest: date | None = None
    """The days that the data of these businesses speaks of."""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The whole, by one dimension. ``unknown`` is what the dimension does not know, never left out."""

    buckets: tuple[Bucket, ...]
    unknown: Bucket

    @property
    def total(self) -> int:
        """Buckets and unknown together."""
        return sum(bucket.businesses for bucket in self.buckets) + self.unknown.businesses


@dataclass(frozen=True, slots=True)
class Dashboard:
    """All counts of one moment."""

    total: Bucket
    merged: int
    """Businesses that went into another one; in no other count."""
    changed_at: datetime | None
    """When the newest fact in these counts happened."""
    breakdowns: Mapping[Dimension, Breakdown]
    cells: Mapping[tuple[str, str], int]
    """Businesses by kecamatan and class."""


class CountMismatchError(RuntimeError):
    """Buckets and unknown do not add up to the total: no number is shown then."""


def count(rows: Iterable[Mapping[str, Any]], places: Places) -> Dashboard:
    """Return the dashboard from the rows of the grouping sets.

    Raises ``CountMismatchError`` if a breakdown does not add up to the total.
    """
    total, merged, changed_at = Bucket("", "Seluruh kota"), 0, None
    found: dict[Dimension, dict[str, Bucket]] = {dimension: {} for dimension in Dimension}
    cells: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["level"] == _TOTAL:
            total, merged, changed_at = _bucket("", "Seluruh kota", row), row["merged"], row["changed_at"]
        elif row["level"] == _CELLS:
            cells[row["kecamatan"], row["kelas"]] = row["businesses"]
        else:
            dimension, column = _LEVELS[row["level"]]
            found[dimension][row[column]] = _bucket(row[column], "", row)
    breakdowns = {dimension: _breakdown(dimension, found[dimension], places) for dimension in Dimension}
    for dimension, breakdown in breakdowns.items():
        if breakdown.total != total.businesses:
            raise CountMismatchError(f"{dimension.value}: {breakdown.total} of {total.businesses}")
    return Dashboard(total, merged, changed_at, breakdowns, cells)


def _bucket(code: str, label: str, row: Mapping[str, Any]) -> Bucket:
    workers = None if row["workers"] is None else int(row["workers"])
    told = (row["workers_known"], row["workers_unknown"])
    return Bucket(code, label, row["businesses"], workers, *told, row["oldest"], row["newest"])


def _labels(dimension: Dimension, places: Places) -> dict[str, str]:
    """Return the buckets that are always shown, also with nothing in them, in their order."""
    if dimension is Dimension.KECAMATAN:
        return dict(places.kecamatan)
    if dimension is Dimension.KELURAHAN:
        return {code: places.name(code) for code in places.kelurahan}
    names = {Dimension.CLASS: CLASS_NAMES, Dimension.STATUS: STATUS_NAMES, Dimension.SOURCE: SOURCE_NAMES}
    return dict(names.get(dimension, {}))


def _breakdown(dimension: Dimension, found: dict[str, Bucket], places: Places) -> Breakdown:
    labels = _labels(dimension, places)
    unknown_code = UNKNOWN if dimension in {Dimension.KECAMATAN, Dimension.KELURAHAN} else UNKNOWN_SECTOR
    others = sorted(
        (code for code, bucket in found.items() if code not in labels and code != unknown_code and bucket.businesses),
        key=lambda code: (-found[code].businesses, code),
    )
    for code in others:
        labels[code] = sector_name(code) if dimension is Dimension.SECTOR else code
    buckets = tuple(_labelled(found.get(code), code, label) for code, label in labels.items())
    return Breakdown(buckets, _labelled(found.get(unknown_code), unknown_code, "Belum diketahui"))


def _labelled(bucket: Bucket | None, code: str, label: str) -> Bucket:
    return Bucket(code, label) if bucket is None else replace(bucket, code=code, label=label)
