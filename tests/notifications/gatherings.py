"""Facts of trainings and exhibitions as their services tell them, for tests of messages and reminders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.exhibitions import ApplicationMoved, ApplicationPlaced
from shared.contracts.training import (
    BatchCancelled,
    BatchOpened,
    CourseOpened,
    EnrolmentAccepted,
    EnrolmentWithdrawn,
    LeavingCause,
    Selection,
    SessionMoved,
    SessionTime,
)
from shared.envelope import Event
from tests.notifications.story import WHEN, Story

FRIDAY = datetime(2026, 11, 27, 1, tzinfo=UTC)
"""27 November 2026, 09:00 WITA."""
THURSDAY_NINE = datetime(2026, 11, 26, 1, tzinfo=UTC)
"""09:00 WITA of the day before: when a session of that Friday is reminded of."""
HOURS = timedelta(hours=3)


@dataclass
class Training:
    """A course with one batch."""

    story: Story
    starts: Sequence[datetime] = (FRIDAY,)
    course_id: UUID = field(default_factory=uuid4)
    batch_id: UUID = field(default_factory=uuid4)

    def _session(self, number: int, starts_at: datetime) -> SessionTime:
        return SessionTime(number=number, starts_at=starts_at, ends_at=starts_at + HOURS)

    def opened(self) -> list[Event]:
        """The course is planned, and its batch takes enrolments."""
        course = CourseOpened(
            course_id=self.course_id,
            programme_id=uuid4(),
            programme="Pemasaran",
            title="Pemasaran Digital",
            held_by="dinas",
            starts_on=date(2026, 11, 1),
            ends_on=date(2026, 12, 31),
            attendance_percent=80,
        )
        batch = BatchOpened(
            course_id=self.course_id,
            batch_id=self.batch_id,
            number=1,
            place="Aula DKUMKMP",
            quota=50,
            closes_at=WHEN,
            selection=Selection.LANGSUNG,
            sessions=tuple(self._session(number, at) for number, at in enumerate(self.starts, 1)),
        )
        return [self.story.event(course), self.story.event(batch)]

    def moved(self, to: datetime, number: int = 1, at: datetime = WHEN) -> Event:
        """A session is moved."""
        previous = self._session(number, self.starts[number - 1])
        fact = SessionMoved(
            course_id=self.course_id, batch_id=self.batch_id, previous=previous, session=self._session(number, to)
        )
        return self.story.event(fact, time=at)

    def cancelled(self) -> Event:
        """The batch is not held."""
        return self.story.event(BatchCancelled(course_id=self.course_id, batch_id=self.batch_id))

    def accepted(self, owner_id: UUID, enrolment_id: UUID | None = None, at: datetime = WHEN) -> Event:
        """An owner has a seat."""
        return self.story.event(EnrolmentAccepted(**self._seat(owner_id, enrolment_id or uuid4())), time=at)

    def withdrawn(self, enrolment: Event, cause: LeavingCause = LeavingCause.PERMINTAAN_PESERTA) -> Event:
        """An owner gives the seat up."""
        fact: Any = enrolment.fact
        return self.story.event(EnrolmentWithdrawn(**self._seat(fact.owner_id, fact.enrolment_id), cause=cause))

    def _seat(self, owner_id: UUID, enrolment_id: UUID) -> dict[str, Any]:
        return {
            "enrolment_id": enrolment_id,
            "batch_id": self.batch_id,
            "course_id": self.course_id,
            "owner_id": owner_id,
            "business_id": uuid4(),
            "title": "Pemasaran Digital",
            "place": "Aula DKUMKMP",
            "starts_at": self.starts[0],
        }


def application(owner_id: UUID, business_id: UUID | None = None, exhibition_id: UUID | None = None) -> dict[str, Any]:
    """Return what every fact of an application that is told says."""
    return {
        "application_id": uuid4(),
        "exhibition_id": exhibition_id or uuid4(),
        "owner_id": owner_id,
        "business_id": business_id or uuid4(),
        "title": "Pameran Nusantara",
        "place": "Jakarta Convention Center",
        "zone": "Asia/Jakarta",
    }


def place(starts_at: datetime, wave: int = 1, booth: int = 7) -> dict[str, Any]:
    """Return what a place says."""
    return {
        "booth_id": uuid4(),
        "wave": wave,
        "booth": booth,
        "starts_at": starts_at,
        "confirm_by": starts_at - timedelta(days=1),
    }


def placed(story: Story, applied: dict[str, Any], starts_at: datetime, at: datetime = WHEN, **where: int) -> Event:
    """An application has a place."""
    return story.event(ApplicationPlaced(**applied, **place(starts_at, **where)), time=at)


def moved(story: Story, applied: dict[str, Any], starts_at: datetime, at: datetime = WHEN, **where: int) -> Event:
    """An application has another place."""
    before = {"previous_booth_id": uuid4(), "previous_wave": 1}
    return story.event(ApplicationMoved(**applied, **place(starts_at, **where), **before), time=at)
