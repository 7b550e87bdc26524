"""A real receiver of traces: takes what OTLP over HTTP posts, decodes it as the protocol's own messages, and keeps it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class Received:
    """One span as it came."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    """The parent's id; empty: the trace begins here."""
    attributes: dict[str, Any]
    failed: bool


def _value(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")


def _attributes(pairs: Any) -> dict[str, Any]:
    found: list[KeyValue] = list(pairs)
    return {pair.key: _value(pair.value) for pair in found}


def _received(service: str, span: Span) -> Received:
    return Received(
        service=service,
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_attributes(span.attributes),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
    )


def read_request(body: bytes) -> list[Received]:
    """Return the spans of a request's body."""
    return [
        _received(_attributes(told.resource.attributes)["service.name"], span)
        for told in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in told.scope_spans
        for span in scope.spans
    ]


class Receiver:
    """What came, and how it is answered: ``status``, or not before ``open`` is set."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.asked: list[str] = []
        """Paths, whatever was answered."""
        self.status = 200
        self.open = threading.Event()
        self.open.set()
        self.port = 0

    @property
    def endpoint(self) -> str:
        """What ``OTEL_EXPORTER_OTLP_ENDPOINT`` is to be."""
        return f"http://127.0.0.1:{self.port}"

    def of_trace(self, trace_id: str) -> list[Received]:
        """Return the spans of a trace that came so far."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def trace_with(self, trace_id: str, *names: str) -> list[Received]:
        """Wait until a trace has spans of these names, and return one of each."""
        self.until(lambda _: {span.name for span in self.of_trace(trace_id)} >= set(names))
        found = {span.name: span for span in self.of_trace(trace_id)}
        return [found[name] for name in names]

    def until(self, holds: Any) -> list[Received]:
        """Wait until ``holds(spans)``, and return them."""
        deadline = monotonic() + WAIT_SECONDS
        while not holds(self.spans):
            assert monotonic() < deadline, [(span.service, span.name, span.parent) for span in self.spans]
            sleep(0.02)
        return self.spans


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        """Take one request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.receiver
        receiver.asked.append(self.path)
        if not receiver.open.wait(WAIT_SECONDS):
            return
        if receiver.status == 200:
            assert self.path == "/v1/traces"
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            receiver.bodies.append(body)
            receiver.spans += read_request(body)
        self.send_response(receiver.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Let who hung up go."""


@contextmanager
def receiving_spans() -> Iterator[Receiver]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    receiver = Receiver()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": receiver}))
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
