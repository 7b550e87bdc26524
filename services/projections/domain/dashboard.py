"""``district_dashboard``: one row per business, as it stands now. Counts are made when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.projections.domain import keeping
from services.projections.domain.standing import counted_on, told
from services.projections.domain.trusted import AnyEvent
from services.projections.reference import UNKNOWN, kecamatan_of
from shared.contracts import progress, registry
from shared.contracts.registry import BusinessClass, BusinessProfile, BusinessStatus, Workers
from shared.envelope import Event
from shared.majors import SILENT


class DashboardRow(Struct, frozen=True, gc=False):
    """One business, in the order of the columns. A struct, because each fact replaces some of its fields."""

    business_id: UUID
    kelurahan: str = UNKNOWN
    kecamatan: str = UNKNOWN
    kelas: str = BusinessClass.TIDAK_DIKETAHUI.value
    status: str = BusinessStatus.DRAF.value
    sector: str = "tidak_diketahui"
    workers: int | None = None
    """All workers that are known; ``None`` is not known, 0 is none."""
    source: str = "tidak_diketahui"
    as_of: date | None = None
    """The day the data speaks of (WITA)."""
    merged_into: UUID | None = None
    class_facts: int = 0
    """Facts that have a row in ``class_history``, for the audit."""
    facts: int = 0
    """Facts folded into this row; equal to ``version`` unless the row was lost or tampered with."""
    version: int = 0
    """Sequence of the last fact folded."""
    changed_at: datetime | None = None
    workers_as_of: date | None = None
    """The day the workers were counted on; ``None`` if nobody ever told."""


def total_workers(workers: Workers | None) -> int | None:
    """Return the sum of what is known; ``None`` if nothing is."""
    if workers is None:
        return None
    parts = (workers.paid_men, workers.paid_women, workers.unpaid_men, workers.unpaid_women)
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _profile(fact: BusinessProfile) -> dict[str, Any]:
    return {
        "kelurahan": fact.kelurahan,
        "kecamatan": kecamatan_of(fact.kelurahan),
        "sector": fact.sector,
        "source": fact.source,
        "as_of": fact.as_of,
    }


def _registered(_: DashboardRow, fact: Any) -> dict[str, Any]:
    return {
        "kelurahan": fact.kelurahan,
        "kecamatan": kecamatan_of(fact.kelurahan),
        "sector": fact.sector,
        "source": fact.source,
        "as_of": fact.as_of,
        "status": fact.status,
        "kelas": fact.kelas.kelas,
        "class_facts": 1,
    }


def _changed(_: DashboardRow, fact: Any) -> dict[str, Any]:
    return _profile(fact)


def _class_changed(row: DashboardRow, fact: Any) -> dict[str, Any]:
    return {"kelas": fact.current.kelas, "class_facts": row.class_facts + 1}


def _merged(_: DashboardRow, fact: Any) -> dict[str, Any]:
    return {"status": BusinessStatus.DIGABUNG, "merged_into": fact.into_id}


def _merge_undone(_: DashboardRow, fact: Any) -> dict[str, Any]:
    return {"status": fact.status, "merged_into": None}


def _status(status: BusinessStatus) -> Callable[[DashboardRow, Any], dict[str, Any]]:
    return lambda _row, _fact: {"status": status}


_STEPS: dict[str, Callable[[DashboardRow, Any], dict[str, Any]]] = {
    registry.BusinessRegistered.NAME: _registered,
    registry.BusinessChanged.NAME: _changed,
    registry.BusinessSubmitted.NAME: _status(BusinessStatus.DIAJUKAN),
    registry.BusinessVerified.NAME: _status(BusinessStatus.TERVERIFIKASI),
    registry.BusinessReturned.NAME: _status(BusinessStatus.PERLU_PERBAIKAN),
    registry.BusinessRejected.NAME: _status(BusinessStatus.DITOLAK),
    registry.BusinessDeactivated.NAME: _status(BusinessStatus.NONAKTIF),
    registry.BusinessReactivated.NAME: lambda _row, fact: {"status": fact.status},
    registry.BusinessClosed.NAME: _status(BusinessStatus.TUTUP),
    registry.BusinessClassChanged.NAME: _class_changed,
    registry.BusinessWorkersRecorded.NAME: lambda _row, _fact: {},
    registry.BusinessDuplicateProposed.NAME: lambda _row, _fact: {},
    registry.BusinessMerged.NAME: _merged,
    registry.BusinessMergeUndone.NAME: _merge_undone,
    progress.BusinessAssessed.NAME: lambda _row, _fact: {},
    progress.BusinessExportReadinessRecorded.NAME: lambda _row, _fact: {},
    SILENT: lambda _row, _fact: {},
}


_COUNTS = frozenset({registry.BusinessRegistered.NAME, registry.BusinessWorkersRecorded.NAME})


def _counted(row: DashboardRow, event: AnyEvent) -> dict[str, Any]:
    said = told(event.fact)
    on = counted_on(said, event)
    if on is None or (row.workers_as_of is not None and on < row.workers_as_of):
        return {}
    return {"workers": total_workers(said.workers), "workers_as_of": on}


def evolve(row: DashboardRow | None, event: AnyEvent) -> DashboardRow:
    """Return the row after ``event``; a fact that the row already holds changes nothing."""
    meta = event.meta
    fact: Any = event.fact
    if row is None:
        row = DashboardRow(fact.business_id)
    elif meta.sequence <= row.version:
        return row
    changes = _STEPS[fact.NAME](row, fact)
    if fact.NAME in _COUNTS:
        changes |= _counted(row, event)
    return replace(row, version=meta.sequence, facts=row.facts + 1, changed_at=meta.time, **changes)


def fold(rows: Mapping[str, DashboardRow], events: Iterable[Event]) -> dict[str, DashboardRow]:
    """Return the rows that ``events`` change, folded onto ``rows``; both by the id of the business as text."""
    return keeping.fold(rows, events, evolve)
