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


def nice_ceiling(value: int) -> int:
    """Return the smallest of 5, 10, 15, 20, 25, 30, 40, 50, 75 or 100 times a power of ten that is not below ``value``."""
    power = 1
    while True:
        for factor in (5, 10, 15, 20, 25, 30, 40):
            if factor * power >= value:
                return factor * power
        power *= 10
