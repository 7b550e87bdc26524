"""What is counted of trainings, exhibitions, mentoring and help: buckets + unknown = total, or no number is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.projections.domain.counting import CountMismatchError
from services.projections.reference import UNKNOWN, Places
from shared.contracts.exhibitions import LEAST_BUSINESSES

WEEK = timedelta(days=7)


class OutcomeDimension(StrEnum):
    """What enrolments are counted by."""

    PROGRAMME = "programme"
    COURSE = "course"
    BATCH = "batch"
    YEAR = "year"
    KECAMATAN = "kecamatan"
    KELURAHAN = "kelurahan"


class EquityDimension(StrEnum):
    """What businesses are counted by, where help is concerned."""

    KECAMATAN = "kecamatan"
    KELURAHAN = "kelurahan"


OUTCOMES = ("enrolled", "accepted", "attended", "passed", "failed", "withdrawn", "cancelled", "certificates")
HELP = ("businesses", "trained", "placed", "mentored", "never_helped")

# Bits of GROUPING in the order of the columns: set where the column is not grouped by.
_OUTCOME_LEVELS = {63 & ~(32 >> place): dimension for place, dimension in enumerate(OutcomeDimension)}
_EQUITY_LEVELS = {1: EquityDimension.KECAMATAN, 0: EquityDimension.KELURAHAN}
_OUTCOME_TOTAL, _EQUITY_TOTAL = 63, 3


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one bucket, by name."""

    code: str
    label: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Table:
    """The whole by one dimension, and the same whole counted at once."""

    buckets: tuple[Tally, ...]
    unknown: Tally
    total: Tally
    changed_at: datetime | None
    """When the newest fact in these counts happened."""


Row = Mapping[str, Any]


def count_outcomes(rows: Iterable[Row], places: Places) -> dict[OutcomeDimension, Table]:
    """Return enrolments by every dimension. Raises ``CountMismatchError``."""
    names = {
        OutcomeDimension.PROGRAMME: lambda row: row["programme"],
        OutcomeDimension.COURSE: lambda row: row["title"],
        OutcomeDimension.BATCH: _batch_label,
    }
    return _tables(rows, OUTCOMES, _OUTCOME_LEVELS, _OUTCOME_TOTAL, places, names)


def count_equity(rows: Iterable[Row], places: Places) -> dict[EquityDimension, Table]:
    """Return businesses and the help they had, by place. Raises ``CountMismatchError``."""
    return _tables(rows, HELP, _EQUITY_LEVELS, _EQUITY_TOTAL, places, {})


def _batch_label(row: Row) -> str | None:
    return None if row["number"] is None else f"{row['title'] or 'Pelatihan'}, angkatan {row['number']}"


def _tables(
    rows: Iterable[Row],
    counted: Sequence[str],
    levels: Mapping[int, Any],
    whole: int,
    places: Places,
    names: Mapping[Any, Any],
) -> dict[Any, Table]:
    """Return a table for each dimension from the rows of the grouping sets."""
    nothing = dict.fromkeys(counted, 0)
    total, changed_at = Tally("", "Jumlah", nothing), None
    found: dict[Any, dict[str, Tally]] = {
        dimension: _places_of(dimension, places, nothing) for dimension in levels.values()
    }
    for row in rows:
        counts = {name: int(row[name]) for name in counted}
        if row["level"] == whole:
            total, changed_at = Tally("", "Jumlah", counts), row["changed_at"]
            continue
        dimension = levels[row["level"]]
        code = row["code"] or UNKNOWN
        named = names[dimension](row) if dimension in names else None
        label = named or (places.name(code) if "." in code else code)
        found[dimension][code] = Tally(code, label, counts)
    return {dimension: _table(dimension, buckets, total, changed_at) for dimension, buckets in found.items()}


def _places_of(dimension: StrEnum, places: Places, nothing: Mapping[str, int]) -> dict[str, Tally]:
    """Return the buckets that are always shown, also with nothing in them."""
    if dimension == "kecamatan":
        return {code: Tally(code, name, nothing) for code, name in places.kecamatan.items()}
    if dimension == "kelurahan":
        return {code: Tally(code, places.name(code), nothing) for code in places.kelurahan}
    return {}


def _table(dimension: StrEnum, found: dict[str, Tally], total: Tally, changed_at: datetime | None) -> Table:
    nothing = dict.fromkeys(total.counts, 0)
    unknown = found.pop(UNKNOWN, None)
    buckets = list(found.values())
    if dimension not in ("kecamatan", "kelurahan"):
        buckets.sort(key=lambda bucket: (bucket.label, bucket.code))
    left_over = Tally(UNKNOWN, "Belum diketahui", unknown.counts if unknown else nothing)
    for name, count in total.counts.items():
        added = sum(bucket.counts[name] for bucket in buckets) + left_over.counts[name]
        if added != count:
            raise CountMismatchError(f"{dimension}: {name} comes to {added} of {count}")
    return Table(tuple(buckets), left_over, total, changed_at)


@dataclass(frozen=True, slots=True)
class Fair:
    """What came of one exhibition. ``turnover`` is ``None`` where it is not told, and ``withheld`` says why."""

    exhibition_id: UUID
    title: str | None
    place: str | None
    starts_on: date | None
    ends_on: date | None
    cancelled: bool
    applications: int
    placed: int
    took_part: int
    no_show: int
    reported: int
    belum_lapor: int
    turnover: int | None
    turnover_businesses: int | None
    withheld: str | None
    changed_at: datetime | None


TOO_FEW = "kurang_dari_lima_usaha"
NOT_PUBLISHED = "belum_diterbitkan"
WITHHELD = {
    TOO_FEW: "Kurang dari lima usaha melapor, jadi jumlahnya tidak ditampilkan.",
    NOT_PUBLISHED: "Jumlahnya belum diterbitkan dinas.",
}


def fair(row: Row) -> Fair:
    """Return one exhibition. A total is told as it was published, of five businesses or more, and never summed up here.

    Whoever could ask for the sum after each report would learn what one business sold.
    """
    reports, total = row["published_reports"], row["published_total"]
    told = total is not None and reports is not None and reports >= LEAST_BUSINESSES
    few = row["reported_by_all"] < LEAST_BUSINESSES
    return Fair(
        **{name: row[name] for name in _FAIR_COLUMNS},
        belum_lapor=row["took_part"] - row["reported"],
        turnover=total if told else None,
        turnover_businesses=reports if told else None,
        withheld=None if told else TOO_FEW if few else NOT_PUBLISHED,
    )


_FAIR_COLUMNS = (
    "exhibition_id",
    "title",
    "place",
    "starts_on",
    "ends_on",
    "cancelled",
    "applications",
    "placed",
    "took_part",
    "no_show",
    "reported",
    "changed_at",
)


@dataclass(frozen=True, slots=True)
class MentorWeek:
    """What one mentor did from a Monday to the Sunday after it."""

    monday: date
    mentor_id: UUID
    visits: int
    visited: int
    """Businesses visited; one may be visited twice."""
    looked_after: int
    weekly_target: int | None
    """Visits that were due; ``None``: the mentor's own facts have not arrived."""
