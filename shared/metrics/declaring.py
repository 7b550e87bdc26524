"""What a metric is, by the conventions of Prometheus: base units in the name, ``_total`` for what only grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[a-z][a-z0-9_]*[a-z0-9]")


class Kind(StrEnum):
    """How its figures behave."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. Each label takes few values, known beforehand: no ids, no addresses, nothing that a person typed."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, rising; the last one, infinity, is added."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or not all(_NAME.fullmatch(label) for label in self.labels):
            raise ValueError(f"{self.name}: names are lower case, words joined by one line")
        if self.name.endswith("_total") != (self.kind is Kind.COUNTER):
            raise ValueError(f"{self.name}: counters end in _total, and nothing else does")
        if bool(self.buckets) != (self.kind is Kind.HISTOGRAM) or list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError(f"{self.name}: a histogram has rising buckets, and nothing else has any")

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its figures are read."""
        if self.kind is Kind.HISTOGRAM:
            return f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count"
        return (self.name,)
