"""The simulation of docs/scale.md: it gives what was measured, within what it says, and the page is what it prints."""

from __future__ import annotations

import json

import pytest

from bench.scale.costs import CONSUMER, POINTS, SIZE, Cost, Point
from bench.scale.planning import Scale, group_for, simulated
from bench.scale.queueing import APART, ONE_MACHINE, Simulation, backlog_rate
from bench.scale.tables import DOCUMENT, written
from tests.house.tree import ROOT

TOLERANCE = 0.20
"""As the document says: costs were sampled on one run, rates are medians of others, and nothing but processor time is modelled."""


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_measured_point_is_simulated_within_the_stated_tolerance(point: Point) -> None:
    assert simulated(point) == pytest.approx(point.measured, rel=TOLERANCE)


def test_a_second_process_brings_what_it_brought_when_it_was_measured() -> None:
    one, two = (point for point in POINTS if point.cost == CONSUMER)
    assert simulated(two) / simulated(one) == pytest.approx(two.measured / one.measured, rel=TOLERANCE)
    assert two.measured / one.measured < 1.7  # two cores are full: it must not scale as if they were not


def test_points_of_the_history_are_those_that_were_measured() -> None:
    [run] = [
        json.loads(line)
        for line in (ROOT / "bench" / "history.jsonl").read_text(encoding="utf-8").splitlines()
        if line.startswith('{"at": "2026-11-25T10:55')
    ]
    medians = {result["name"].partition(" ÷")[0]: result["median"] for result in run["results"]}
    named = {"relay": "relay", "consumer layer": "consumer layer", "projections": "projections through the layer"}
    for point in POINTS[:3]:
        assert point.measured == pytest.approx(medians[named[point.name]], rel=1e-3)


def test_the_same_seed_gives_the_same_and_another_one_nearly_the_same() -> None:
    assert backlog_rate(CONSUMER, 2, 2, 1) == backlog_rate(CONSUMER, 2, 2, 1)
    assert backlog_rate(CONSUMER, 2, 2, 1) != backlog_rate(CONSUMER, 2, 2, 2)
    assert backlog_rate(CONSUMER, 2, 2, 1) == pytest.approx(backlog_rate(CONSUMER, 2, 2, 2), rel=0.05)


def test_without_contention_a_process_is_as_fast_as_its_work_and_cores_bound_all() -> None:
    cost = Cost(20.0, 30.0, 0.0)
    assert backlog_rate(cost, 1, 8, 3) == pytest.approx(1e6 / 50, rel=0.03)
    assert backlog_rate(cost, 4, 8, 3) == pytest.approx(4e6 / 50, rel=0.06)
    assert backlog_rate(cost, 8, 2, 3) == pytest.approx(2e6 / 50, rel=0.06)


@pytest.mark.parametrize("pools", [ONE_MACHINE, APART], ids=["one machine", "apart"])
def test_every_fact_is_stored_once_and_none_before_it_came(pools: dict[object, str]) -> None:
    cores = {"machine": 2.0, "process": 2.0, "database": 1.0, "broker": 1.0}
    arrivals = [(number * 0.01, 700) for number in range(50)]
    outcome = Simulation(CONSUMER, 2, cores, pools, 5).run(arrivals)
    assert outcome.facts == sum(count for _, count in outcome.lags) == 50 * 700
    assert outcome.lags[0][0] > 0
    assert outcome.lag(0.5) <= outcome.lag(0.99) <= outcome.seconds


def test_what_is_more_needs_no_fewer_processes_and_what_no_group_can_do_is_said() -> None:
    few, many = (group_for(CONSUMER, rate).processes for rate in (1_000.0, 60_000.0))
    assert few < many
    with pytest.raises(ValueError, match="more than 64 processes"):
        group_for(Cost(50_000.0, 1.0, 1.0), 2_000.0)
    assert Scale("city", 95_000, 1_000_000).peak > Scale("city", 95_000, 1_000_000).busy


def test_the_page_is_what_the_command_prints() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == written(text, SIZE), "run python -m bench.scale --write and commit docs/scale.md"
