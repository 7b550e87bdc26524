"""``exhibition_turnover``: one row per exhibition and application. No amount of one business is kept, only totals as published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from services.projections.domain.keeping import Step, evolver
from shared.contracts import exhibitions as x
from shared.contracts.exhibitions import ApplicationState

TOPICS = (x.EXHIBITION_TOPIC, x.APPLICATION_TOPIC)


class FairRow(Struct, frozen=True, gc=False):
    """One stream, in the order of the columns. What a kind of stream does not tell is ``None``."""

    stream_id: UUID
    topic: str
    exhibition_id: UUID | None = None
    business_id: UUID | None = None
    title: str | None = None
    place: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    cancelled: bool = False
    participants: int | None = None
    """Of an exhibition: who took part when its total was last published; ``None``: none was."""
    reports: int | None = None
    """Of so many of them the published total is."""
    total: int | None = None
    """Rupiah, as published."""
    state: str | None = None
    """Of an application, as the office names it."""
    placed: bool = False
    """A place at a booth was theirs, at least for a time; whether the exhibition was cancelled stands in its own row."""
    days_reported: int = 0
    """Days of which it is known what they sold; 0: *belum lapor*."""
    facts: int = 0
    version: int = 0
    changed_at: datetime | None = None


def _opened(row: FairRow, fact: Any) -> dict[str, Any]:
    told = {"title": fact.title, "place": fact.place, "starts_on": fact.starts_on, "ends_on": fact.ends_on}
    return {"exhibition_id": row.stream_id, **told}


def _published(_: FairRow, fact: Any) -> dict[str, Any]:
    return {"participants": fact.participants, "reports": fact.reported, "total": fact.total}


def _whose(fact: Any) -> dict[str, Any]:
    return {"exhibition_id": fact.exhibition_id, "business_id": fact.business_id}


def _state(state: ApplicationState, **more: Any) -> Callable[[FairRow, Any], dict[str, Any]]:
    return lambda _, fact: {**_whose(fact), "state": state.value, **more}


_STEPS: dict[str, Step] = {
    x.ExhibitionOpened.NAME: _opened,
    x.ExhibitionCancelled.NAME: lambda _row, _fact: {"cancelled": True},
    x.TurnoverPublished.NAME: _published,
    x.ApplicationSubmitted.NAME: _state(ApplicationState.DIAJUKAN),
    x.ApplicationScored.NAME: _state(ApplicationState.KURASI),
    x.ApplicationPassed.NAME: _state(ApplicationState.LOLOS),
    x.ApplicationReserved.NAME: _state(ApplicationState.CADANGAN),
    x.ApplicationPromoted.NAME: _state(ApplicationState.LOLOS),
    x.ApplicationRejected.NAME: _state(ApplicationState.DITOLAK),
    x.ApplicationPlaced.NAME: _state(ApplicationState.DITEMPATKAN, placed=True),
    x.ApplicationMoved.NAME: _state(ApplicationState.DITEMPATKAN, placed=True),
    x.ApplicationConfirmed.NAME: _state(ApplicationState.DIKONFIRMASI, placed=True),
    x.ApplicationWithdrawn.NAME: _state(ApplicationState.MENGUNDURKAN_DIRI),
    x.ApplicationTookPart.NAME: _state(ApplicationState.IKUT, placed=True),
    x.ApplicationNoShow.NAME: _state(ApplicationState.TIDAK_HADIR, placed=True),
    x.SalesReported.NAME: lambda row, fact: {**_whose(fact), "days_reported": row.days_reported + 1},
}

NAMES = _STEPS.keys()
"""The names of the facts that a row says something of."""
evolve = evolver(FairRow, _STEPS)
