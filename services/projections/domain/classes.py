"""``class_history``: each class a business was recorded with, and whether that was *naik kelas*."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.projections.domain.trusted import AnyEvent
from shared.contracts.registry import BusinessClass, BusinessClassChanged, BusinessRegistered, ClassRecord

LADDER = (BusinessClass.MIKRO, BusinessClass.KECIL, BusinessClass.MENENGAH)


class ClassRow(NamedTuple):
    """One recorded class, in the order of the columns."""

    business_id: UUID
    sequence: int
    before: str | None
    """``None`` for the class that a business was registered with."""
    after: str
    basis: str | None
    year: int | None
    source: str
    as_of: date
    naik_kelas: bool
    at: datetime


def is_naik_kelas(before: BusinessClass, after: BusinessClass) -> bool:
    """Tell whether the step goes up the ladder mikro, kecil, menengah; from or to anything else is none."""
    if before not in LADDER or after not in LADDER:
        return False
    return LADDER.index(after) > LADDER.index(before)


def class_row(event: AnyEvent) -> ClassRow | None:
    """Return the row that ``event`` adds; ``None`` if it tells of no class."""
    fact: Any = event.fact
    if fact.NAME == BusinessRegistered.NAME:
        return _row(event, fact.business_id, None, fact.kelas)
    if fact.NAME == BusinessClassChanged.NAME:
        return _row(event, fact.business_id, fact.previous, fact.current)
    return None


def _row(event: AnyEvent, business_id: UUID, before: ClassRecord | None, after: ClassRecord) -> ClassRow:
    return ClassRow(
        business_id,
        event.meta.sequence,
        before.kelas if before else None,
        after.kelas,
        after.basis,
        after.year,
        after.source,
        after.as_of,
        before is not None and is_naik_kelas(before.kelas, after.kelas),
        event.meta.time,
    )
