"""What an expression of PromQL speaks of, held against the catalogue."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.metrics.catalogue import CATALOGUE

FROM_THE_SCRAPER = {"job", "instance", "service", "role"}
LABELS: dict[str, set[str]] = {
    series: set(metric.labels) for metric in CATALOGUE.values() for series in metric.series
} | {"up": set()}
_SELECTOR = re.compile(r"\b(up|(?:naikkelas|process)_\w+)(?:\{([^}]*)\})?")
_GROUPING = re.compile(r"\bby \(([^)]*)\)")


def check_expression(expression: str) -> set[str]:
    """Return the series that an expression reads. Fails for a series or label that there is not."""
    selectors = _SELECTOR.findall(expression)
    assert selectors, expression
    known = set(FROM_THE_SCRAPER)
    for series, matchers in selectors:
        assert series in LABELS, series
        assert set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', matchers)) <= LABELS[series] | FROM_THE_SCRAPER, expression
        known |= LABELS[series] | ({"le"} if series.endswith("_bucket") else set())
    grouped = {label.strip() for labels in _GROUPING.findall(expression) for label in labels.split(",")}
    assert grouped <= known, expression
    return {series for series, _ in selectors}


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool, or skip where it is missing."""
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool: not on the PATH")
    return subprocess.run(["promtool", *words], check=False, capture_output=True, text=True)
