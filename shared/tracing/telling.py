"""One piece of work told as a span, with its ids in the log lines of that time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.logs import bound
from shared.tracing.holding import Attributes, Kind, active
from shared.tracing.traceparent import span_id_of, trace_id_of


@dataclass(slots=True)
class Told:
    """What is said of a piece of work while it goes on."""

    traceparent: str | None = None
    """Names the span to whoever is asked on the way; ``None`` if there is no span."""
    attributes: dict[str, str | int | float | bool] = field(default_factory=dict)
    error: str | None = "unfinished"
    """A code; ``None`` once it went well. What never comes so far is an error."""


@contextmanager
def telling(parent: str | None, name: str, kind: Kind, describe: Callable[[], Attributes]) -> Iterator[Told]:
    """Tell of the block as a span under ``parent``; nothing is told without one, and without traces.

    ``describe`` is asked only for a span that is made.
    """
    tracer, told = active(), Told()
    if tracer is None or parent is None:
        yield told
        return
    span = tracer.begin(name, kind, parent, describe())
    told.traceparent = span.traceparent
    try:
        with bound(trace_id=trace_id_of(span.traceparent), span_id=span_id_of(span.traceparent)):
            yield told
    finally:
        span.end(told.attributes, told.error)
