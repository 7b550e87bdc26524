"""``business_timeline``: every fact of a business, in order, with what is not personal of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.projections.domain.trusted import AnyEvent
from shared.contracts import progress, registry
from shared.contracts.registry import BusinessProfile, ClassRecord, Workers


class TimelineRow(NamedTuple):
    """One fact, in the order of the columns."""

    business_id: UUID
    sequence: int
    event_id: UUID | str
    name: str
    """``business.verified`` and so on: the contract's name, without prefix and version; empty where the fact is only counted."""
    at: datetime
    origin: str
    detail: str | None
    """JSON of what the sentence needs; ``None`` if the name says it all."""


class TimelinePlace(NamedTuple):
    """A place in the order in which the facts of all services about a business are told."""

    moment: datetime
    """When it happened; within a stream no earlier than what came before it, whatever the clocks said."""
    stream_id: UUID
    sequence: int

    def write(self) -> str:
        """Return the place as a reader passes it on: ``2026-03-01T01:02:00+00:00~<stream>~2``."""
        return f"{self.moment.isoformat()}~{self.stream_id}~{self.sequence}"


BEFORE_ALL = TimelinePlace(datetime.min.replace(tzinfo=UTC), UUID(int=0), 0)


def read_place(text: str) -> TimelinePlace:
    """Return the place that ``write`` wrote. Raises ``ValueError`` for anything else."""
    moment, stream_id, sequence = text.split("~")
    try:
        found = TimelinePlace(datetime.fromisoformat(moment), UUID(stream_id), int(sequence))
        if found.moment.tzinfo is None or not 0 <= found.sequence < 1 << 63:
            raise ValueError("no place in a timeline")
        # At the ends of the calendar there are moments that UTC has no year for, and no database.
        return found._replace(moment=found.moment.astimezone(UTC))
    except OverflowError as error:
        raise ValueError("no moment of any year") from error


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
        # Old rows have none, and neither have facts from before it was asked for: both must compare as the same.
        **({"evidence": f.evidence} if f.evidence else {}),
    },
    registry.BusinessWorkersRecorded.NAME: lambda f: {**_workers(f.workers), "as_of": f.as_of},
    progress.BusinessAssessed.NAME: lambda f: {
        "assessed_on": f.assessed_on,
        "scores": [{"aspect": each.aspect, "score": each.score} for each in f.scores],
    },
    progress.BusinessExportReadinessRecorded.NAME: lambda f: {
        "as_of": f.as_of,
        "ready": f.ready,
        "met": sum(item.met is True for item in f.items),
        "items": len(f.items),
    },
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
