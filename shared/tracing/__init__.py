"""Distributed traces, off unless a receiver is named: spans that lead from a request through the outbox, Kafka and the
consumers to the mail or the webhook (decision 46).

``traceparent`` says what the line in a fact's envelope means; ``active()`` is the tracer of this process, and ``None`` in one
without traces, which loads nothing of OpenTelemetry; ``sending`` is the part that does.
"""

from shared.tracing.holding import MOST_SPANS, Attributes, Kind, Span, Tracer, active
from shared.tracing.traceparent import parent_of, read_traceparent, span_id_of, trace_id_of

__all__ = [
    "MOST_SPANS",
    "Attributes",
    "Kind",
    "Span",
    "Tracer",
    "active",
    "parent_of",
    "read_traceparent",
    "span_id_of",
    "trace_id_of",
]
