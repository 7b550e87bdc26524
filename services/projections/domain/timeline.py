"""``business_timeline``: every fact of a business, in order, with what is not personal of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.projections.domain.trusted import AnyEvent
from shared.contracts import registry
from shared.contracts.registry import BusinessProfile, ClassRecord, Workers


class TimelineRow(NamedTuple):
    """One fact, in the order of the columns."""

    business_id: UUID
    sequence: int
    event_id: UUID | str
    name: str
    """``business.verified`` and so on: the contract's name, without prefix and version."""
    at: datetime
    origin: str
    detail: str | None
    """JSON of what the sentence needs; ``None`` if the name says it all."""


def _profile(fact: BusinessProfile) -> dict[str, Any]:
    return {"kelurahan": fact.kelurahan, "sector": fact.sector, "source": fact.source, "as_of": fact.as_of}


def _kelas(record: ClassRecord) -> dict[str, Any]:
    return {"kelas": record.kelas, "basis": record.basis, "year": record.year, "source": record.source}


def _workers(workers: Workers) -> dict[str, Any]:
    return {name: getattr(workers, name) for name in ("paid_men", "paid_women", "unpaid_men", "unpaid_women")}


_DETAILS: dict[str, Callable[[Any], dict[str, Any]]] = {
    registry.BusinessRegistered.NAME: lambda f: {**_profile(f), "status": f.status, "kelas": f.kelas.kelas},
    registry.BusinessChanged.NAME: lambda f: {**_profile(f), "changed": f.changed},
    registry.BusinessReactivated.NAME: lambda f: {"status": f.status},
    registry.BusinessClosed.NAME: lambda f: {"closed_on": f.closed_on},
    registry.BusinessClassChanged.NAME: lambda f: {
        "before": f.previous.kelas,
        **_kelas(f.current),
        "as_of": f.current.as_of,
        "flags": f.flags,
    },
    registry.BusinessWorkersRecorded.NAME: lambda f: {**_workers(f.workers), "as_of": f.as_of},
    registry.BusinessDuplicateProposed.NAME: lambda f: {"other_id": f.other_id, "grounds": f.grounds},
    registry.BusinessMerged.NAME: lambda f: {"into_id": f.into_id},
    registry.BusinessMergeUndone.NAME: lambda f: {"from_id": f.from_id, "status": f.status},
}


def timeline_row(event: AnyEvent) -> TimelineRow:
    """Return the row that ``event`` adds."""
    meta = event.meta
    fact: Any = event.fact
    detail = _DETAILS.get(fact.NAME)
    return TimelineRow(
        fact.business_id,
        meta.sequence,
        meta.id,
        fact.NAME,
        meta.time,
        meta.origin,
        orjson.dumps(detail(fact)).decode() if detail else None,
    )
