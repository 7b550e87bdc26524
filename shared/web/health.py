"""What a process without an API serves on its port: its health and its figures, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shared.health import Health
from shared.metrics.exposition import CONTENT_TYPE
from shared.web.edge import Edge, Limits
from shared.web.failures import install_problem_handlers
from shared.web.server import HttpSettings, run_http

Answer = Callable[[Request], Awaitable[Response]]


class _HealthApp(Starlette):
    def build_middleware_stack(self) -> ASGIApp:
        """Return the layers from the edge inwards, as those of an API."""
        return Edge(super().build_middleware_stack(), Limits(), self.state.health.metrics)


def health_app(health: Health) -> Starlette:
    """Return the app of a process that serves nothing but its health and its metrics, without what an API needs for more."""

    async def live(_request: Request) -> Response:
        return (await health.live()).response()

    async def ready(_request: Request) -> Response:
        return (await health.ready()).response()

    async def metrics(_request: Request) -> Response:
        return Response(await health.metrics.read(), media_type=CONTENT_TYPE)

    answers: dict[str, Answer] = {"/health/live": live, "/health/ready": ready, "/metrics": metrics}
    app = _HealthApp(routes=[Route(path, answer) for path, answer in answers.items()])
    app.state.health = health
    app.state.service = health.service
    install_problem_handlers(app)
    return app


async def run_health(health: Health, settings: HttpSettings, stop: asyncio.Event) -> None:
    """Serve the health of a worker process on its HTTP_PORT until ``stop`` is set."""
    await run_http(health_app(health), settings, stop)
