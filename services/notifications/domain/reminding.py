"""When somebody is reminded, and of what. Pure: the time comes in as argument.

A reminder is due some days before, one as a rule, at an hour of the clock where the session or wave is held. Who was told of the time only
after that hour is not reminded of it: they know it fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.notifications.domain.notices import NAMESPACE

EVENT_TYPE = "reminder"
"""In place of a fact's type, since no fact stands behind it."""
SESSION, WAVE, DEADLINE = "session_reminder", "exhibition_reminder", "application_unconfirmed"
MOVED = "session_moved"
"""Templates of what people are reminded of, and of a session that moved."""


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """So many days before, at this time of the day there."""

    days: int = 1
    at: time = time(9)

    @property
    def horizon(self) -> timedelta:
        """How far ahead of now something may be that is due already, in any zone."""
        return timedelta(days=self.days + 2)

    def of(self, template: str) -> ReminderRule:
        """Return the rule for reminders of a template: a deadline is reminded of on the day before, whatever is said of sessions and waves.

        A place is often told two days before it is to be confirmed: of an earlier hour everybody would be told too late.
        """
        return replace(self, days=1) if template == DEADLINE else self

    def due_at(self, moment: datetime, zone: str) -> datetime:
        """Return when a reminder of what is at ``moment`` (aware) is due."""
        there = ZoneInfo(zone)
        day = moment.astimezone(there).date() - timedelta(days=self.days)
        return datetime.combine(day, self.at, there)

    def is_due(self, moment: datetime, zone: str, now: datetime) -> bool:
        """Tell whether the hour has come, and the moment itself has not."""
        return self.due_at(moment, zone) <= now < moment


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something at an instant: a session or wave that begins, or the end of the time in which a place is to be confirmed."""

    template: str
    """Of the reminder."""
    gathering_id: UUID
    """The batch or the exhibition."""
    number: int
    """Of the session or wave."""
    at: datetime
    zone: str
    details: Mapping[str, Any] = field(default_factory=dict)
    """What a message says of it beside what each participant's own row says; JSON."""
    version: int = 0
    """Of a session: the sequence of the fact that told its time. A wave's time is told by each application's own fact."""
    moved_at: datetime | None = None


def reminder_id(participation_id: UUID, template: str, number: int, version: int) -> UUID:
    """Return the id of the one message that reminds of a session, or tells that it moved.

    ``version`` is the sequence of the fact that told the time: another time is another reminder, also when it moves back.
    """
    return uuid5(NAMESPACE, f"{EVENT_TYPE}|{participation_id}|{template}|{number}|{version}")
