"""Who is to be where and when: sessions of courses, seats, places at exhibitions, folded from a batch of facts.

The facts of one course, enrolment or application are in order; between them there is none. So an enrolment may be heard of
before the batch that it is for, and each row is kept by itself; only a look at the time brings them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.notifications.domain.exhibition_notices import place_params
from shared.contracts.exhibitions import (
    APPLICATION_TOPIC,
    ApplicationConfirmed,
    ApplicationMoved,
    ApplicationNoShow,
    ApplicationPlaced,
    ApplicationRejected,
    ApplicationTookPart,
    ApplicationWithdrawn,
)
from shared.contracts.training import (
    COURSE_TOPIC,
    ENROLMENT_TOPIC,
    BatchCancelled,
    BatchOpened,
    CourseOpened,
    EnrolmentAccepted,
    EnrolmentExpired,
    EnrolmentFailed,
    EnrolmentOffered,
    EnrolmentRegistered,
    EnrolmentRejected,
    EnrolmentState,
    EnrolmentWaitlisted,
    EnrolmentWithdrawn,
    SessionMoved,
    TrainingCompleted,
)
from shared.envelope import Event
from shared.majors import names_of

_OUT = (
    EnrolmentWaitlisted,
    EnrolmentOffered,
    EnrolmentWithdrawn,
    EnrolmentExpired,
    EnrolmentRejected,
    EnrolmentFailed,
    TrainingCompleted,
    ApplicationRejected,
    ApplicationWithdrawn,
    ApplicationTookPart,
    ApplicationNoShow,
)
"""After these there is nothing to come to."""
ATTENDING_NAMES = names_of(
    CourseOpened,
    BatchOpened,
    SessionMoved,
    BatchCancelled,
    EnrolmentRegistered,
    EnrolmentAccepted,
    ApplicationPlaced,
    ApplicationMoved,
    ApplicationConfirmed,
    *_OUT,
)
"""The names of the facts that say who is to be where and when."""


class Kind(StrEnum):
    """What somebody takes part by."""

    ENROLMENT = "enrolment"
    APPLICATION = "application"


@dataclass(slots=True)
class SessionChange:
    """When a session is held, by the newest fact of the batch; ``moved_at``: when it was moved, by that fact."""

    starts_at: datetime
    version: int
    moved_at: datetime | None = None


@dataclass(slots=True)
class ParticipationChange:
    """What a batch says of one enrolment or application. ``None`` means: not said."""

    kind: Kind
    gathering_id: UUID
    """The batch or the exhibition."""
    owner_id: UUID
    business_id: UUID
    version: int
    attending: bool | None = None
    since: datetime | None = None
    """When they were last told that they take part, and where and when."""
    said: int | None = None
    """The sequence of the fact that told it."""
    starts_at: datetime | None = None
    """When the wave of an application begins; sessions of an enrolment are kept by themselves."""
    details: dict[str, Any] | None = None
    """What a reminder of an application says; JSON, nothing personal."""
    unconfirmed: bool | None = None
    """Whether the place of an application is to be confirmed."""
    confirm_by: datetime | None = None


@dataclass(slots=True)
class Attending:
    """A batch, folded."""

    courses: dict[UUID, tuple[str | None, int]] = field(default_factory=dict)
    """Course to title, if it is said, and version."""
    batches: dict[UUID, tuple[UUID, str]] = field(default_factory=dict)
    """Batch to course and place."""
    cancelled: set[UUID] = field(default_factory=set)
    """Batches that are not held."""
    sessions: dict[tuple[UUID, int], SessionChange] = field(default_factory=dict)
    """Batch and number to when it is held."""
    participations: dict[UUID, ParticipationChange] = field(default_factory=dict)

    @property
    def changed(self) -> set[UUID]:
        """Enrolments and applications of which something was said that a reminder speaks of."""
        found = self.participations.items()
        return {key for key, change in found if change.attending is not None or change.unconfirmed is not None}

    @property
    def touched(self) -> set[UUID]:
        """Batches whose times changed."""
        return self.cancelled | {batch_id for batch_id, _ in self.sessions}


def fold_attending(events: Sequence[Event]) -> Attending:
    """Fold a batch; facts of other topics say nothing here."""
    folded = Attending()
    for event in events:
        if event.fact.TOPIC == COURSE_TOPIC:
            _fold_course(folded, event)
        elif event.fact.TOPIC in (ENROLMENT_TOPIC, APPLICATION_TOPIC):
            _fold_participation(folded.participations, event)
    return folded


def _fold_course(folded: Attending, event: Event) -> None:
    fact, sequence = event.fact, event.meta.sequence
    title, _ = folded.courses.get(fact.aggregate_id, (None, 0))
    folded.courses[fact.aggregate_id] = (fact.title if isinstance(fact, CourseOpened) else title, sequence)
    match fact:
        case BatchOpened():
            folded.batches[fact.batch_id] = (fact.course_id, fact.place)
            for session in fact.sessions:
                folded.sessions[fact.batch_id, session.number] = SessionChange(session.starts_at, sequence)
        case SessionMoved():
            moved = SessionChange(fact.session.starts_at, sequence, event.meta.time)
            folded.sessions[fact.batch_id, fact.session.number] = moved
        case BatchCancelled():
            folded.cancelled.add(fact.batch_id)


def _fold_participation(found: dict[UUID, ParticipationChange], event: Event) -> None:
    fact: Any = event.fact
    change = found.get(fact.aggregate_id)
    if change is None:
        applied = fact.TOPIC == APPLICATION_TOPIC
        kind, gathering_id = (Kind.APPLICATION, fact.exhibition_id) if applied else (Kind.ENROLMENT, fact.batch_id)
        change = ParticipationChange(kind, gathering_id, fact.owner_id, fact.business_id, event.meta.sequence)
        found[fact.aggregate_id] = change
    change.version = event.meta.sequence
    if _is_in(fact):
        change.attending, change.since, change.said = True, event.meta.time, event.meta.sequence
    elif isinstance(fact, _OUT):
        change.attending = False
    if isinstance(fact, ApplicationPlaced | ApplicationMoved):
        change.starts_at, change.details = fact.starts_at, place_params(fact)
        change.unconfirmed, change.confirm_by = True, fact.confirm_by
    elif isinstance(fact, ApplicationConfirmed):
        change.unconfirmed = False


def _is_in(fact: Any) -> bool:
    if isinstance(fact, EnrolmentRegistered):
        return fact.state is EnrolmentState.DITERIMA
    return isinstance(fact, EnrolmentAccepted | ApplicationPlaced | ApplicationMoved)
