"""The figures of one process: added to where something happens, rendered when somebody reads."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Collection, Iterable
from itertools import accumulate

from shared.metrics.catalogue import CATALOGUE, LOOK_FAILURES, SERIES_FOLDED
from shared.metrics.declaring import Kind, Metric
from shared.metrics.exposition import Sample, render

MAX_SERIES = 1_000
"""Of one metric in one process. Far above what is meant; beyond it figures are folded, not refused."""
LOOK_SECONDS = 2.0
OTHER = "other"

Labels = tuple[str, ...]
Figure = tuple[Metric, Labels, float]
Look = Callable[[], Awaitable[Iterable[Figure]]]
"""Returns what has a size at the moment of reading. May raise or hang: then its figures are missing, and that is counted."""


class Distribution:
    """The figures of one series of a histogram."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * (buckets + 1)
        """Observations by bucket, not summed up; the last is beyond all bounds."""
        self.total = 0.0


class Metrics:
    """The figures of one process. Labels are given by position, in the order of the metric's declaration."""

    def __init__(self) -> None:
        self._figures: dict[Metric, dict[Labels, float]] = {}
        self._distributions: dict[Metric, dict[Labels, Distribution]] = {}
        self._looks: dict[str, Look] = {}

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Add to a counter. Raises ``ValueError`` for less than nothing, or for labels that the metric does not have."""
        if amount < 0 or metric.kind is not Kind.COUNTER:
            raise ValueError(f"{metric.name}: only counters are added to, and they only grow")
        series = self._figures.setdefault(metric, {})
        if labels not in series:
            labels = self._admitted(metric, series.keys(), labels)
        series[labels] = series.get(labels, 0.0) + amount

    def add_each(self, metric: Metric, amounts: Iterable[tuple[str, float]], *labels: str) -> None:
        """Add to several series of a counter, whose last label is the first of each pair."""
        for last, amount in amounts:
            self.add(metric, amount, *labels, last)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Add an observation to a histogram."""
        self.observe_each(metric, (value,), *labels)

    def observe_each(self, metric: Metric, values: Iterable[float], *labels: str) -> None:
        """Add the observations of a batch to one series of a histogram."""
        series = self._distributions.setdefault(metric, {})
        found = series.get(labels)
        if found is None:
            labels = self._admitted(metric, series.keys(), labels)
            found = series.setdefault(labels, Distribution(len(metric.buckets)))
        for value in values:
            found.counts[bisect_left(metric.buckets, value)] += 1
            found.total += value

    def look(self, name: str, look: Look) -> None:
        """Ask ``look`` for its figures whenever somebody reads. Raises ``ValueError`` for a name that is taken."""
        if name in self._looks:
            raise ValueError(f"there is a look named {name} already")
        self._looks[name] = look

    async def read(self) -> str:
        """Return all figures in the text format of Prometheus. Each look has 2 s."""
        looked = await asyncio.gather(*map(self._bounded, self._looks.values()), return_exceptions=True)
        gauges: dict[Metric, dict[Labels, float]] = {}
        for name, outcome in zip(self._looks, looked, strict=True):
            if isinstance(outcome, BaseException):
                self.add(LOOK_FAILURES, 1, name)
                continue
            for metric, labels, value in outcome:
                gauges.setdefault(metric, {})[labels] = value
        return render((metric, self._samples(metric, gauges.get(metric, {}))) for metric in CATALOGUE.values())

    async def _bounded(self, look: Look) -> Iterable[Figure]:
        async with asyncio.timeout(LOOK_SECONDS):
            return await look()

    def _samples(self, metric: Metric, looked: dict[Labels, float]) -> Iterable[Sample]:
        figures = looked | self._figures.get(metric, {})
        yield from (
            Sample(metric.name, tuple(zip(metric.labels, key, strict=True)), figures[key]) for key in sorted(figures)
        )
        for key, found in sorted(self._distributions.get(metric, {}).items()):
            labels = tuple(zip(metric.labels, key, strict=True))
            bounds = [*map(_bound, metric.buckets), "+Inf"]
            for bound, count in zip(bounds, accumulate(found.counts), strict=True):
                yield Sample(f"{metric.name}_bucket", (*labels, ("le", bound)), count)
            yield Sample(f"{metric.name}_sum", labels, found.total)
            yield Sample(f"{metric.name}_count", labels, sum(found.counts))

    def _admitted(self, metric: Metric, known: Collection[Labels], labels: Labels) -> Labels:
        """Return the labels of a new series; those of the fold where the metric has too many."""
        if len(labels) != len(metric.labels):
            raise ValueError(f"{metric.name} has the labels {metric.labels}")
        if len(known) < MAX_SERIES:
            return labels
        self.add(SERIES_FOLDED, 1, metric.name)
        return (OTHER,) * len(labels)


def _bound(value: float) -> str:
    return f"{value:g}"
