"""What a process holds: figures that only grow, looks that fail alone, and never more series than were meant."""

from __future__ import annotations

import asyncio

import pytest

from shared.metrics import Kind, Metric, Metrics, holding
from shared.metrics.catalogue import CATALOGUE, COMMIT_ERRORS, OUTBOX_AGE, OUTBOX_DEPTH, REQUESTS
from shared.metrics.holding import MAX_SERIES, Figure
from shared.metrics.looking import process_metrics
from tests.metrics.reading import read


def test_every_metric_has_a_prefix_of_ours_or_is_the_fields_own() -> None:
    assert {name for name in CATALOGUE if not name.startswith("naikkelas_")} == {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        ("naikkelas_sent", Kind.COUNTER, ()),
        ("naikkelas_total", Kind.GAUGE, ()),
        ("naikkelas_size", Kind.HISTOGRAM, ()),
        ("naikkelas_size", Kind.HISTOGRAM, (2, 1)),
        ("naikkelas_size", Kind.GAUGE, (1,)),
        ("Naik-kelas", Kind.GAUGE, ()),
    ],
)
def test_a_metric_against_the_conventions_cannot_be_declared(wrong: tuple[str, Kind, tuple[float, ...]]) -> None:
    name, kind, buckets = wrong
    with pytest.raises(ValueError, match=name):
        Metric(name, kind, "…", (), buckets)


async def test_a_counter_grows_by_what_is_added_for_its_labels_alone() -> None:
    metrics = Metrics()
    metrics.add(REQUESTS, 2, "GET", "/owners/{owner_id}", "200")
    metrics.add(REQUESTS, 1, "GET", "/owners/{owner_id}", "404")
    metrics.add_each(REQUESTS, {"200": 3, "503": 0}.items(), "GET", "/owners/{owner_id}")
    found = {key[-1]: value for key, value in (await read(metrics)).items()}
    assert found == {"200": 5, "404": 1, "503": 0}


def test_nothing_is_taken_from_a_counter_and_no_label_is_left_out() -> None:
    metrics = Metrics()
    with pytest.raises(ValueError, match="only grow"):
        metrics.add(COMMIT_ERRORS, -1, "projections")
    with pytest.raises(ValueError, match="labels"):
        metrics.add(COMMIT_ERRORS, 1)
    with pytest.raises(ValueError, match="only counters"):
        metrics.add(OUTBOX_DEPTH, 1)


async def test_what_somebody_else_chooses_cannot_make_more_series_than_are_meant() -> None:
    metrics = Metrics()
    for number in range(3 * MAX_SERIES):
        metrics.add(REQUESTS, 1, "GET", f"/{number}", "404")
    found = await read(metrics)
    assert sum(key[0] == REQUESTS.name for key in found) == MAX_SERIES + 1
    assert found[REQUESTS.name, "other", "other", "other"] == 2 * MAX_SERIES
    assert found["naikkelas_metrics_folded_total", REQUESTS.name] == 2 * MAX_SERIES


async def test_a_look_that_fails_or_hangs_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "LOOK_SECONDS", 0.05)
    metrics = Metrics()

    async def good() -> list[Figure]:
        return [(OUTBOX_DEPTH, (), 7)]

    async def hanging() -> list[Figure]:
        await asyncio.Event().wait()
        return [(OUTBOX_AGE, (), 7)]

    async def failing() -> list[Figure]:
        raise ConnectionRefusedError

    for look in (good, hanging, failing):
        metrics.look(look.__name__, look)
    await metrics.read()
    failures = "naikkelas_metrics_look_failures_total"
    assert await read(metrics) == {("naikkelas_outbox_depth",): 7, (failures, "failing"): 2, (failures, "hanging"): 2}


def test_one_name_stands_for_one_look() -> None:
    metrics = process_metrics()

    async def look() -> list[Figure]:
        return []

    with pytest.raises(ValueError, match="process"):
        metrics.look("process", look)


async def test_a_process_tells_of_itself() -> None:
    found = await read(process_metrics())
    assert found["process_cpu_seconds_total",] > 0
    assert found["process_resident_memory_bytes",] > 10 * 1024 * 1024
    assert found["process_start_time_seconds",] > 1_700_000_000
