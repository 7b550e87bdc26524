"""A refusal as the answer to a request: JSON for programs, a page in Indonesian for a person before a browser."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response

from shared.problems import Problem, problem_response

if TYPE_CHECKING:
    from jinja2 import Template

BROWSERS = "application/xhtml+xml"
"""What every browser accepts when somebody goes to an address, and no client of an API: Java's own asks for ``text/html`` too."""
PASSING = frozenset({408, 429, 500, 503})
"""The same request may come through a moment later."""


def refusal(problem: Problem, headers: Headers, method: str, path: str, request_id: str | None) -> Response:
    """Return the answer to a request of these headers, with the status and the headers of the problem."""
    if BROWSERS in headers.get("accept", ""):
        return _page(problem, method, path, request_id)
    return problem_response(problem, request_id, path)


def _page(problem: Problem, method: str, path: str, request_id: str | None) -> Response:
    # Loaded when a page is shown: a worker that tells its health needs no jinja2.
    from shared.web_pages import PAGE_HEADERS, style_url

    text = _template().render(
        title=problem.title,
        detail=problem.detail,
        errors=problem.extra.get("errors", ()),
        again=problem.status in PASSING and method == "GET",
        request_id=request_id,
        style_url=style_url(path.count("/") - 1),  # anybody may ask for an address of any depth
    )
    return HTMLResponse(text, problem.status, headers={**PAGE_HEADERS, **problem.headers})


@cache
def _template() -> Template:
    from shared.web_pages import HERE, page_environment

    return page_environment(HERE).get_template("problem.html")
