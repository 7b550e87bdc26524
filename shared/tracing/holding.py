"""The tracer of this process, if it has one, and what the rest of the code knows of spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Protocol

MOST_SPANS = 10
"""Spans of one round of the relay, or of one batch of a consumer, whatever is sampled: of a backlog the first facts are told
of, so that a trace of everything costs the way of everything no more than some hundredths."""

Attributes = Mapping[str, str | int | float | bool]
"""What a span says: names that the code knows, ids, numbers. Never a value of a fact, a path or a query."""


class Kind(Enum):
    """What a span is for its neighbours (OpenTelemetry's span kinds)."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"


class Span(Protocol):
    """One piece of work that goes on."""

    @property
    def traceparent(self) -> str:
        """The line that names it to what comes of it."""

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""

    def end(self, attributes: Attributes | None = None, error: str | None = None, at: int | None = None) -> None:
        """End it. ``error`` is a code, if it failed; ``at`` nanoseconds since 1970, now if not given."""


class Tracer(Protocol):
    """Makes spans and sends them on, without ever holding up who makes them."""

    def begin(self, name: str, kind: Kind, parent: str | None, attributes: Attributes, at: int | None = None) -> Span:
        """Begin a span under a well-formed ``traceparent``, or a trace; ``at`` is as in ``Span.end``."""

    def figures(self) -> Mapping[str, int]:
        """Return how many spans came to what since the start: ``exported``, ``lost``."""

    def close(self) -> None:
        """Send what waits, for a bounded time, and end."""


class _Process:
    """What this process has once. Set by ``using`` alone."""

    tracer: Tracer | None = None


_process = _Process()


def active() -> Tracer | None:
    """Return the tracer of this process; ``None``: no traces are made."""
    return _process.tracer


@contextmanager
def using(tracer: Tracer) -> Iterator[None]:
    """Make ``tracer`` the one of this process for the time of the block, then close it."""
    before, _process.tracer = _process.tracer, tracer
    try:
        yield
    finally:
        _process.tracer = before
        tracer.close()
