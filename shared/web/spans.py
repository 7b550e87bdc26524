"""A request as a span: its method, the template of its route, its status. No path and no query: callers write ids and names there."""

from __future__ import annotations

from starlette.types import Scope

from shared.tracing import Kind, Span, active

_UNTOLD = ("/health/", "/metrics")
"""Asked by machines every few seconds."""


def begin_request(scope: Scope, method: str, parent: str | None) -> Span | None:
    """Begin the span of a request under that of its caller; ``None`` without traces."""
    tracer = active()
    if tracer is None or scope["path"].startswith(_UNTOLD):
        return None
    return tracer.begin(method, Kind.SERVER, parent, {"http.request.method": method, "url.scheme": scope["scheme"]})


def end_request(span: Span, method: str, route: str, status: int | None, correlation_id: str) -> None:
    """End it. An answer of the server's own fault is an error, and a request that got none."""
    span.rename(f"{method} {route}")
    told: dict[str, str | int | float | bool] = {
        "http.route": route,
        "naikkelas.correlation_id": correlation_id,
    }
    if status is None:
        span.end(told, "aborted")
        return
    told["http.response.status_code"] = status
    span.end(told, str(status) if status >= 500 else None)
