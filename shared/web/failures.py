"""Which problem answers which error that comes up to the web layer."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.problems import Problem, request_id_of, standard, unavailable
from shared.web.refusing import refusal

log = structlog.get_logger(__name__)


def answer_with(request: Request, problem: Problem) -> Response:
    """Return the problem as the answer to this request."""
    return refusal(problem, request.headers, request.method, request.url.path, request_id_of(request))


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):  # pragma: no cover (the registration below is by this class)
        raise error
    return answer_with(request, error)


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # pragma: no cover
        raise error
    return answer_with(request, standard(error.status_code, headers=error.headers))


async def _on_infrastructure(request: Request, error: Exception) -> Response:
    if not is_infrastructure_error(error):
        return await _on_unexpected(request, error)
    log.warning("infrastructure away", error=type(error).__name__, reason=str(error))
    return answer_with(request, unavailable())


async def _on_away(request: Request, error: Exception) -> Response:
    log.warning("dependency away", error=type(error).__name__, reason=str(error))
    return answer_with(request, unavailable())


async def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("request failed", exc_info=error)
    return answer_with(request, standard(500))


def install_problem_handlers(app: Starlette, away: Iterable[type[Exception]] = ()) -> None:
    """Make every error of ``app`` a problem answer. ``away`` are exceptions that mean 503 with Retry-After."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    for kind in SERVER_ERRORS:
        app.add_exception_handler(kind, _on_infrastructure)
    for kind in away:
        app.add_exception_handler(kind, _on_away)
    app.add_exception_handler(Exception, _on_unexpected)
