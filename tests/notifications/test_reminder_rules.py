"""When a reminder is due, what facts say of who comes, and what a topic stops: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from random import Random
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.commands import Topic
from services.notifications.domain.attending import Kind, fold_attending
from services.notifications.domain.notices import REMINDER_TEMPLATES, TEMPLATES
from services.notifications.domain.reminding import ReminderRule, reminder_id
from services.notifications.domain.topics import STOPPABLE, stoppable_topic, templates_of, topic_of
from shared.contracts.exhibitions import ApplicationConfirmed, ApplicationTookPart
from shared.contracts.training import AttendanceRecorded
from shared.envelope import Event
from tests.notifications.gatherings import FRIDAY, Training, application, moved, placed
from tests.notifications.story import Registry, Story

ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Asia/Singapore", "Europe/Amsterdam", "America/New_York")


@pytest.mark.parametrize(
    ("starts_at", "zone", "due"),
    [
        ("2026-11-27T01:00+00:00", "Asia/Makassar", "2026-11-26T09:00+08:00"),
        ("2026-11-26T16:30+00:00", "Asia/Makassar", "2026-11-26T09:00+08:00"),  # 00:30 WITA belongs to that day
        ("2026-11-26T16:30+00:00", "Asia/Jakarta", "2026-11-25T09:00+07:00"),  # still the evening before in Jakarta
        ("2026-11-27T01:00+00:00", "Asia/Jakarta", "2026-11-26T09:00+07:00"),
    ],
)
def test_it_is_due_the_day_before_at_nine_where_it_is_held(starts_at: str, zone: str, due: str) -> None:
    assert ReminderRule().due_at(datetime.fromisoformat(starts_at), zone) == datetime.fromisoformat(due)


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from(ZONES),
    st.integers(1, 14),
    st.times(),
)
def test_it_is_due_so_many_days_before_by_the_clock_there_and_inside_the_horizon(
    starts_at: datetime, zone: str, days: int, at: time
) -> None:
    rule = ReminderRule(days, at.replace(second=0, microsecond=0))
    due = rule.due_at(starts_at, zone)
    local = due.astimezone(ZoneInfo(zone))
    assert (starts_at.astimezone(ZoneInfo(zone)).date() - due.date()).days == days
    assert due < starts_at
    assert starts_at - due < rule.horizon
    assert rule.is_due(starts_at, zone, due)
    assert not rule.is_due(starts_at, zone, due - timedelta(seconds=1))
    assert not rule.is_due(starts_at, zone, starts_at)
    assert (local.hour, local.minute) == (rule.at.hour, rule.at.minute) or zone.startswith(("Europe", "America"))


@given(st.integers(1, 14))
def test_a_deadline_is_reminded_of_on_the_day_before_and_all_else_by_the_rule(days: int) -> None:
    rule = ReminderRule(days, time(7))
    assert rule.of("application_unconfirmed") == ReminderRule(1, time(7))
    assert all(rule.of(template) is rule for template in REMINDER_TEMPLATES - {"application_unconfirmed"})


def test_another_time_is_another_reminder_and_the_same_one_is_not() -> None:
    enrolment = UUID("0190f0c0-a000-7000-8000-00000000abcd")
    assert reminder_id(enrolment, "session_reminder", 1, 2) == UUID("0a9fec16-21e7-510b-b424-246e7525776a")
    others = {reminder_id(enrolment, t, n, v) for t in sorted(REMINDER_TEMPLATES) for n in (1, 2) for v in (2, 3)}
    assert len(others) == 16


def _cut(events: Sequence[Event], seed: int) -> list[Event]:
    """Return the events in another order that keeps the order of each aggregate."""
    random, lanes = Random(seed), {}
    for event in events:
        lanes.setdefault(event.fact.aggregate_id, []).append(event)
    mixed: list[Event] = []
    while lanes:
        key = random.choice(sorted(lanes))
        mixed.append(lanes[key].pop(0))
        if not lanes[key]:
            del lanes[key]
    return mixed


@given(st.integers(0, 10_000))
def test_the_order_between_courses_enrolments_and_applications_does_not_matter(seed: int) -> None:
    story = Story(Registry())
    training = Training(story, (FRIDAY, FRIDAY + timedelta(days=7)))
    seats = [training.accepted(uuid4()) for _ in range(3)]
    applied = application(uuid4())
    events = [
        *training.opened(),
        *seats,
        training.moved(FRIDAY + timedelta(days=1)),
        training.withdrawn(seats[0]),
        placed(story, applied, FRIDAY),
        moved(story, applied, FRIDAY + timedelta(days=2), wave=2),
    ]
    assert fold_attending(_cut(events, seed)) == fold_attending(events)


def test_who_comes_is_told_by_seats_and_places_and_attendance_says_nothing(story: Story) -> None:
    training, applied = Training(story), application(uuid4())
    seat = training.accepted(uuid4())
    ids = {
        name: getattr(seat.fact, name) for name in ("enrolment_id", "batch_id", "course_id", "owner_id", "business_id")
    }
    there = AttendanceRecorded(**ids, session=1, present=True)
    core = {name: applied[name] for name in ("application_id", "exhibition_id", "owner_id", "business_id")}
    folded = fold_attending(
        [seat, story.event(there), placed(story, applied, FRIDAY), story.event(ApplicationConfirmed(**core))]
    )
    [enrolled, exhibiting] = folded.participations.values()
    assert (enrolled.kind, enrolled.attending, enrolled.said, enrolled.version) == (Kind.ENROLMENT, True, 1, 2)
    assert (exhibiting.kind, exhibiting.attending, exhibiting.said, exhibiting.version) == (
        Kind.APPLICATION,
        True,
        1,
        2,
    )
    assert exhibiting.details is not None
    assert (exhibiting.details["zone"], exhibiting.details["wave"]) == ("Asia/Jakarta", 1)
    [over] = fold_attending([story.event(ApplicationTookPart(**core))]).participations.values()
    assert (over.attending, over.since) == (False, None)


def test_topics_stop_reminders_and_never_what_was_decided() -> None:
    assert STOPPABLE <= TEMPLATES
    assert {template for template in TEMPLATES if stoppable_topic(template)} == STOPPABLE
    assert stoppable_topic("application_placed") is None
    assert topic_of("application_placed") is Topic.PAMERAN
    assert topic_of("business_verified") is None
    assert "session_moved" in templates_of(Topic.PELATIHAN)
    assert all(topic_of(template) is not None for template in STOPPABLE)
