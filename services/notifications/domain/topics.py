"""What a message is about, by its template; and which messages an owner stops together with a topic of announcements."""

from __future__ import annotations

from collections.abc import Mapping

from services.notifications.commands import Topic
from services.notifications.domain.notices import TEMPLATES

_BEGINNINGS: Mapping[str, Topic] = {
    "enrolment_": Topic.PELATIHAN,
    "session_": Topic.PELATIHAN,
    "certificate_": Topic.PELATIHAN,
    "application_": Topic.PAMERAN,
    "exhibition_": Topic.PAMERAN,
    "licence_": Topic.PERIZINAN,
    "brand_": Topic.PERIZINAN,
}

STOPPABLE = frozenset({"brand_expiring", "exhibition_reminder", "licence_expiring", "session_reminder"})
"""Reminders: who stopped the topic gets none. What was decided about an owner's own seat, place or licence is told all the
same, because who does not hear of it loses it."""


def topic_of(template: str) -> Topic | None:
    """Return what messages of a template are about; ``None``: the owner's own record, or an announcement, which says so itself."""
    return next((topic for beginning, topic in _BEGINNINGS.items() if template.startswith(beginning)), None)


def stoppable_topic(template: str) -> Topic | None:
    """Return the topic whose stopping stops messages of this template too; ``None``: they always go out."""
    return topic_of(template) if template in STOPPABLE else None


def templates_of(topic: Topic) -> list[str]:
    """Return the templates that are about a topic."""
    return sorted(template for template in TEMPLATES if topic_of(template) is topic)
