"""Workers by place or class on a day, and what came and went between two days: known and unknown apart, adding up always."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from services.projections.domain.counting import CountMismatchError
from services.projections.domain.jobs import Kind
from services.projections.domain.names import CLASS_NAMES
from services.projections.reference import UNKNOWN, Places
from shared.contracts.registry import BusinessClass
from shared.wita import write_day

Rows = Iterable[Mapping[str, Any]]


class JobsBy(StrEnum):
    """What workers are counted by."""

    KECAMATAN = "kecamatan"
    KELURAHAN = "kelurahan"
    KELAS = "kelas"


class Change(StrEnum):
    """What came or went of the workers between two days; the value is the word in an address.

    What changed in a business that moved is told where it is on the second day.
    """

    BERTAMBAH = "bertambah"
    """More in a business that told on both days."""
    BERKURANG = "berkurang"
    JADI_DIKETAHUI = "jadi_diketahui"
    """What a business told at its first count after the first day: no job that was made."""
    TIDAK_LAGI_DIKETAHUI = "tidak_lagi_diketahui"
    BARU = "baru"
    """What businesses that were not counted on the first day had then, or told at their first count."""
    BERTAMBAH_SEJAK_DIDATA = "bertambah_sejak_didata"
    """More than that, in a business that was not counted, or not known, on the first day."""
    BERKURANG_SEJAK_DIDATA = "berkurang_sejak_didata"
    KELUAR = "keluar"
    """Of businesses that are not counted any more."""
    PINDAH_MASUK = "pindah_masuk"
    """With how many they came."""
    PINDAH_KELUAR = "pindah_keluar"


PLUS = (
    Change.BERTAMBAH,
    Change.JADI_DIKETAHUI,
    Change.BARU,
    Change.BERTAMBAH_SEJAK_DIDATA,
    Change.PINDAH_MASUK,
)
_SINCE_COUNTED = (Change.BERTAMBAH_SEJAK_DIDATA, Change.BERKURANG_SEJAK_DIDATA)
_OF_THE_KNOWN = (Change.BERTAMBAH, Change.BERKURANG, Change.TIDAK_LAGI_DIKETAHUI)


@dataclass(frozen=True, slots=True)
class Number:
    """Workers of one kind in some businesses."""

    workers: int | None
    """``None``: nobody told."""
    known: int
    """Businesses that told."""


@dataclass(frozen=True, slots=True)
class JobsBucket:
    """Businesses of one place or class on one day, with their workers by kind."""

    code: str
    label: str
    businesses: int
    numbers: Mapping[Kind, Number]
    oldest: date | None
    newest: date | None
    """The days on which these workers were counted."""


@dataclass(frozen=True, slots=True)
class ChangeBucket:
    """Workers of one place or class on two days, and all that lies between them."""

    code: str
    label: str
    before: int
    """Of the businesses that told."""
    after: int
    before_unknown: int
    """Businesses that did not tell: their workers are in no number here."""
    after_unknown: int
    changes: Mapping[Change, int]


def _labels(by: JobsBy, places: Places) -> dict[str, str]:
    """Return the buckets that are always shown, in their order, the unknown one last."""
    if by is JobsBy.KELAS:
        return {**CLASS_NAMES, BusinessClass.TIDAK_DIKETAHUI.value: "Belum diketahui"}
    known = places.kecamatan if by is JobsBy.KECAMATAN else {code: places.name(code) for code in places.kelurahan}
    return {**known, UNKNOWN: "Belum diketahui"}


def employed(rows: Rows, by: JobsBy, places: Places) -> list[JobsBucket]:
    """Return the whole city (code ``""``), then every bucket of the dimension.

    ``rows`` are those of the grouping sets, ``bucket`` is ``None`` for the whole. Raises ``CountMismatchError`` if they do
    not add up.
    """
    found = {row["bucket"] or "": row for row in rows}
    labels = {"": "Seluruh kota", **_labels(by, places)}
    labels |= {code: code for code in found if code not in labels}
    total, *parts = [_bucket(code, label, found.get(code)) for code, label in labels.items()]
    if sum(part.businesses for part in parts) != total.businesses:
        raise CountMismatchError(f"jobs by {by.value}")
    return [total, *parts]


def on_days(rows: Rows) -> list[JobsBucket]:
    """Return a bucket for each day, with the day as its code."""
    return [_bucket(row["bucket"].isoformat(), write_day(row["bucket"]), row) for row in rows]


def _bucket(code: str, label: str, row: Mapping[str, Any] | None) -> JobsBucket:
    if row is None:
        return JobsBucket(code, label, 0, dict.fromkeys(Kind, Number(None, 0)), None, None)
    numbers = {kind: Number(_whole(row[kind.column]), row[f"{kind.column}_known"]) for kind in Kind}
    return JobsBucket(code, label, row["businesses"], numbers, row["oldest"], row["newest"])


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def changed(rows: Rows, by: JobsBy, places: Places) -> list[ChangeBucket]:
    """Return the whole city (code ``""``), then every bucket of the dimension.

    ``rows`` hold, for each pair of buckets on the first and the second day (``None``: not counted then), what was and is
    there and what changed in businesses that stayed. Raises ``CountMismatchError`` if a bucket does not add up.
    """
    pairs = list(rows)
    labels = {"": "Seluruh kota", **_labels(by, places)}
    labels |= {
        code: code for row in pairs for code in (row["was"], row["now"]) if code is not None and code not in labels
    }
    return [_change_bucket(code, label, pairs) for code, label in labels.items()]


def _change_bucket(code: str, label: str, pairs: list[Mapping[str, Any]]) -> ChangeBucket:
    changes = dict.fromkeys(Change, 0)
    before = after = before_unknown = after_unknown = 0
    for row in pairs:
        was = row["was"] is not None and code in {"", row["was"]}
        now = row["now"] is not None and code in {"", row["now"]}
        before += row["before"] if was else 0
        after += row["after"] if now else 0
        before_unknown += row["before_unknown"] if was else 0
        after_unknown += row["after_unknown"] if now else 0
        for change, number in _changes(row, was=was, now=now):
            changes[change] += number
    grown = sum(number if change in PLUS else -number for change, number in changes.items())
    if before + grown != after:
        raise CountMismatchError(f"jobs of {code or 'the city'}: {before} and {grown} is not {after}")
    return ChangeBucket(code, label, before, after, before_unknown, after_unknown, changes)


def _changes(row: Mapping[str, Any], *, was: bool, now: bool) -> Iterator[tuple[Change, int]]:
    """Yield what a pair of buckets adds to a bucket that its businesses were in on the first day, on the second, or both."""
    if was and not now:
        yield Change.KELUAR if row["now"] is None else Change.PINDAH_KELUAR, row["before"]
    if not now:
        return
    if not was and row["was"] is not None:
        yield Change.PINDAH_MASUK, row["before"]
    yield Change.BARU if row["was"] is None else Change.JADI_DIKETAHUI, row["first"]
    for change in (*_SINCE_COUNTED, *(_OF_THE_KNOWN if row["was"] is not None else ())):
        yield change, row[change.value]
