"""Spans by OpenTelemetry's SDK, sent by OTLP over HTTP in the background. Loaded by a process with traces alone.

Who ends a span puts it into a queue, and no more. A thread sends what waits; when the receiver is away, or slow, spans are lost
and counted, and nothing else happens.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Event, Thread

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenSpan
from opentelemetry.util.re import parse_env_headers

from shared.tracing.holding import Attributes, Kind
from shared.tracing.running import TraceSettings
from shared.tracing.traceparent import span_id_of, trace_id_of

NAMESPACE = "naikkelas"
_KINDS = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What traces may take of a process."""

    waiting: int = 2_048
    """Spans that wait to be sent; what comes beyond is lost."""
    batch: int = 256
    """Spans in one request: they are encoded on the process's own processor, so few at a time."""
    every_seconds: float = 1.0
    """The longest that a span waits while the receiver answers."""
    export_seconds: float = 3.0
    """For one batch, with what is tried again."""
    close_seconds: float = 2.0
    """For what waits when the process ends."""


class SpanSender(SpanProcessor):
    """The queue and the thread."""

    def __init__(self, exporter: SpanExporter, bounds: Bounds) -> None:
        self._exporter = exporter
        self._bounds = bounds
        self._waiting: deque[ReadableSpan] = deque()
        self._wake = Event()
        self._ending = False
        self._away = False
        self._closed = False
        # Each is counted by one thread alone.
        self._ended = 0
        self._turned_away = 0
        self._failed = 0
        self.exported = 0
        self._thread = Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """How many spans no receiver has, and none will have."""
        return self._ended - self.exported if self._closed else self._turned_away + self._failed

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended; returns at once."""
        self._ended += 1
        if self._ending or len(self._waiting) >= self._bounds.waiting:
            self._turned_away += 1
            return
        self._waiting.append(span)
        if len(self._waiting) >= self._bounds.batch:
            self._wake.set()

    def shutdown(self) -> None:
        """Send what waits, for a bounded time."""
        self._ending = True
        self._wake.set()
        self._thread.join(self._bounds.close_seconds)
        self._exporter.shutdown()
        self._closed = True

    def _run(self) -> None:
        while not self._ending:
            self._wake.wait(self._bounds.every_seconds)
            self._wake.clear()
            self._send()
        self._send()

    def _send(self) -> None:
        """Send what waits, batch by batch, until one fails."""
        done = True
        while done and self._waiting:
            size = min(self._bounds.batch, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(size)]
            done = self._exporter.export(batch) is SpanExportResult.SUCCESS
            if done:
                self.exported += size
            else:
                self._failed += size
            self._tell(away=not done)

    def _tell(self, *, away: bool) -> None:
        """Log that the receiver went, or came back: once each time."""
        if away == self._away:
            return
        self._away = away
        if away:
            log.warning("spans_are_lost", reason="the receiver takes none")
        else:
            log.info("spans_go_again", lost=self.lost)


class OtelSpan:
    """A span of the SDK; one that is not sampled still has a name for what comes of it."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: OpenSpan) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""
        self._span.update_name(name)

    def end(self, attributes: Attributes | None = None, error: str | None = None, at: int | None = None) -> None:
        """End it; ``error`` becomes its ``error.type``."""
        if attributes:
            self._span.set_attributes(attributes)
        if error is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end(at)


class OtelTracer:
    """Makes spans of one process."""

    def __init__(self, sampler: Sampler, resource: Resource, sender: SpanSender) -> None:
        self._provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(sender)
        self._tracer = self._provider.get_tracer(NAMESPACE)
        self._sender = sender

    def begin(
        self, name: str, kind: Kind, parent: str | None, attributes: Attributes, at: int | None = None
    ) -> OtelSpan:
        """Begin a span under ``parent``, or a trace."""
        span = self._tracer.start_span(name, _context_of(parent), _KINDS[kind], attributes, start_time=at)
        return OtelSpan(span)

    def figures(self) -> Mapping[str, int]:
        """Return how many spans were exported, and how many lost."""
        return {"exported": self._sender.exported, "lost": self._sender.lost}

    def close(self) -> None:
        """Send what waits, and end."""
        self._provider.shutdown()


def _context_of(parent: str | None) -> Context:
    if parent is None:
        return Context()
    trace_id, span_id, flags = int(trace_id_of(parent), 16), int(span_id_of(parent), 16), int(parent[-2:], 16)
    told = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(told), Context())


def sampler_of(name: str, argument: float) -> Sampler:
    """Return the sampler that OpenTelemetry knows by this name. Raises ``KeyError`` for another."""
    roots: dict[str, Sampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(argument),
    }
    root = roots[name.removeprefix("parentbased_")]
    return ParentBased(root) if name.startswith("parentbased_") else root


def make_tracer(
    settings: TraceSettings, service: str, role: str, instance: str, bounds: Bounds | None = None
) -> OtelTracer:
    """Return the tracer of a process; ``close`` it at the end. ``OTEL_RESOURCE_ATTRIBUTES`` adds to what it says of itself."""
    bounds = bounds or Bounds()
    # That a receiver is away is told by SpanSender, once; the libraries say it at every try.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces",
        headers=parse_env_headers(settings.headers, liberal=True),
        timeout=bounds.export_seconds,
    )
    resource = Resource.create(
        {"service.name": f"{service}-{role}", "service.namespace": NAMESPACE, "service.instance.id": instance}
    )
    return OtelTracer(sampler_of(settings.sampler, settings.sampler_arg), resource, SpanSender(exporter, bounds))
