"""``mentoring_activity``: every fact of mentors and mentorings, with what weeks are counted from."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.projections.domain.keeping import stream_of
from services.projections.domain.trusted import AnyEvent
from shared.contracts import mentoring as m
from shared.majors import SILENT
from shared.wita import WITA

TOPICS = (m.MENTOR_TOPIC, m.MENTORING_TOPIC)
_DAYS = {
    m.MentorEnded.NAME: "ended_on",
    m.MentoringStarted.NAME: "started_on",
    m.MentoringVisited.NAME: "visited_on",
    m.MentoringHandedOver.NAME: "handed_over_on",
    m.MentoringEnded.NAME: "ended_on",
}


class MentoringRow(NamedTuple):
    """One fact, in the order of the columns."""

    stream_id: UUID
    sequence: int
    topic: str
    name: str
    mentor_id: UUID
    """Who looks after the business after this fact; of a mentor's own facts, that mentor."""
    business_id: UUID | None
    day: date
    """The day in WITA on which it happened or from which it holds."""
    weekly_target: int | None
    """Visits in a week from that day on; ``None``: the fact says nothing of it."""
    at: datetime


def mentoring_row(event: AnyEvent) -> MentoringRow:
    """Return the row that ``event`` adds."""
    meta, fact = event.meta, event.fact
    told: Any = fact
    said = _DAYS.get(told.NAME)
    return MentoringRow(
        stream_of(told),
        meta.sequence,
        told.TOPIC,
        told.NAME,
        told.mentor_id,
        getattr(told, "business_id", None),
        getattr(told, said) if said else meta.time.astimezone(WITA).date(),
        None if told.NAME == SILENT else getattr(told, "weekly_target", None),
        meta.time,
    )
