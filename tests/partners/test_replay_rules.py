"""Rules of replays: ranges that are none, how far one goes, how fast all are together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.domain.refusals import ReplayRangeError, ReplayRateError
from services.partners.domain.replays import (
    Budget,
    Rates,
    Span,
    Wanted,
    check_wanted,
    leg_of,
    progress,
    rate_of,
    slice_of,
)

NOW = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
RATES = Rates(50, 200)

WRONG = [
    (Wanted(None, None, None, ()), "awal"),
    (Wanted(NOW, "k1.x", None, ("business",)), "awal"),
    (Wanted(None, "k1.x", None, ()), "aliran_kursor"),
    (Wanted(None, "k1.x", None, ("business", "owner")), "aliran_kursor"),
    (Wanted(NOW, None, None, ("business", "business")), "aliran_ganda"),
    (Wanted(NOW, None, NOW, ()), "waktu"),
    (Wanted(NOW, None, NOW - timedelta(seconds=1), ()), "waktu"),
]


@pytest.mark.parametrize(("wanted", "why"), WRONG)
def test_what_is_no_range_is_refused_with_the_reason(wanted: Wanted, why: str) -> None:
    with pytest.raises(ReplayRangeError) as refusal:
        check_wanted(wanted)
    assert refusal.value.values == {"why": why}


def test_a_time_or_a_cursor_of_one_stream_is_a_range() -> None:
    check_wanted(Wanted(NOW, None, None, ()))
    check_wanted(Wanted(NOW, None, NOW + timedelta(days=1), ("business", "owner")))
    check_wanted(Wanted(None, "k1.x", NOW, ("business",)))


def test_a_rate_is_the_usual_one_or_what_is_asked_for_up_to_the_most() -> None:
    assert [rate_of(asked, RATES) for asked in (None, 1, 200)] == [50, 1, 200]
    assert rate_of(None, Rates(50, 20)) == 20
    for asked in (0, -1, 201):
        with pytest.raises(ReplayRateError):
            rate_of(asked, RATES)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    last = draw(st.integers(0, 50))
    first = draw(st.integers(1, last + 1))
    position = st.integers(0, last)
    return Span("business", first, last, draw(position), draw(position), draw(position))


@given(spans(), st.none() | st.integers(0, 50))
def test_a_replay_stays_in_what_is_kept_and_was_delivered_and_asked_for(span: Span, cursor: int | None) -> None:
    leg = leg_of(span, cursor)
    assert leg.after >= span.first - 1
    assert leg.after >= (span.before_since if cursor is None else cursor)
    inside = range(leg.after + 1, leg.upto + 1)
    assert all(span.first <= position <= min(span.live, span.before_until) for position in inside)
    wanted = range(max(span.first, (span.before_since if cursor is None else cursor) + 1), span.last + 1)
    left_out = [position for position in wanted if position not in inside]
    assert all(position > min(span.live, span.before_until) for position in left_out)


@given(st.integers(1, 500), st.lists(st.integers(1, 500), min_size=1, max_size=40))
def test_all_replays_together_are_no_faster_than_the_budget_and_none_waits_for_ever(
    most: int, rates: list[int]
) -> None:
    budget, ids = Budget(most), [uuid4() for _ in rates]
    for replay_id in ids:
        budget.join(replay_id)
        budget.join(replay_id)
    paces = [budget.pace(rate) for rate in rates]
    assert sum(paces) <= most + 1e-6
    assert all(min(rate, most / len(rates)) == pace > 0 for rate, pace in zip(rates, paces, strict=True))
    for replay_id in ids[1:]:
        budget.leave(replay_id)
    assert budget.pace(rates[0]) == min(rates[0], most)


@given(st.floats(0.01, 10_000))
def test_a_slice_holds_something_and_no_more_than_a_quarter_of_a_seconds_events(pace: float) -> None:
    assert 1 <= slice_of(pace) <= max(1.0, pace / 4)


def test_progress_sums_the_streams() -> None:
    assert progress([(0, 5, 10), (10, 10, 10), (3, 4, 5)]) == (6, 12)
    assert progress([]) == (0, 0)
