"""Rules of mentors and mentoring: one mentor at a time, days that fit together, weeks that begin on Monday.

All days are days in Balikpapan (WITA); ``today`` comes in as an argument.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.registry.commands.mentoring import (
    ChangeMentor,
    EndMentor,
    EndMentoring,
    HandOverMentoring,
    RecordVisit,
    RegisterMentor,
    StartMentoring,
)
from services.registry.domain.mentoring_refusals import (
    MentorElsewhereError,
    MentorEndedError,
    MentoringDayError,
    MentoringEndedError,
    MentorStillNeededError,
    NotMentorableError,
    NotTheMentorError,
    SameMentorError,
)
from services.registry.domain.models import Business
from services.registry.domain.owners import check_place
from shared.contracts.fact import Fact
from shared.contracts.mentoring import (
    MentorChanged,
    MentorEnded,
    MentoringCause,
    MentoringEnded,
    MentoringHandedOver,
    MentoringStarted,
    MentoringVisited,
    MentorProfile,
    MentorRegistered,
)
from shared.contracts.registry import BusinessStatus
from shared.refusals import check_version
from shared.wita import monday_of

CAUSE_OF_STATUS: dict[BusinessStatus, MentoringCause] = {
    BusinessStatus.TUTUP: MentoringCause.USAHA_TUTUP,
    BusinessStatus.DITOLAK: MentoringCause.LAINNYA,
    BusinessStatus.DIGABUNG: MentoringCause.LAINNYA,
}
"""Status of a business that is gone → why its mentoring ends with it. At rest (*nonaktif*) it goes on."""


@dataclass(frozen=True, slots=True)
class Mentor:
    """A mentor. ``ended_on``: is none any more."""

    id: UUID
    version: int
    account: str
    kelurahan: tuple[str, ...]
    weekly_target: int
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Mentoring:
    """A business with who looks after it. ``since``: the day on which this mentor began."""

    id: UUID
    version: int
    business_id: UUID
    mentor_id: UUID
    started_on: date
    since: date
    last_visit_on: date | None = None
    ended_on: date | None = None
    cause: MentoringCause | None = None

    @property
    def settled_until(self) -> date:
        """The last day on which something happened: it is neither ended nor handed over before that."""
        return max(self.since, self.last_visit_on or self.since)


@dataclass(frozen=True, slots=True)
class Week:
    """A mentor's visits of one week against the target of then."""

    monday: date
    visits: int
    businesses: int
    target: int

    @property
    def sunday(self) -> date:
        """The last day of the week."""
        return self.monday + timedelta(days=6)

    @property
    def met(self) -> bool:
        """Whether there were as many visits as wanted."""
        return self.visits >= self.target


def check_day(day: date, earliest: date | None, today: date) -> date:
    """Return ``day``; raise ``MentoringDayError`` unless ``earliest`` <= day <= today."""
    if day > today or (earliest is not None and day < earliest):
        raise MentoringDayError(day, earliest, today)
    return day


def _check_places(kelurahan: Sequence[str]) -> tuple[str, ...]:
    for code in kelurahan:
        check_place(code)
    return tuple(sorted(set(kelurahan)))


def _profile(mentor: Mentor, fact: type[MentorProfile]) -> MentorProfile:
    return fact(
        mentor_id=mentor.id,
        account=mentor.account,
        kelurahan=mentor.kelurahan,
        weekly_target=mentor.weekly_target,
    )


def _check_at_work(mentor: Mentor) -> None:
    if mentor.ended_on is not None:
        raise MentorEndedError(mentor.id, mentor.ended_on)


def register_mentor(command: RegisterMentor) -> tuple[Mentor, Fact]:
    """Return a new mentor, version 1."""
    places = _check_places(command.kelurahan)
    mentor = Mentor(command.mentor_id, 1, command.account, places, command.weekly_target)
    return mentor, _profile(mentor, MentorRegistered)


def change_mentor(mentor: Mentor, command: ChangeMentor) -> tuple[Mentor, Fact | None]:
    """Replace places and target; no fact if all is as it was. Whom the mentor looks after stays."""
    check_version(mentor.version, command.expected_version)
    _check_at_work(mentor)
    after = replace(mentor, kelurahan=_check_places(command.kelurahan), weekly_target=command.weekly_target)
    if after == mentor:
        return mentor, None
    after = replace(after, version=mentor.version + 1)
    return after, _profile(after, MentorChanged)


def end_mentor(
    mentor: Mentor, command: EndMentor, businesses: int, last_visit_on: date | None, today: date
) -> tuple[Mentor, Fact]:
    """End a mentor on a day not before their last visit; ``businesses``: how many they look after still, which refuses it."""
    check_version(mentor.version, command.expected_version)
    _check_at_work(mentor)
    if businesses:
        raise MentorStillNeededError(mentor.id, businesses)
    day = check_day(command.ended_on or today, last_visit_on, today)
    after = replace(mentor, version=mentor.version + 1, ended_on=day)
    return after, MentorEnded(mentor_id=mentor.id, ended_on=day)


