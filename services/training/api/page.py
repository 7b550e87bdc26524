"""The page behind the QR code: what a certificate says, and whether it still holds; for everybody, without JavaScript."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from services.training.api.certificates import CheckCode
from services.training.domain.certificates import fold_code, show_code
from services.training.handlers import printing
from shared.auth import public
from shared.refusals import NotFoundError
from shared.web.deeds import pool_of
from shared.web.pages import with_slash
from shared.web_pages import PAGE_HEADERS, page_environment
from shared.wita import write_day

TEMPLATES = Path(__file__).parent / "templates"
HEADERS = {**PAGE_HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
"""The page shows a name: nobody keeps it, and no search engine lists it."""

TypedCode = Annotated[str, Query(max_length=40)]


def page_router() -> APIRouter:
    """Return the routes of the page and its style sheet."""
    environment = page_environment(TEMPLATES, up=1)
    environment.globals["office"] = printing.OFFICE
    environment.filters["day"] = write_day
    router = APIRouter(tags=["halaman"], dependencies=[Depends(public())], include_in_schema=False)

    @router.get("/sertifikat")
    async def enter(request: Request) -> Response:
        return with_slash(request, HEADERS)

    @router.get("/sertifikat/")
    async def ask(request: Request, kode: TypedCode = "") -> Response:
        return await render(environment, request, kode)

    @router.get("/sertifikat/{code}")
    async def check(request: Request, code: CheckCode) -> Response:
        return await render(environment, request, code)

    return router


async def render(environment: Environment, request: Request, code: str) -> Response:
    """Return the page for a code; without one it asks for it."""
    checked, status = None, HTTPStatus.OK
    if fold_code(code):
        try:
            checked = await printing.check_certificate(pool_of(request), request.app.state.name_keys, code)
        except NotFoundError:
            status = HTTPStatus.NOT_FOUND
    html = environment.get_template("sertifikat.html").render(
        checked=checked, missing=status is HTTPStatus.NOT_FOUND, typed=show_code(fold_code(code))
    )
    return HTMLResponse(html, status, headers=HEADERS)
