"""What a relay tells of its rounds in traces: of each fact that somebody follows, how long it was on its way to the broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from time import time_ns
from typing import Any

from shared.tracing import MOST_SPANS, Kind, active, parent_of


def tell_published(rows: Sequence[Any], began: int) -> None:
    """Tell of the facts of a round that the broker has acknowledged; ``began`` is when it was sent, nanoseconds since 1970.

    The span is one beside the record, not in it: a record that is published twice is the same both times.
    """
    tracer = active()
    if tracer is None:
        return
    ended = time_ns()
    for row, parent in islice(_traced(rows), MOST_SPANS):
        span = tracer.begin(
            f"send {row['topic']}",
            Kind.PRODUCER,
            parent,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "send",
                "messaging.destination.name": row["topic"],
                "messaging.message.id": row["event_id"],
                "messaging.batch.message_count": len(rows),
                "cloudevents.event_type": row["type"],
                "naikkelas.correlation_id": row["correlation_id"],
            },
            began,
        )
        span.end(at=ended)


def _traced(rows: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    for row in rows:
        if row["traceparent"] is None:
            continue
        parent = parent_of(row["traceparent"], row["origin"])
        if parent is not None:
            yield row, parent
