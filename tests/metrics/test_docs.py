"""The page of metrics says what the catalogue says."""

from __future__ import annotations

from shared.metrics.catalogue import CATALOGUE
from tests.house.tree import ROOT

PAGE = ROOT / "docs" / "metrics.md"


def table() -> list[str]:
    """Return the rows as they must stand on the page."""
    rows = []
    for metric in CATALOGUE.values():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` | {metric.kind.value} | {labels} | {metric.help} |")
    return rows


def test_the_page_names_every_metric_with_its_labels_and_meaning() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows == table()
