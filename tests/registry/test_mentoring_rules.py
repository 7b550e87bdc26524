"""The rules of mentoring alone: days that fit together in any order of deeds, and weeks that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.commands import Profile, RegisterBusiness
from services.registry.commands.mentoring import (
    ChangeMentor,
    EndMentor,
    EndMentoring,
    HandOverMentoring,
    RecordVisit,
    StartMentoring,
)
from services.registry.domain import businesses
from services.registry.domain import mentoring as rules
from services.registry.domain.mentoring import Mentor, Mentoring
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
from shared.contracts.mentoring import MentoringCause, MentoringEnded, VisitWay
from shared.contracts.registry import BusinessStatus
from shared.refusals import StaleVersionError
from shared.wita import monday_of

S = BusinessStatus
TODAY = date(2026, 11, 26)
START = TODAY - timedelta(days=100)
MANGGAR, PRAPATAN = "64.71.01.1001", "64.71.06.1001"
ANI, BUDI = (Mentor(UUID(int=n), 1, account, (), 2) for n, account in ((11, "ani"), (12, "budi")))
PROFILE = Profile((UUID(int=3),), "Warung Siti", None, None, MANGGAR, "kuliner", None, None, None, None)
DRAFT = businesses.register(RegisterBusiness(UUID(int=1), PROFILE, None, None), "petugas-a", TODAY).after
VERIFIED = replace(DRAFT, status=S.TERVERIFIKASI)
DAYS = st.dates(START - timedelta(days=3), TODAY + timedelta(days=3))


def begun(day: date = START, business: Business = VERIFIED, mentor: Mentor = ANI) -> Mentoring:
    """Return a mentoring that began on a day."""
    return rules.start(business, mentor, StartMentoring(UUID(int=9), business.id, mentor.id, day), None, TODAY)[0]


def visit(mentoring: Mentoring, day: date) -> Mentoring:
    """Return the mentoring after a visit on a day."""
    command = RecordVisit(mentoring.id, mentoring.version, uuid4(), day, VisitWay.DARING, (), None)
    return rules.visit(mentoring, command, TODAY)[0]


def hand_over(mentoring: Mentoring, day: date | None, mentor: Mentor = BUDI) -> Mentoring:
    """Return the mentoring after a hand-over on a day."""
    command = HandOverMentoring(mentoring.id, mentoring.version, mentor.id, day)
    return rules.hand_over(mentoring, VERIFIED, mentor, command, TODAY)[0]


def end(mentoring: Mentoring, day: date | None) -> Mentoring:
    """Return the mentoring after its end on a day."""
    command = EndMentoring(mentoring.id, mentoring.version, MentoringCause.SELESAI, day)
    return rules.end(mentoring, command, TODAY)[0]


@pytest.mark.parametrize("status", [status for status in S if status is not S.TERVERIFIKASI])
def test_only_a_verified_business_gets_a_mentor(status: BusinessStatus) -> None:
    with pytest.raises(NotMentorableError) as caught:
        begun(business=replace(VERIFIED, status=status))
    assert status in str(caught.value)


def test_a_mentor_works_where_they_are_said_to_and_not_after_their_end() -> None:
    assert begun(mentor=replace(ANI, kelurahan=(MANGGAR,))).mentor_id == ANI.id
    with pytest.raises(MentorElsewhereError):
        begun(mentor=replace(ANI, kelurahan=(PRAPATAN,)))
    with pytest.raises(MentorEndedError):
        begun(mentor=replace(ANI, ended_on=TODAY))
    with pytest.raises(MentorElsewhereError):
        hand_over(begun(), None, replace(BUDI, kelurahan=(PRAPATAN,)))
    with pytest.raises(SameMentorError):
        hand_over(begun(), None, ANI)


def test_a_second_mentoring_begins_when_the_first_ended_at_the_earliest() -> None:
    command = StartMentoring(UUID(int=9), VERIFIED.id, ANI.id, START)
    with pytest.raises(MentoringDayError) as caught:
        rules.start(VERIFIED, ANI, command, START + timedelta(days=1), TODAY)
    assert caught.value.values["earliest"] == (START + timedelta(days=1)).isoformat()
    assert rules.start(VERIFIED, ANI, command, START, TODAY)[0].started_on == START


@given(deeds=st.lists(st.tuples(st.sampled_from(["visit", "hand over", "end"]), DAYS), max_size=12))
def test_days_of_a_mentoring_never_go_back_or_ahead_in_any_order_of_deeds(deeds: list[tuple[str, date]]) -> None:
    mentoring, mentors, seen = begun(), [ANI, BUDI], 1
    stretches: list[tuple[UUID, date, list[date]]] = [(ANI.id, START, [])]
    for deed, day in deeds:
        try:
            if deed == "visit":
                mentoring = visit(mentoring, day)
                stretches[-1][2].append(day)
            elif deed == "hand over":
                mentors.reverse()
                mentoring = hand_over(mentoring, day, mentors[0])
                stretches.append((mentors[0].id, day, []))
            else:
                mentoring = end(mentoring, day)
        except (MentoringDayError, MentoringEndedError):
            if deed == "hand over":
                mentors.reverse()
            continue
        seen += 1
    assert mentoring.version == seen
    assert mentoring.mentor_id == stretches[-1][0]
    ends = [begin for _, begin, _ in stretches[1:]] + [mentoring.ended_on or TODAY]
    for (_, begin, visits), until in zip(stretches, ends, strict=True):
        assert START <= begin <= until <= TODAY
        assert all(begin <= day <= until for day in visits)


@given(day=DAYS, visited=st.none() | st.dates(START, TODAY), gone=st.dates(date(2020, 1, 1), TODAY))
def test_the_end_with_the_business_is_never_refused_and_never_before_a_visit(
    day: date, visited: date | None, gone: date
) -> None:
    mentoring = begun() if visited is None else visit(begun(), visited)
    after, fact = rules.end_with_business(mentoring, MentoringCause.USAHA_TUTUP, gone)
    assert after.ended_on == max(gone, visited or START)
    assert isinstance(fact, MentoringEnded)
    assert (fact.cause, fact.ended_on) == (MentoringCause.USAHA_TUTUP, after.ended_on)


def test_every_status_that_a_business_does_not_come_back_from_ends_its_mentoring() -> None:
    gone = set(S) - businesses.KNOWN
    assert set(rules.CAUSE_OF_STATUS) == gone


def test_a_stale_version_is_refused_and_what_has_ended_stays_so() -> None:
    mentoring = begun()
    with pytest.raises(StaleVersionError):
        rules.end(mentoring, EndMentoring(mentoring.id, 2, MentoringCause.SELESAI, None), TODAY)
    over = end(mentoring, TODAY)
    for deed in (visit, hand_over, end):
        with pytest.raises(MentoringEndedError):
            deed(over, TODAY)


@pytest.mark.parametrize(("account", "allowed"), [("ani", True), ("budi", False), (None, True)])
def test_the_mentor_and_the_office_act_and_nobody_else(account: str | None, allowed: bool) -> None:
    if allowed:
        rules.check_is_mentor(ANI, account)
        return
    with pytest.raises(NotTheMentorError):
        rules.check_is_mentor(ANI, account)


def test_a_mentor_ends_when_no_business_is_left() -> None:
    with pytest.raises(MentorStillNeededError) as caught:
        rules.end_mentor(ANI, EndMentor(ANI.id, 1, None), 3, None, TODAY)
    assert caught.value.values == {"businesses": 3}
    with pytest.raises(MentoringDayError):
        rules.end_mentor(ANI, EndMentor(ANI.id, 1, START), 0, TODAY, TODAY)
    over, _ = rules.end_mentor(ANI, EndMentor(ANI.id, 1, None), 0, TODAY, TODAY)
    assert (over.ended_on, over.version) == (TODAY, 2)
    with pytest.raises(MentorEndedError):
        rules.change_mentor(over, ChangeMentor(ANI.id, 2, (), 5))


def test_a_mentor_as_they_were_is_no_change() -> None:
    assert rules.change_mentor(ANI, ChangeMentor(ANI.id, 1, (), 2)) == (ANI, None)


@given(day=st.dates(date(1950, 1, 1), date(2100, 1, 1)))
def test_a_week_begins_on_the_monday_before(day: date) -> None:
    monday = monday_of(day)
    assert monday.weekday() == 0
    assert monday <= day <= monday + timedelta(days=6)


@given(
    visits=st.lists(st.dates(START, TODAY), max_size=40),
    targets=st.lists(st.tuples(st.dates(START, TODAY), st.integers(0, 9)), min_size=1, max_size=4, unique_by=lambda t: t[0]),
    count=st.integers(1, 20),
)  # fmt: skip
def test_weeks_add_up_to_the_visits_and_are_measured_by_the_target_of_their_sunday(
    visits: list[date], targets: list[tuple[date, int]], count: int
) -> None:
    made: dict[date, tuple[int, int]] = {}
    for day in visits:
        before = made.get(monday_of(day), (0, 0))
        made[monday_of(day)] = (before[0] + 1, 1)
    standing = sorted(targets)
    weeks = rules.weeks(made, standing, TODAY, count)
    assert [week.monday for week in weeks] == [monday_of(TODAY) - timedelta(weeks=n) for n in range(count)]
    assert sum(week.visits for week in weeks) == sum(day >= weeks[-1].monday for day in visits)
    for week in weeks:
        until_then = [target for since, target in standing if since <= week.sunday] or [standing[0][1]]
        assert (week.target, week.met) == (until_then[-1], week.visits >= until_then[-1])
