"""The HTTP app of a service, and what its routes share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.types import ASGIApp

from shared.auth import Principal, Verifier, assert_every_route_has_a_rule
from shared.health import Health
from shared.metrics import Metrics, metrics_router
from shared.outbox import Cause
from shared.problems import install_problem_handlers
from shared.web.docs import docs_router
from shared.web.edge import Edge, Limits

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "in": {"type": "string"},
                    "value": {},
                    "message": {"type": "string"},
                    "allowed": {"type": ["string", "null"]},
                },
            },
        },
    },
}
_PROBLEM = {"description": "Masalah (RFC 9457)", "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}}}


class RequestModel(BaseModel):
    """The form of a request: frozen, unknown fields refused, no infinite numbers, texts kept as they were typed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HttpApp(FastAPI):
    """FastAPI whose outermost layer is the edge, outside even of the handler of unexpected errors."""

    limits: Limits = Limits()
    metrics: Metrics | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Return the layers from the edge inwards."""
        return Edge(super().build_middleware_stack(), self.limits, self.metrics)


def create_http_app(
    title: str,
    service: str,
    *,
    health: Health,
    verifier: Verifier | None,
    routers: Iterable[APIRouter] = (),
    lifespan: Lifespan | None = None,
    limits: Limits | None = None,
    away: Iterable[type[Exception]] = (),
    version: str = "1",
    description: str = "",
) -> FastAPI:
    """Return the app of ``service`` with problems, limits, ids, access log, health, metrics and documentation wired.

    ``lifespan`` is the service's own; the app refuses to start while a route has no access rule. ``verifier`` may be None
    only if all routes are public. ``away`` are exceptions that mean: cannot keep the promise now (503 with Retry-After).
    """
    app = HttpApp(
        title=title,
        version=version,
        description=description,
        docs_url=None,
        redoc_url=None,
        # It would lead to an absolute address without what the proxy took off the path.
        redirect_slashes=False,
        openapi_url="/openapi.json",
        lifespan=_checked(lifespan),
        responses={"default": _PROBLEM, 422: _PROBLEM},
    )
    app.limits = limits or Limits()
    app.metrics = health.metrics
    app.state.verifier = verifier
    app.state.health = health
    app.state.service = service
    install_problem_handlers(app, away)
    for router in (health.router(), metrics_router(health.metrics), docs_router(title), *routers):
        app.include_router(router)
    return app


def _checked(lifespan: Lifespan | None) -> Lifespan:
    @asynccontextmanager
    async def checked(app: FastAPI) -> AsyncIterator[None]:
        assert_every_route_has_a_rule(app)
        if lifespan is None:
            yield
            return
        async with lifespan(app):
            yield

    return checked


def health_app(health: Health) -> FastAPI:
    """Return the app of a process that serves nothing but its health and its metrics."""
    return create_http_app(f"{health.service}: health", health.service, health=health, verifier=None)


def cause_of(request: Request, principal: Principal | None = None, *, now: datetime | None = None) -> Cause:
    """Return why the facts of this request happen: its ids, its caller, and the one clock reading of the command."""
    state = request.state
    actor = principal or getattr(state, "principal", None)
    return Cause(
        correlation_id=state.correlation_id,
        causation_id=None,
        actor=actor.sub if actor is not None else "anonymous",
        origin="command",
        traceparent=state.traceparent,
        now=now or datetime.now(UTC),
    )
