"""The text format: what is written is read back, and is what Prometheus takes."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.metrics import Kind, Metric, Metrics
from shared.metrics.catalogue import CATALOGUE, CONSUMER_BATCH_SIZE, REQUESTS
from shared.metrics.exposition import Sample, read_samples, render

VALUES = st.floats(allow_nan=False)
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXTS, TEXTS, VALUES), unique_by=lambda found: found[:2]))
def test_any_label_and_any_number_is_read_as_it_was_written(rows: list[tuple[str, str, float]]) -> None:
    metric = Metric("test_size", Kind.GAUGE, "A size:\nwith a \\ in it.", ("one", "two"))
    samples = [Sample(metric.name, (("one", one), ("two", two)), value) for one, two, value in rows]
    assert list(read_samples(render([(metric, samples)]))) == samples


def test_a_metric_without_figures_is_not_written() -> None:
    assert render([(REQUESTS, [])]) == ""


@pytest.mark.parametrize("line", ["naikkelas", "naikkelas{", "naikkelas{a=1} x", "1 1"])
def test_what_is_no_sample_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a sample|could not convert"):
        list(read_samples(line))


@given(st.lists(st.integers(min_value=0, max_value=10_000), min_size=1))
async def test_a_histogram_counts_what_is_at_most_its_bound(sizes: list[int]) -> None:
    metrics = Metrics()
    for size in sizes:
        metrics.observe(CONSUMER_BATCH_SIZE, size, "projections")
    found = {sample: sample.value for sample in read_samples(await metrics.read())}
    for sample, value in found.items():
        if sample.name.endswith("_bucket"):
            bound = float(dict(sample.labels)["le"])
            assert value == sum(size <= bound for size in sizes)
        else:
            assert value == (sum(sizes) if sample.name.endswith("_sum") else len(sizes))
    assert len(found) == len(CONSUMER_BATCH_SIZE.buckets) + 3


async def every_metric() -> str:
    """Return a text in which each metric of the catalogue has a figure."""
    metrics = Metrics()
    for metric in CATALOGUE.values():
        labels = ['a "b"\\c\nd'] * len(metric.labels)
        if metric.kind is Kind.COUNTER:
            metrics.add(metric, 1.5, *labels)
        elif metric.kind is Kind.HISTOGRAM:
            metrics.observe(metric, 1.5, *labels)

    async def look() -> list[tuple[Metric, tuple[str, ...], float]]:
        gauges = [metric for metric in CATALOGUE.values() if metric.kind is Kind.GAUGE]
        return [(metric, ("x",) * len(metric.labels), 3) for metric in gauges]

    metrics.look("gauges", look)
    return await metrics.read()


async def test_promtool_finds_nothing_to_say_about_any_metric() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool: not on the PATH")
    text = await every_metric()
    assert all(f"# TYPE {name} " in text for name in CATALOGUE)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
