"""How each projection is made: of which topics, by rows that a fact adds or by one row that its stream keeps.

A ledger is both: a fact adds a row, and needs the last one of its stream for it.

A new projection is an entry here, its table in a migration, and its statements by name in ``sql/``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from services.projections.commands import Projection
from services.projections.domain import dashboard, mentoring, outcome, turnover
from services.projections.domain.classes import class_row
from services.projections.domain.funnel import FunnelRow, funnel_row
from services.projections.domain.jobs import JobsRow, jobs_row
from services.projections.domain.keeping import Evolve
from services.projections.domain.service_timeline import TOPICS as TOLD_TOPICS
from services.projections.domain.service_timeline import service_rows
from services.projections.domain.timeline import timeline_row
from services.projections.domain.trusted import AnyEvent
from shared.contracts import CONTRACTS
from shared.contracts.registry import BUSINESS_TOPIC
from shared.majors import Majors

Columns = tuple[Any, ...]
Told = TypeVar("Told", bound=AnyEvent)


@dataclass(frozen=True, slots=True)
class Making:
    """One projection. It either tells, keeps, or goes on step by step."""

    topics: tuple[str, ...]
    key: tuple[str, ...]
    """The columns of the table's key; the first or second one names the stream, see ``stream``."""
    stream: str
    """The column with the id of the stream that a row comes of."""
    tell: Callable[[Sequence[AnyEvent]], list[Columns]] | None = None
    """Facts to the rows that they add, which never change."""
    evolve: Evolve[Any] | None = None
    """Row and fact to the row after it: one row per stream, which is its whole key."""
    step: Callable[[Any, AnyEvent], Any] | None = None
    """Last row of the stream and fact to the row that is added, which never changes; ``None``: it adds none."""
    row: Callable[..., Any] | None = None
    """What ``evolve`` or ``step`` takes and gives, its fields in the order of the columns."""


def _told(rows_of: Callable[[AnyEvent], Iterable[Columns]]) -> Callable[[Sequence[AnyEvent]], list[Columns]]:
    return lambda events: [row for event in events for row in rows_of(event)]


def _timeline(events: Sequence[AnyEvent]) -> list[Columns]:
    return [timeline_row(event) for event in events]


def _classes(events: Sequence[AnyEvent]) -> list[Columns]:
    return [row for event in events if (row := class_row(event)) is not None]


def _mentoring(events: Sequence[AnyEvent]) -> list[Columns]:
    return [mentoring.mentoring_row(event) for event in events]


_BUSINESS = (BUSINESS_TOPIC,)

MAKINGS: Mapping[Projection, Making] = {
    Projection.BUSINESS_TIMELINE: Making(_BUSINESS, ("business_id", "sequence"), "business_id", tell=_timeline),
    Projection.CLASS_HISTORY: Making(_BUSINESS, ("business_id", "sequence"), "business_id", tell=_classes),
    Projection.DISTRICT_DASHBOARD: Making(
        _BUSINESS, ("business_id",), "business_id", evolve=dashboard.evolve, row=dashboard.DashboardRow
    ),
    Projection.CLASS_FUNNEL: Making(
        _BUSINESS, ("business_id", "sequence"), "business_id", step=funnel_row, row=FunnelRow
    ),
    Projection.JOBS: Making(_BUSINESS, ("business_id", "sequence"), "business_id", step=jobs_row, row=JobsRow),
    Projection.SERVICE_TIMELINE: Making(
        TOLD_TOPICS, ("business_id", "stream_id", "sequence"), "stream_id", tell=_told(service_rows)
    ),
    Projection.TRAINING_OUTCOME: Making(
        outcome.TOPICS, ("stream_id",), "stream_id", evolve=outcome.evolve, row=outcome.OutcomeRow
    ),
    Projection.EXHIBITION_TURNOVER: Making(
        turnover.TOPICS, ("stream_id",), "stream_id", evolve=turnover.evolve, row=turnover.FairRow
    ),
    Projection.MENTORING_ACTIVITY: Making(mentoring.TOPICS, ("stream_id", "sequence"), "stream_id", tell=_mentoring),
}
"""In the order in which a batch writes them."""

TOPICS = tuple(dict.fromkeys(topic for making in MAKINGS.values() for topic in making.topics))
"""What the service reads."""

MAJORS = Majors(TOPICS)
"""Where a newer major is told, it says so here, with the instant: what happened before is told by the older one for good."""

TYPES = MAJORS.types
"""The CloudEvents types that are understood, those of ended majors among them: a rebuild reads the log from its first event on."""

_TELLING = {topic for making in MAKINGS.values() if making.tell is not None for topic in making.topics}
"""Topics of which every fact has a row of its own."""

NAMES = frozenset(CONTRACTS[name].NAME for name in TYPES if CONTRACTS[name].TOPIC in _TELLING) | {
    *outcome.NAMES,
    *turnover.NAMES,
}
"""The names of the facts that say something which a projection holds."""


def settle(events: Sequence[Told]) -> Sequence[Told]:
    """Return facts with those silent that are told in another major: live and in a rebuild the same, by their time."""
    return MAJORS.settle(events)


def topics_of(projections: Iterable[Projection]) -> tuple[str, ...]:
    """Return the topics that some projections are made of, each once."""
    return tuple(dict.fromkeys(topic for projection in projections for topic in MAKINGS[projection].topics))


def by_topic(events: Sequence[Told]) -> dict[str, list[Told]]:
    """Return facts by their topic, in their order."""
    found: dict[str, list[Told]] = {}
    for event in events:
        topic = event.fact.TOPIC
        if topic in found:
            found[topic].append(event)
        else:
            found[topic] = [event]
    return found


def belonging(making: Making, parts: Mapping[str, list[Told]]) -> list[Told]:
    """Return what a projection is made of among facts by topic. Between streams no order matters."""
    mine = [parts[topic] for topic in making.topics if topic in parts]
    return mine[0] if len(mine) == 1 else [event for part in mine for event in part]
