"""How far a business has come, as the office measures it: the method of assessments and the checklist for export. Pure.

Source of both: the office's own lists (``penilaian.csv``, ``kesiapan_ekspor.csv``), made for this registry; no law asks for
them. A list that is changed is a new version with a day from which it counts; old versions stay readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from services.registry.reference.places import read_table
from shared.contracts.progress import Aspect

LEVELS = range(1, 6)
"""Levels of an aspect: 1 (just begun) to 5 (ready for large buyers)."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to assess; ``levels``: aspect → what each of its levels means, 1 first."""

    name: str
    version: int
    since: date
    levels: dict[Aspect, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the checklist. ``sectors``: for which it is asked; none: for all."""

    code: str
    title: str
    required: bool
    sectors: frozenset[str]

    def asked_of(self, sector: str) -> bool:
        """Tell whether a business of this sector must meet the item."""
        return self.required and (not self.sectors or sector in self.sectors)


@dataclass(frozen=True, slots=True)
class Checklist:
    """One version of the checklist for export, in force from a day on."""

    version: int
    since: date
    items: tuple[Item, ...]


@cache
def methods() -> tuple[Method, ...]:
    """Return all methods, the oldest first."""
    found: dict[tuple[str, int, date], dict[Aspect, list[str]]] = {}
    for row in read_table("penilaian.csv"):
        key = (row["metode"], int(row["versi"]), date.fromisoformat(row["sejak"]))
        texts = found.setdefault(key, {}).setdefault(Aspect(row["aspek"]), [])
        if int(row["tingkat"]) != len(texts) + 1:
            raise ValueError(f"penilaian.csv: level {row['tingkat']} of {row['aspek']} is out of order")
        texts.append(row["uraian"])
    made = (Method(*key, {aspect: tuple(texts) for aspect, texts in levels.items()}) for key, levels in found.items())
    return tuple(sorted(made, key=lambda method: (method.since, method.version)))


@cache
def checklists() -> tuple[Checklist, ...]:
    """Return all versions of the checklist for export, the oldest first."""
    found: dict[tuple[int, date], list[Item]] = {}
    for row in read_table("kesiapan_ekspor.csv"):
        key = (int(row["versi"]), date.fromisoformat(row["sejak"]))
        sectors = frozenset(row["sektor"].split())
        found.setdefault(key, []).append(Item(row["kode"], row["uraian"], row["wajib"] == "ya", sectors))
    return tuple(Checklist(*key, tuple(items)) for key, items in sorted(found.items()))


def find_method(version: int | None) -> Method | None:
    """Return a version of the method, or the newest one; ``None`` if there is no such version."""
    found = [method for method in methods() if version in {None, method.version}]
    return found[-1] if found else None


def find_checklist(version: int | None) -> Checklist | None:
    """Return a version of the checklist, or the newest one; ``None`` if there is no such version."""
    found = [checklist for checklist in checklists() if version in {None, checklist.version}]
    return found[-1] if found else None
