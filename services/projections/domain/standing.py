"""What each fact says of where a business stands: counted or not, place, class, workers. The ledgers are kept by it.

Workers are those of the newest count, whenever it was recorded: ``counted_on`` says of which day a count speaks.

A ledger has one row for each fact that moved a business, with its standing after it, so that the last row of a business is
all that the next fact needs. Sums of the rows add up by themselves: what leaves one place comes to another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from datetime import date
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from services.projections.domain.trusted import AnyEvent
from shared.contracts import registry
from shared.contracts.registry import BusinessClass, BusinessStatus, Evidence, Workers
from shared.contracts.statuses import status_told
from shared.majors import SILENT
from shared.wita import WITA

GONE = frozenset({BusinessStatus.TUTUP, BusinessStatus.DITOLAK, BusinessStatus.DIGABUNG})
"""States in which a business is in no ledger's count. One at rest (``nonaktif``) may come back, and is."""


class Told(NamedTuple):
    """What a fact says; ``None`` means: not said."""

    counted: bool | None = None
    kelurahan: str | None = None
    kelas: BusinessClass | None = None
    evidence: tuple[Evidence, ...] = ()
    workers: Workers | None = None
    counted_on: date | None = None
    """The day that the number of workers speaks of (WITA)."""


NOTHING = Told()

_TELLS: dict[str, Callable[[Any], Told]] = {
    registry.BusinessRegistered.NAME: lambda fact: Told(
        fact.status not in GONE,
        fact.kelurahan,
        fact.kelas.kelas,
        workers=fact.workers,
        counted_on=None if fact.workers is None else fact.as_of,
    ),
    registry.BusinessChanged.NAME: lambda fact: Told(kelurahan=fact.kelurahan),
    registry.BusinessClassChanged.NAME: lambda fact: Told(kelas=fact.current.kelas, evidence=fact.evidence),
    registry.BusinessWorkersRecorded.NAME: lambda fact: Told(workers=fact.workers, counted_on=fact.as_of),
}


def told(fact: Any) -> Told:
    """Return what ``fact`` says; facts of other things say nothing."""
    if (tell := _TELLS.get(fact.NAME)) is not None:
        return tell(fact)
    status = status_told(fact)
    return NOTHING if status is None else Told(counted=status not in GONE)


def counted_on(said: Told, event: AnyEvent) -> date | None:
    """Return the day that the workers which ``event`` tells of speak of, never one to come; ``None`` if it tells of none."""
    return None if said.counted_on is None else min(said.counted_on, event.meta.time.astimezone(WITA).date())


class LedgerRow(Protocol):
    """What the rows of all ledgers have."""

    @property
    def business_id(self) -> UUID:
        """Whose row it is."""

    @property
    def sequence(self) -> int:
        """The sequence of the fact."""


Row = TypeVar("Row", bound=LedgerRow)


def ledger_rows(
    step: Callable[[Row | None, AnyEvent], Row | None], last: MutableMapping[UUID, Row], events: Iterable[AnyEvent]
) -> list[Row]:
    """Return the rows that ``events`` add, and keep the last one of each business in ``last``.

    The facts of a business are in order. Those that the ledger holds already add nothing: they are either not later than
    the last row, or said then what stands in it.
    """
    rows = []
    for event in events:
        fact: Any = event.fact
        if fact.NAME == SILENT:
            continue
        row = step(last.get(fact.business_id), event)
        if row is not None:
            last[row.business_id] = row
            rows.append(row)
    return rows
