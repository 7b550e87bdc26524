"""One piece of work told as a span, with its ids in the log lines of that time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from shared.logs import bound
from shared.tracing.holding import Attributes, Kind, Span, active
from shared.tracing.traceparent import span_id_of, trace_id_of


@dataclass(slots=True)
class Told:
    """What is said of a piece of work while it goes on."""

    traceparent: str | None = None
    """Names the span to whoever is asked on the way; ``None`` if there is no span."""
    attributes: dict[str, str | int | float | bool] = field(default_factory=dict)
    error: str | None = "unfinished"
    """A code; ``None`` once it went well. What never comes so far is an error."""


def telling(
    parent: str | None, name: str, kind: Kind, describe: Callable[[], Attributes]
) -> AbstractContextManager[Told]:
    """Tell of the block as a span under ``parent``; nothing is told without one, and without traces.

    ``describe`` is asked only for a span that is made.
    """
    tracer = active()
    if tracer is None or parent is None:  # most of the time, and for each post: it may cost next to nothing
        return nullcontext(Told())
    return _telling(tracer.begin(name, kind, parent, describe()))


@contextmanager
def _telling(span: Span) -> Iterator[Told]:
    told = Told(span.traceparent)
    try:
        with bound(trace_id=trace_id_of(span.traceparent), span_id=span_id_of(span.traceparent)):
            yield told
    finally:
        span.end(told.attributes, told.error)
