"""The plan of the story: days that are over, and sizes that fit together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.story import Check, Plan, Told
from ops.story.plan import WHOLE_CITY, past_days, story_year
from ops.story.scene import Notes
from shared.wita import WITA

MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.integers(1, 12))
def test_past_days_are_of_the_year_that_is_told_and_over(now: datetime, count: int) -> None:
    days = past_days(now, count)
    assert len(days) == count
    assert days == sorted(days)
    assert {day.year for day in days} == {story_year(now)}
    assert days[-1] <= now.astimezone(WITA).date() - timedelta(days=7)


@pytest.mark.parametrize("plan", [Plan(), Plan.small()])
def test_a_plan_has_people_for_everything(plan: Plan) -> None:
    assert plan.placed < plan.applicants <= plan.members // 2
    assert plan.bazaar_withdrawals <= plan.applicants - plan.placed
    assert plan.withdrawals + plan.declined <= plan.office_waiting
    assert plan.office_quota + plan.office_waiting <= plan.members
    # Nobody is in two batches of partners: the rule "once a year" would refuse them.
    assert (plan.partner_batches + 1) * (plan.partner_quota + plan.partner_waiting) <= plan.members
    assert plan.no_shows + plan.never_reported + plan.half_reported < plan.placed
    assert plan.fair_places + 1 < plan.fair_applicants < plan.members
    assert max(plan.rises, plan.jobs) <= plan.members
    assert plan.stalls < plan.outlet_members <= plan.members  # somebody is left to have a turn that is given up


def test_a_whole_city_plays_the_year_of_the_mission() -> None:
    plan = Plan.for_city(WHOLE_CITY)
    assert (plan.booths, plan.placed, plan.rises) == (20, 250, 300)
    assert Plan.for_city(WHOLE_CITY - 1) == Plan.small()


def test_one_difference_is_enough_to_fail() -> None:
    checks = (Check("kuota", 50, 50), Check("melebihi", 0, 1))
    told = Told("x", "X", 1.0, checks)
    assert not told.ok
    assert [item["ok"] for item in told.as_dict()["checks"]] == [True, False]
    assert Told("x", "X", 1.0, checks[:1]).ok


async def test_what_should_be_refused_and_is_not_is_a_difference() -> None:
    async def done() -> None:
        """Refuse nothing."""

    notes = Notes()
    await notes.refused("melebihi kuota", "penuh", done())
    assert [check.ok for check in notes.checks] == [False]
