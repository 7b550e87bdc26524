"""Quiet hours in WITA, retries, rates: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.timing import Rate, RetrySchedule, parse_quiet_hours
from shared.wita import WITA


def wita(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=WITA)


@pytest.mark.parametrize(
    ("hours", "moment", "quiet", "over_at"),
    [
        ("21:00-07:00", "25 20:59:59", False, "25 20:59:59"),
        ("21:00-07:00", "25 21:00", True, "26 07:00"),
        ("21:00-07:00", "25 23:59:59", True, "26 07:00"),
        ("21:00-07:00", "26 00:00", True, "26 07:00"),
        ("21:00-07:00", "26 00:30", True, "26 07:00"),
        ("21:00-07:00", "26 06:59:59", True, "26 07:00"),
        ("21:00-07:00", "26 07:00", False, "26 07:00"),
        ("12:00-13:30", "25 11:59", False, "25 11:59"),
        ("12:00-13:30", "25 12:00", True, "25 13:30"),
        ("12:00-13:30", "25 13:29:59", True, "25 13:30"),
        ("12:00-13:30", "25 13:30", False, "25 13:30"),
        ("00:00-06:00", "25 00:00", True, "25 06:00"),
        ("22:00-00:00", "25 23:00", True, "26 00:00"),
        ("22:00-00:00", "26 00:00", False, "26 00:00"),
    ],
)
def test_quiet_hours_hold_from_start_to_end_also_over_midnight(
    hours: str, moment: str, quiet: bool, over_at: str
) -> None:
    found = parse_quiet_hours(hours)
    assert found is not None
    assert found.holds(wita(moment)) is quiet
    assert found.over_at(wita(moment)) == wita(over_at)


def test_quiet_hours_are_of_balikpapan_whatever_the_zone_of_the_instant() -> None:
    quiet = parse_quiet_hours("21:00-07:00")
    assert quiet is not None
    assert quiet.holds(datetime(2026, 11, 25, 13, 0, tzinfo=UTC))  # 21:00 WITA
    assert not quiet.holds(datetime(2026, 11, 25, 23, 0, tzinfo=UTC))  # 07:00 WITA


def test_no_quiet_hours_is_an_empty_setting() -> None:
    assert parse_quiet_hours("  ") is None


@pytest.mark.parametrize("text", ["21-7", "24:00-07:00", "21:00-07:60", "21:00", "malam", "07:00-07:00", "9:00-10:00"])
def test_quiet_hours_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quiet hours"):
        parse_quiet_hours(text)


@given(st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_after_the_quiet_hours_it_is_not_quiet(moment: datetime) -> None:
    quiet = parse_quiet_hours("21:00-07:00")
    assert quiet is not None
    over = quiet.over_at(moment)
    assert not quiet.holds(over)
    assert moment <= over <= moment + timedelta(hours=10)


def test_waits_double_up_to_the_cap_and_then_it_gives_up() -> None:
    schedule = RetrySchedule(base=timedelta(minutes=1), cap=timedelta(minutes=10), attempts=7)
    waits = [schedule.delay(attempt, 1.0) for attempt in range(1, 8)]
    assert waits == [*(timedelta(minutes=m) for m in (1, 2, 4, 8, 10, 10)), None]


@given(st.integers(1, 200), st.floats(0, 1))
def test_jitter_is_full_and_never_below_a_second(attempt: int, chance: float) -> None:
    schedule = RetrySchedule(attempts=1_000)
    delay = schedule.delay(attempt, chance)
    assert delay is not None
    assert timedelta(seconds=1) <= delay <= schedule.cap


def test_a_bucket_fills_with_time_up_to_its_burst() -> None:
    rate = Rate(per_minute=60)
    assert rate.burst == 10
    assert rate.refilled(0, timedelta(seconds=3)) == 3
    assert rate.refilled(9, timedelta(hours=1)) == 10
    assert rate.refilled(5, timedelta(seconds=-30)) == 5
    assert Rate(per_minute=1).burst == 1
