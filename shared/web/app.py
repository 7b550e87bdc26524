"""The HTTP app of a service, and what its routes share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from shared.auth import Principal, Verifier, assert_every_route_has_a_rule, public
from shared.health import Health
from shared.metrics import Metrics
from shared.metrics.exposition import CONTENT_TYPE
from shared.outbox import Cause
from shared.problems import standard
from shared.validation_texts import describe_errors
from shared.web.docs import docs_router
from shared.web.edge import Edge, Limits
from shared.web.failures import answer_with, install_problem_handlers
from shared.web.pages import style_router
from shared.web.rates import Rates

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
    rates: Rates | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Return the layers from the edge inwards."""
        return Edge(
            super().build_middleware_stack(), self.limits, self.metrics, self.rates.take if self.rates else None
        )


def create_http_app(
    title: str,
    service: str,
    *,
    health: Health,
    verifier: Verifier | None,
    routers: Iterable[APIRouter] = (),
    lifespan: Lifespan | None = None,
    limits: Limits | None = None,
    requests_per_second: int = 0,
    away: Iterable[type[Exception]] = (),
    version: str = "1",
    description: str = "",
) -> FastAPI:
    """Return the app of ``service`` with problems, limits, ids, access log, health, metrics and documentation wired.

    ``lifespan`` is the service's own; the app refuses to start while a route has no access rule. ``verifier`` may be None
    only if all routes are public. ``requests_per_second`` of each token (0: as many as it likes). ``away`` are exceptions that mean: cannot keep the promise now (503 with Retry-After).
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
        # Ours are in the edge. FastAPI's own, if an environment switches it on, tells paths and texts of errors.
        telemetry={"auto_configure": False, "tracing": False, "metrics": False, "logs": False},
        responses={"default": _PROBLEM, 422: _PROBLEM},
    )
    app.limits = limits or Limits()
    app.metrics = health.metrics
    app.rates = Rates(verifier, requests_per_second) if verifier is not None and requests_per_second else None
    app.state.verifier = verifier
    app.state.health = health
    app.state.service = service
    install_problem_handlers(app, away)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for router in (*_served_by_all(title, health), *routers):
        app.include_router(router)
    return app


def _served_by_all(title: str, health: Health) -> tuple[APIRouter, ...]:
    return _health_router(health), _metrics_router(health.metrics), docs_router(title), style_router()


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


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):  # pragma: no cover
        raise error
    errors, total = describe_errors(error.errors())
    return answer_with(request, standard(422, errors=errors, errors_total=total))


def _health_router(health: Health) -> APIRouter:
    """Return the two routes of ``shared.web.health``, open to everybody, for a process that serves an API too."""
    router = APIRouter(prefix="/health", tags=["health"], dependencies=[Depends(public())])

    @router.get("/live", summary="Apakah proses ini hidup", responses={503: {"description": "perlu dimulai ulang"}})
    async def live() -> Response:
        return (await health.live()).response()

    @router.get("/ready", summary="Apakah proses ini siap", responses={503: {"description": "belum siap"}})
    async def ready() -> Response:
        return (await health.ready()).response()

    return router


def _metrics_router(metrics: Metrics) -> APIRouter:
    """Return ``GET /metrics``. It stands in no OpenAPI document: it is for machines inside, and speaks no JSON.

    Open, like health, to who reaches a process's own port; the proxy does not pass it on (decision 33).
    """
    router = APIRouter(tags=["health"], dependencies=[Depends(public())], include_in_schema=False)

    @router.get("/metrics", summary="Angka proses ini untuk Prometheus")
    async def read_metrics() -> Response:
        return Response(await metrics.read(), media_type=CONTENT_TYPE)

    return router


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
