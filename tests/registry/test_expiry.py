"""When something that runs out is told: by property, over every order of passes, and at 00:30 WITA."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.domain.expiry import SPANS, RanOut, RunsOutSoon, Span, due_on, notice, pass_day, years_after

END = date(2026, 11, 30)


def passes(days: list[date]) -> list[tuple[date, RunsOutSoon | RanOut]]:
    """Return what passes on these days tell of something whose last day is END, until its end was told."""
    told: Span | None = None
    said: list[tuple[date, RunsOutSoon | RanOut]] = []
    for day in days:
        found = notice(END, told, day)
        due = due_on(END, told)
        assert due is not None
        assert (due <= day) == (found is not None)
        if found is None:
            continue
        said.append((day, found))
        if isinstance(found, RanOut):
            break
        told = found.span
    return said


def test_with_a_pass_each_day_each_span_is_told_on_its_day_and_the_end_on_the_day_after() -> None:
    said = passes([END + timedelta(days=n) for n in range(-200, 50)])
    assert said == [
        *((END - timedelta(days=span), RunsOutSoon(span, span)) for span in SPANS),
        (END + timedelta(days=1), RanOut()),
    ]


@given(st.lists(st.integers(-200, 60), unique=True).map(sorted))
def test_whenever_passes_come_nothing_is_told_twice_and_what_is_told_is_true(offsets: list[int]) -> None:
    said = passes([END + timedelta(days=n) for n in offsets])
    spans = [found.span for _, found in said if isinstance(found, RunsOutSoon)]
    assert spans == sorted(set(spans), reverse=True)
    for day, found in said:
        left = (END - day).days
        if isinstance(found, RanOut):
            assert left < 0
        else:
            assert 0 <= left == found.days_left <= found.span
            assert not [span for span in SPANS if left <= span < found.span], "a shorter span had been entered"
    over = [found for _, found in said if isinstance(found, RanOut)]
    assert len(over) == int(any(offset > 0 for offset in offsets))


@pytest.mark.parametrize(("left", "span"), [(91, None), (90, 90), (31, 90), (30, 30), (8, 30), (7, 7), (0, 7)])
def test_what_is_first_seen_inside_a_span_gets_the_nearest_one_only(left: int, span: Span | None) -> None:
    found = notice(END, None, END - timedelta(days=left))
    assert found == (None if span is None else RunsOutSoon(span, left))


def test_what_does_not_run_out_is_never_due() -> None:
    assert due_on(None, None) is None
    assert notice(None, None, END) is None


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        ("2026-11-30T00:00:00+08:00", "2026-11-29"),
        ("2026-11-30T00:29:59.999999+08:00", "2026-11-29"),
        ("2026-11-30T00:30:00+08:00", "2026-11-30"),
        ("2026-11-29T16:30:00+00:00", "2026-11-30"),
        ("2026-11-30T23:59:59+08:00", "2026-11-30"),
    ],
)
def test_half_past_midnight_in_wita_belongs_to_that_day(clock: str, day: str) -> None:
    assert pass_day(datetime.fromisoformat(clock)).isoformat() == day


@given(st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 (zones come below)
def test_the_day_of_a_pass_does_not_depend_on_the_zone_of_the_clock(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=UTC)
    assert pass_day(aware) == pass_day(aware.astimezone(timezone(timedelta(minutes=minutes))))


def test_ten_years_after_a_leap_day_is_the_28th_where_there_is_none() -> None:
    assert years_after(date(2024, 2, 29), 10) == date(2034, 2, 28)
    assert years_after(date(2024, 2, 29), 4) == date(2028, 2, 29)
