"""The outermost layer of a service's HTTP: one pure ASGI middleware that does per request what every route needs.

It gives the request its id and trace, counts what its token asks for, bounds its body, adds the security headers to every answer (those of errors too),
writes the one line of access log, and counts the request.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import structlog
import uuid_utils
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.masking import mask_text
from shared.metrics import Metrics
from shared.metrics.catalogue import REQUEST_SECONDS, REQUESTS
from shared.problems import Problem, standard
from shared.tracing import read_traceparent, span_id_of, trace_id_of
from shared.web.bodies import (
    ClientGoneError,
    CountedBody,
    Limits,
    ReadBody,
    check_json,
    declared_length,
    is_binary,
    read_whole,
    too_large,
)
from shared.web.refusing import refusal
from shared.web.spans import begin_request, end_request

__all__ = ["Edge", "Limits", "Trace"]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NO_STORE = (b"cache-control", b"no-store")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")
TOO_MANY = 429
"""Who asks too often is told of by ``Rates``, not by a line for each request."""
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = _WITHOUT_BODY | {"POST", "PUT", "PATCH", "DELETE"}

log = structlog.get_logger("access")


Count = Callable[[Headers], Awaitable[None]]
"""Counts a request by its headers. Raises the problem of one too many."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How a request is found again: in logs, in events, in other services' traces."""

    request_id: str
    correlation_id: str
    traceparent: str | None


def read_trace(headers: Headers) -> Trace:
    """Return the ids that the caller sent, where they are well formed and hold nothing personal; else fresh ones."""
    request_id = _given(headers.get("x-request-id")) or str(uuid_utils.uuid7())
    correlation_id = _given(headers.get("x-correlation-id")) or request_id
    return Trace(request_id, correlation_id, read_traceparent(headers.get("traceparent")))


def _given(text: str | None) -> str | None:
    if text is None or not _ID.fullmatch(text) or mask_text(text) != text:
        return None
    return text


class Edge:
    """Wraps an ASGI app; see the module."""

    def __init__(
        self, app: ASGIApp, limits: Limits, metrics: Metrics | None = None, count: Count | None = None
    ) -> None:
        self._app = app
        self._limits = limits
        self._metrics = metrics
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of the server."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace, method = read_trace(headers), _method(scope)
        span = begin_request(scope, method, trace.traceparent)
        state = scope.setdefault("state", {})
        state["request_id"], state["correlation_id"] = trace.request_id, trace.correlation_id
        state["traceparent"] = trace.traceparent if span is None else span.traceparent
        answer = _Answer(send, trace.request_id)
        started = perf_counter()
        tokens = structlog.contextvars.bind_contextvars(**_ids(trace, state["traceparent"], own=span is not None))
        try:
            await self._serve(scope, headers, receive, answer)
        finally:
            seconds = perf_counter() - started
            _log_access(scope, answer, seconds)
            if self._metrics is not None:
                _measure(self._metrics, scope, method, answer, seconds)
            if span is not None:
                end_request(span, method, _route(scope), answer.status, trace.correlation_id)
            structlog.contextvars.reset_contextvars(**tokens)

    async def _serve(self, scope: Scope, headers: Headers, receive: Receive, answer: _Answer) -> None:
        try:
            if self._count is not None:
                await self._count(headers)
            receive = await self._bounded(scope, headers, receive)
        except Problem as problem:
            response = refusal(problem, headers, scope["method"], scope["path"], answer.request_id)
            if problem.status != TOO_MANY or not _brings_nothing(scope, headers):
                # The rest of a refused body is not read: the connection cannot serve another request.
                response.headers["connection"] = "close"
            await response(scope, receive, answer.send)
        except ClientGoneError:
            return
        else:
            answer.upload = receive if isinstance(receive, CountedBody) else None
            await self._app(scope, receive, answer.send)

    async def _bounded(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """Return how the app receives the body. Raises the problem of a request that is refused at the door."""
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            raise standard(400, "Alamat tidak boleh memuat karakter NUL.")
        length = declared_length(headers)
        if _brings_nothing(scope, headers):
            return receive
        limits = self._limits
        binary = is_binary(headers)
        upload = limits.uploads.get(scope["path"].rstrip("/")) if binary else None
        limit = limits.body if upload is None else upload
        if length is not None and length > limit:
            raise too_large(limit)
        if upload is not None:
            return CountedBody(receive, upload, limits.seconds)
        body = await read_whole(receive, limits)
        if not binary:
            check_json(body, limits.depth)
        return ReadBody(body, receive)


class _Answer:
    """Sends the app's answer with the headers of the edge, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status: int | None = None
        self.upload: CountedBody | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            names = {name.lower() for name, _ in headers}
            headers += [pair for pair in (*_SECURITY, _NO_STORE) if pair[0] not in names]
            headers.append((b"x-request-id", self.request_id.encode()))
            if self.upload is not None and not self.upload.ended:
                headers.append(
                    (b"connection", b"close")
                )  # whoever goes on sending would hold it for as long as he likes
            message = {**message, "headers": headers}
        await self._send(message)


def _brings_nothing(scope: Scope, headers: Headers) -> bool:
    """Tell whether a request has no body."""
    without = headers.get("content-length", "0").strip("0") == "" and "transfer-encoding" not in headers
    return without and scope["method"] in _WITHOUT_BODY


def _method(scope: Scope) -> str:
    """Return the method of a request, where it is one of those that there are: callers choose the rest."""
    method: str = scope["method"]
    return method if method in _METHODS else "other"


def _route(scope: Scope) -> str:
    """Return the template of the route that matched."""
    return str(getattr(scope.get("route"), "path", None) or "unmatched")


def _ids(trace: Trace, traceparent: str | None, *, own: bool) -> dict[str, str]:
    """Return what every log line of a request says of it; the span only where it is our own."""
    found = {"request_id": trace.request_id, "correlation_id": trace.correlation_id}
    if traceparent is not None:
        found["trace_id"] = trace_id_of(traceparent)
        if own:
            found["span_id"] = span_id_of(traceparent)
    return found


def _measure(metrics: Metrics, scope: Scope, method: str, answer: _Answer, seconds: float) -> None:
    """Count a request. Only the template of a route is a label, and only methods that there are."""
    route = _route(scope)
    metrics.add(REQUESTS, 1, method, route, "aborted" if answer.status is None else str(answer.status))
    metrics.observe(REQUEST_SECONDS, seconds, method, route)


def _log_access(scope: Scope, answer: _Answer, seconds: float) -> None:
    """Write who asked for what: the route rather than the path where one matched, never the query."""
    route = scope.get("route")
    path: Any = getattr(route, "path", None) or scope["path"]
    principal = scope["state"].get("principal")
    status = answer.status
    quiet = status == TOO_MANY or (path.startswith("/health/") and status == 200)
    write = log.debug if quiet else log.info
    write(
        "request",
        method=scope["method"],
        path=path,
        status=status,
        ms=round(seconds * 1000, 2),
        actor=getattr(principal, "sub", None),
    )
