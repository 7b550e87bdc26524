"""``jobs``: the workers of every business over time, by sex and pay, with where the business stood. Unknown is never 0.

A row stands for its business from the day on which it was recorded (WITA), its workers from the day they were counted on: an
officer may bring in today what was counted in autumn. On any day the newest count says how many worked, of those that
speak of that day or an earlier one; of counts of one day, the one that was recorded last. So today's numbers are the dashboard's.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from services.projections.domain.standing import counted_on, told
from services.projections.domain.trusted import AnyEvent
from services.projections.reference import UNKNOWN, kecamatan_of
from shared.contracts.registry import BusinessClass, Workers
from shared.wita import WITA


class Kind(StrEnum):
    """Workers by pay and sex; the value is the word in an address."""

    SEMUA = "semua"
    LAKI_DIBAYAR = "laki_dibayar"
    PEREMPUAN_DIBAYAR = "perempuan_dibayar"
    LAKI_TAK_DIBAYAR = "laki_tak_dibayar"
    PEREMPUAN_TAK_DIBAYAR = "perempuan_tak_dibayar"

    @property
    def column(self) -> str:
        """The column of the table."""
        return _COLUMNS[self]


_COLUMNS = {
    Kind.SEMUA: "workers",
    Kind.LAKI_DIBAYAR: "paid_men",
    Kind.PEREMPUAN_DIBAYAR: "paid_women",
    Kind.LAKI_TAK_DIBAYAR: "unpaid_men",
    Kind.PEREMPUAN_TAK_DIBAYAR: "unpaid_women",
}


class JobsRow(NamedTuple):
    """Where a business stands after one fact, in the order of the columns."""

    business_id: UUID
    sequence: int
    ordinal: int
    """Rows of the business are numbered from 1, so that a lost one shows in the audit."""
    event_id: UUID | str
    name: str
    at: datetime
    day: date
    """The day it was recorded on; never earlier than that of the row before."""
    is_in: bool
    kelurahan: str
    kecamatan: str
    kelas: str
    workers: int | None
    """The sum of what is known; ``None`` if nothing is."""
    paid_men: int | None
    paid_women: int | None
    unpaid_men: int | None
    unpaid_women: int | None
    counted_on: date | None
    """The day the workers were counted on; ``None`` if nobody ever told. A late count of an earlier day stands here too."""


Numbers = tuple[int | None, int | None, int | None, int | None]
"""Paid men, paid women, unpaid men, unpaid women."""
_NOBODY_TOLD: Numbers = (None, None, None, None)


def _numbers(workers: Workers | None) -> Numbers:
    if workers is None:
        return _NOBODY_TOLD
    return workers.paid_men, workers.paid_women, workers.unpaid_men, workers.unpaid_women


def _standing(row: JobsRow | None) -> tuple[bool, str, str, Numbers, date | None]:
    if row is None:
        return True, UNKNOWN, BusinessClass.TIDAK_DIKETAHUI.value, _NOBODY_TOLD, None
    numbers = row.paid_men, row.paid_women, row.unpaid_men, row.unpaid_women
    return row.is_in, row.kelurahan, row.kelas, numbers, row.counted_on


def jobs_row(last: JobsRow | None, event: AnyEvent) -> JobsRow | None:
    """Return the row that ``event`` adds; ``None`` if it moves nothing, or is in the ledger already."""
    meta = event.meta
    fact: Any = event.fact
    if last is not None and meta.sequence <= last.sequence:
        return None
    is_in, kelurahan, kelas, numbers, told_of = before = _standing(last)
    said = told(fact)
    day = meta.time.astimezone(WITA).date()
    if last is not None:
        day = max(day, last.day)
    if (on := counted_on(said, event)) is not None:
        numbers, told_of = _numbers(said.workers), on
    is_in = is_in if said.counted is None else said.counted
    kelurahan = kelurahan if said.kelurahan is None else said.kelurahan
    kelas = kelas if said.kelas is None else said.kelas.value
    if last is not None and (is_in, kelurahan, kelas, numbers, told_of) == before:
        return None
    known = [number for number in numbers if number is not None]
    return JobsRow(
        fact.business_id,
        meta.sequence,
        last.ordinal + 1 if last else 1,
        meta.id,
        fact.NAME,
        meta.time,
        day,
        is_in,
        kelurahan,
        kecamatan_of(kelurahan),
        kelas,
        sum(known) if known else None,
        *numbers,
        told_of,
    )
