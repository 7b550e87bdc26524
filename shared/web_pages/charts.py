"""Geometry of charts: numbers in, rectangles out; a template draws them. Units are those of the SVG's view box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 960
LABEL_WIDTH = 190
VALUE_WIDTH = 80
ROW_HEIGHT = 38
BAR_HEIGHT = 24
AXIS_HEIGHT = 26
_TICKS = 5


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a bar."""

    kind: str
    value: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: its label to the left, its total to the right of its segments."""

    label: str
    total: int
    y: float
    segments: tuple[Segment, ...]

    @property
    def end(self) -> float:
        """Where the bar ends."""
        last = self.segments[-1] if self.segments else None
        return last.x + last.width if last else float(LABEL_WIDTH)


@dataclass(frozen=True, slots=True)
class StackedBars:
    """Horizontal bars on one scale from zero."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, int], ...]
    """Place and value of each grid line."""
    width: int
    height: int


def stacked_bars(rows: Sequence[tuple[str, Mapping[str, int]]]) -> StackedBars:
    """Return the bars of ``rows``: a label, and the value of each kind in the order to be drawn."""
    top = nice_ceiling(max((sum(parts.values()) for _, parts in rows), default=0))
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / top
    bars = []
    for number, (label, parts) in enumerate(rows):
        x, segments = float(LABEL_WIDTH), []
        for kind, value in parts.items():
            if value:
                segments.append(Segment(kind, value, round(x, 2), round(value * scale, 2)))
                x += value * scale
        bars.append(Bar(label, sum(parts.values()), number * ROW_HEIGHT, tuple(segments)))
    step = top // _TICKS
    ticks = tuple((round(LABEL_WIDTH + step * n * scale, 2), step * n) for n in range(_TICKS + 1))
    return StackedBars(tuple(bars), ticks, WIDTH, len(rows) * ROW_HEIGHT + AXIS_HEIGHT)


SPARK_WIDTH, SPARK_HEIGHT = 240, 60


@dataclass(frozen=True, slots=True)
class Spark:
    """A figure over time, small: lines between neighbours that are known, on a scale from zero."""

    lines: tuple[str, ...]
    """Each the points of a polyline; where a figure is not known there is a gap."""
    latest: int | None
    highest: int
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


def sparkline(values: Sequence[int | None]) -> Spark:
    """Return the line of values that lie equally far apart, the newest at the right edge."""
    highest = max((value for value in values if value is not None), default=0)
    top, step = nice_ceiling(highest), SPARK_WIDTH / max(1, len(values) - 1)
    lines: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            y = 1 + (SPARK_HEIGHT - 2) * (1 - value / top)
            lines[-1].append(f"{number * step:.1f},{y:.1f}")
    drawn = tuple(" ".join(line) for line in lines if len(line) > 1)
    return Spark(drawn, values[-1] if values else None, highest)


def nice_ceiling(value: int) -> int:
    """Return the smallest of 5, 10, 15, 20, 25, 30, 40, 50, 75 or 100 times a power of ten that is not below ``value``."""
    power = 1
    while True:
        for factor in (5, 10, 15, 20, 25, 30, 40):
            if factor * power >= value:
                return factor * power
        power *= 10
