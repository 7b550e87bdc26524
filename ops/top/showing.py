"""Drawing a view: three tables."""

from __future__ import annotations

from collections.abc import Sequence

from shared.metrics.glancing import RATED, View

Rows = tuple[str, Sequence[str], Sequence[tuple[str, ...]]]
"""Title, headings, rows."""
UNKNOWN = "-"


def tables(view: View) -> list[Rows]:
    """Return the tables: processes, outboxes, consumers."""
    processes = [
        (
            row.name,
            row.state,
            _number(row.memory_mb, " MB"),
            _number(row.cpu_percent, " %"),
            *(_number(row.rates[column]) for column in RATED),
            _number(row.connections),
        )
        for row in view.processes
    ]
    outboxes = [(row.service, _number(row.outbox), _number(row.oldest_seconds, " s")) for row in view.services]
    consumers = [(row.consumer, _number(row.lag), _parked(row.parked)) for row in view.consumers]
    return [
        (
            "processes",
            ("process", "state", "memory", "cpu", *(f"{name}/s" for name in RATED), "connections"),
            processes,
        ),
        ("outboxes", ("service", "not published", "oldest"), outboxes),
        ("consumers", ("consumer", "lag", "parked"), consumers),
    ]


def _number(value: float | None, unit: str = "") -> str:
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}{unit}" if value >= 10 or float(value).is_integer() else f"{value:,.1f}{unit}"


def _parked(parked: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in parked.items() if count) or "0"
