"""Reading metrics as a scraper does."""

from __future__ import annotations

from collections.abc import Iterable

from shared.metrics import Metrics
from shared.metrics.exposition import Sample, read_samples


def figures(samples: Iterable[Sample]) -> dict[tuple[str, ...], float]:
    """Return the samples by name and the values of their labels; two of the same name and labels are a fault."""
    found: dict[tuple[str, ...], float] = {}
    for sample in samples:
        key = (sample.name, *(value for _, value in sample.labels))
        assert key not in found, key
        found[key] = sample.value
    return found


async def read(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Return what a scraper finds."""
    return figures(read_samples(await metrics.read()))