def _check_reach(mentor: Mentor, business: Business) -> None:
    _check_at_work(mentor)
    if mentor.kelurahan and business.profile.kelurahan not in mentor.kelurahan:
        raise MentorElsewhereError(business.profile.kelurahan, mentor.kelurahan)


def start(
    business: Business, mentor: Mentor, command: StartMentoring, free_since: date | None, today: date
) -> tuple[Mentoring, Fact]:
    """Give a verified business without a mentor one. ``free_since``: when its last mentoring ended, if it had one."""
    if business.status is not BusinessStatus.TERVERIFIKASI:
        raise NotMentorableError(business.status)
    _check_reach(mentor, business)
    day = check_day(command.started_on or today, free_since, today)
    mentoring = Mentoring(command.mentoring_id, 1, business.id, mentor.id, started_on=day, since=day)
    return mentoring, MentoringStarted(**_named(mentoring), started_on=day)


def _named(mentoring: Mentoring) -> dict[str, Any]:
    return {
        "mentoring_id": mentoring.id,
        "business_id": mentoring.business_id,
        "mentor_id": mentoring.mentor_id,
    }


def _check_open(mentoring: Mentoring, expected_version: int) -> None:
    check_version(mentoring.version, expected_version)
    if mentoring.ended_on is not None:
        raise MentoringEndedError(mentoring.id, mentoring.ended_on)


def check_is_mentor(mentor: Mentor | None, account: str | None) -> None:
    """Raise ``NotTheMentorError`` unless the account is the mentor's; no account: the city's office, which may."""
    if account is not None and (mentor is None or mentor.account != account):
        raise NotTheMentorError


def visit(mentoring: Mentoring, command: RecordVisit, today: date) -> tuple[Mentoring, Fact]:
    """Record that the mentor of now met the owner, not ahead and not before this mentor began."""
    _check_open(mentoring, command.expected_version)
    day = check_day(command.visited_on, mentoring.since, today)
    last = max(day, mentoring.last_visit_on or day)
    after = replace(mentoring, version=mentoring.version + 1, last_visit_on=last)
    return after, MentoringVisited(
        **_named(after), visit_id=command.visit_id, visited_on=day, way=command.way, aspects=command.aspects
    )


def hand_over(
    mentoring: Mentoring, business: Business, mentor: Mentor, command: HandOverMentoring, today: date
) -> tuple[Mentoring, Fact]:
    """Let another mentor go on, from a day that is not before the last visit."""
    _check_open(mentoring, command.expected_version)
    if mentor.id == mentoring.mentor_id:
        raise SameMentorError(mentor.id)
    _check_reach(mentor, business)
    day = check_day(command.handed_over_on or today, mentoring.settled_until, today)
    after = replace(mentoring, version=mentoring.version + 1, mentor_id=mentor.id, since=day, last_visit_on=None)
    return after, MentoringHandedOver(**_named(after), previous_mentor_id=mentoring.mentor_id, handed_over_on=day)


def end(mentoring: Mentoring, command: EndMentoring, today: date) -> tuple[Mentoring, Fact]:
    """End a mentoring on a day that is not before the last visit."""
    _check_open(mentoring, command.expected_version)
    day = check_day(command.ended_on or today, mentoring.settled_until, today)
    return _ended(mentoring, command.cause, day)


def end_with_business(mentoring: Mentoring, cause: MentoringCause, day: date) -> tuple[Mentoring, Fact]:
    """End a mentoring because its business is gone; what was recorded after that ``day`` moves the end to it."""
    return _ended(mentoring, cause, max(day, mentoring.settled_until))


def _ended(mentoring: Mentoring, cause: MentoringCause, day: date) -> tuple[Mentoring, Fact]:
    after = replace(mentoring, version=mentoring.version + 1, ended_on=day, cause=cause)
    return after, MentoringEnded(**_named(after), cause=cause, ended_on=day)


def weeks(
    visits: dict[date, tuple[int, int]], targets: Sequence[tuple[date, int]], last: date, count: int
) -> list[Week]:
    """Return ``count`` weeks, newest first, of which the newest has the day ``last``.

    ``visits``: Monday → (visits, different businesses); a week without is one of 0. ``targets``: (day, target), ascending,
    at least one. A week is measured by the target that stands on its Sunday; weeks before the first by the first.
    """
    newest = monday_of(last)
    days = [day for day, _ in targets]
    found = []
    for back in range(count):
        monday = newest - timedelta(weeks=back)
        standing = bisect_right(days, monday + timedelta(days=6)) - 1
        made, businesses = visits.get(monday, (0, 0))
        found.append(Week(monday, made, businesses, targets[max(standing, 0)][1]))
    return found
