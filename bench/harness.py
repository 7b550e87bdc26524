"""The report card, the repetitions, and what makes a run void."""

from __future__ import annotations

import os
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from statistics import median, quantiles
from typing import Any, TypeVar


class VoidRunError(RuntimeError):
    """What was measured did not do its work: counts or order are wrong."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done, how often."""

    runs: int
    scale: float
    """Share of the full amount."""
    warm_ups: int = 1
    """Rounds before the first that counts."""

    def of(self, amount: int) -> int:
        """Return the amount for this size."""
        return max(200, int(amount * self.scale))


FULL = Size(5, 1.0)
QUICK = Size(3, 0.02, 0)


@dataclass(slots=True)
class Result:
    """One line of the table. ``product`` and ``baseline`` hold a figure per run, in ``unit``."""

    name: str
    unit: str
    goal: str
    product: list[float] = field(default_factory=list)
    baseline: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """The median of product ÷ baseline, run by run; ``None`` where there is no baseline."""
        if not self.baseline:
            return None
        return median(p / b for p, b in zip(self.product, self.baseline, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, with minimum, median and maximum."""
        return asdict(self) | {"ratio": self.ratio, "median": median(self.product)}

    def figure(self) -> str:
        """Return minimum, median and maximum, and what they are compared with, for people."""
        spread = f"{min(self.product):,.1f} / {median(self.product):,.1f} / {max(self.product):,.1f} {self.unit}"
        raw = f"; raw {median(self.baseline):,.1f}" if self.baseline else ""
        ratio = f"; ratio {self.ratio:.2f}" if self.ratio is not None else ""
        return f"{spread}{raw}{ratio}"

    def line(self) -> str:
        """Return it for people, with its name and goal."""
        return f"{self.name}: {self.figure()} (goal {self.goal})"


T = TypeVar("T")
Measure = Callable[[], Awaitable[float]]


async def by_turns(size: Size, measures: Mapping[str, Callable[[], Awaitable[T]]]) -> dict[str, list[T]]:
    """Run the measures in turn, all of them first to warm up, and return what each came to, run by run."""
    kept: dict[str, list[T]] = {name: [] for name in measures}
    for number in range(-size.warm_ups, size.runs):
        for name, measure in measures.items():
            figure = await measure()
            if number >= 0:
                kept[name].append(figure)
    return kept


async def in_turn(result: Result, size: Size, product: Measure, baseline: Measure) -> Result:
    """Run product and baseline in turn, first to warm up, and keep the figures."""
    kept = await by_turns(size, {"baseline": baseline, "product": product})
    result.product, result.baseline = kept["product"], kept["baseline"]
    return result


def percentile(figures: Sequence[float], percent: int) -> float:
    """Return the figure that ``percent`` of them do not exceed."""
    return quantiles(figures, n=100)[percent - 1]


def report_card() -> dict[str, str]:
    """Return what the figures depend on."""
    names = ("aiokafka", "asyncpg", "faststream", "pydantic")
    return {
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "kafka": "4.4.0",
        **{name: version(name) for name in names},
    }
