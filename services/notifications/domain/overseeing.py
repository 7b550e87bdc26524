"""What an operator looks at: messages by subject, state and channel. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.notifications.commands import Topic
from services.notifications.domain.announcements import TEMPLATE
from services.notifications.domain.messages import State
from services.notifications.domain.notices import TEMPLATES
from services.notifications.domain.topics import topic_of


class Subject(StrEnum):
    """What a message is about: a topic, the owner's own record, or an officer's import."""

    USAHA = "usaha"
    PELATIHAN = "pelatihan"
    PAMERAN = "pameran"
    PEMBIAYAAN = "pembiayaan"
    PERIZINAN = "perizinan"
    KABAR = "kabar"
    IMPOR = "impor"


def subject_of(template: str, announced: str | None) -> Subject:
    """Return what a message is about; ``announced`` is the topic of its announcement, if it tells one."""
    if announced is not None:
        return Subject(announced)
    if template == "import_digest":
        return Subject.IMPOR
    topic = topic_of(template)
    return Subject.USAHA if topic is None else Subject(topic.value)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which messages to show. ``None`` asks nothing."""

    state: State | None = None
    subject: Subject | None = None
    channel: str | None = None

    @property
    def templates(self) -> list[str] | None:
        """The templates of the subject, without that of announcements, whose topic is their own."""
        if self.subject is None:
            return None
        return sorted(t for t in TEMPLATES if t != TEMPLATE and subject_of(t, None) is self.subject)

    @property
    def topic(self) -> str | None:
        """The topic of announcements that belong to the subject."""
        return self.subject.value if self.subject in {Subject(topic.value) for topic in Topic} else None


@dataclass(frozen=True, slots=True)
class Tally:
    """Messages of one subject and channel, by state."""

    subject: Subject
    channel: str | None
    states: Counter[str]


Counted = tuple[str, str | None, str | None, str, int]
"""Template, topic of the announcement, channel, state, messages."""


def tally(rows: Iterable[Counted]) -> list[Tally]:
    """Return the counts by subject and channel, in the order of the subjects."""
    found: dict[tuple[Subject, str | None], Counter[str]] = {}
    for template, announced, channel, state, messages in rows:
        found.setdefault((subject_of(template, announced), channel), Counter())[state] += messages
    order = list(Subject)
    return [
        Tally(subject, channel, states)
        for (subject, channel), states in sorted(
            found.items(), key=lambda item: (order.index(item[0][0]), item[0][1] or "")
        )
    ]
