"""What another server asks for by ``Retry-After``, when that server means harm: anything that cannot be read asks for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.retry_after import LONGEST_PAUSE, pause_of

NOW = datetime(2026, 11, 25, 4, tzinfo=UTC)
HUGE = "9" * 20
NUMBERS = st.one_of(st.integers(0, 99).map(str), st.sampled_from([HUGE, "-" + HUGE, "99999", "0" * 400]))
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "", "Wed"]),
    NUMBERS,
    st.sampled_from(["Jan", "Dec", "Foo"]),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.one_of(st.sampled_from(["GMT", "", "+", "-0000"]), NUMBERS.map("+{}".format), NUMBERS.map("-{}".format)),
)


@pytest.mark.security(line="S19", item="API10")
@pytest.mark.security(line="S20")
@given(text=st.one_of(DATES, st.text(), st.integers().map(str)))
@example(text=f"Mon, 01 Jan 2026 00:00:00 +{HUGE}")
@example(text=f"Mon, 01 Jan 2026 00:00:00 -{HUGE}")
@example(text=f"Mon, 01 Jan 2026 {HUGE}:00:00 GMT")
@example(text=f"Mon, {HUGE} Jan 2026 00:00:00 GMT")
@example(text=f"Mon, 01 Jan {HUGE} 00:00:00 GMT")
@example(text="Mon, 01 Jan 0001 00:00:00 +2359")
@example(text="Fri, 31 Dec 9999 23:59:59 -2359")
def test_whatever_a_server_asks_for_is_a_pause_of_a_day_at_most_or_none(text: str) -> None:
    pause = pause_of(text, NOW)
    assert pause is None or timedelta() <= pause <= LONGEST_PAUSE


@given(seconds=st.integers(0, 86_400), hours=st.integers(-12, 14))
def test_a_date_is_read_whatever_its_zone(seconds: int, hours: int) -> None:
    moment = (NOW + timedelta(seconds=seconds)).replace(tzinfo=UTC)
    shown = format_datetime(moment + timedelta(hours=hours)).replace("+0000", f"{hours:+03d}00")
    assert pause_of(shown, NOW) == timedelta(seconds=seconds)
