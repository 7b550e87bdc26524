"""What the registry can be told about mentors (*pendamping*) and the businesses they look after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.contracts.mentoring import MentoringCause, VisitWay
from shared.contracts.progress import Aspect


@dataclass(frozen=True, slots=True)
class RegisterMentor:
    """Make somebody a mentor. ``account`` is the ``sub`` of their tokens; no ``kelurahan``: everywhere in the city."""

    mentor_id: UUID
    account: str
    kelurahan: tuple[str, ...]
    weekly_target: int
    """Visits in a week, Monday to Sunday (WITA)."""


@dataclass(frozen=True, slots=True)
class ChangeMentor:
    """Replace places and target of a mentor."""

    mentor_id: UUID
    expected_version: int
    kelurahan: tuple[str, ...]
    weekly_target: int


@dataclass(frozen=True, slots=True)
class EndMentor:
    """Somebody is no mentor any more; ``None``: from today on."""

    mentor_id: UUID
    expected_version: int
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class StartMentoring:
    """Give a business a mentor; ``None``: from today on."""

    mentoring_id: UUID
    business_id: UUID
    mentor_id: UUID
    started_on: date | None


@dataclass(frozen=True, slots=True)
class OnMentoring:
    """A deed on one mentoring, in the version that its actor has seen."""

    mentoring_id: UUID
    expected_version: int


@dataclass(frozen=True, slots=True)
class RecordVisit(OnMentoring):
    """Mentor and owner met. ``note`` is free text: it may name people, and never leaves the registry."""

    visit_id: UUID
    visited_on: date
    way: VisitWay
    aspects: tuple[Aspect, ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class HandOverMentoring(OnMentoring):
    """Another mentor goes on; ``None``: from today on."""

    mentor_id: UUID
    handed_over_on: date | None


@dataclass(frozen=True, slots=True)
class EndMentoring(OnMentoring):
    """Nobody looks after the business any more; ``None``: from today on."""

    cause: MentoringCause
    ended_on: date | None
