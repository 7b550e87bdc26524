"""The page of operations: what stands and stood, what is parked, and redriving or discarding it; without JavaScript.

It has no right of its own: what is parked, the trails and the agencies are asked for, and orders given, with the token of whoever
looks, at the service that owns them. Forms bear a code that only we can make for that operator and that deed, which is the
idempotency key of the order as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request
from jinja2 import Environment
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.projections.api import operation_words as words
from services.projections.handlers.overseeing import Overseer
from services.projections.handlers.watching import Answered
from shared.auth import Principal, Role, allow
from shared.auth.rules import bearer_token
from shared.identifiers import new_id
from shared.web.pages import with_slash
from shared.web_pages import PAGE_HEADERS, page_environment
from shared.web_pages.charts import sparkline
from shared.web_pages.forms import FormCodes, read_fields
from shared.wita import write_moment, write_number

TEMPLATES = FilePath(__file__).parent / "templates"
HEADERS = {**PAGE_HEADERS, "Cache-Control": "no-store"}
ROUTE = "/operasi"

Operator = Annotated[Principal, Depends(allow(Role.OPERATOR))]
ParkedId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Service = Annotated[str, Path(pattern=r"^[a-z]{1,30}$")]
Form = Literal["putar-ulang", "buang"]


def figures_router() -> APIRouter:
    """Return the route that tells programs what the page shows."""
    router = APIRouter(tags=["operasi"])

    @router.get("/operations", summary="Keadaan seluruh layanan: siap, antrean, ketertinggalan, yang terparkir")
    async def figures(request: Request, _: Operator) -> dict[str, Any]:
        state = await _overseer(request).state()
        return {
            "at": state.seen.at,
            **asdict(state.seen.view),
            "agencies": [asdict(lag) for lag in state.seen.agencies],
            "audits": [asdict(run) for run in state.audits],
            "rebuilds": [asdict(run) for run in state.rebuilds],
        }

    return router


def operations_router() -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(tags=["halaman"], include_in_schema=False)
    pages, deep = _environment(up=1), _environment(up=3)

    @router.get(ROUTE)
    async def slash(request: Request, _: Operator) -> Response:
        return with_slash(request, HEADERS)

    @router.get(f"{ROUTE}/")
    async def overview(request: Request, _: Operator, sudah: str = "") -> Response:
        return await _overview(pages, request, sudah)

    @router.get(f"{ROUTE}/{{service}}/{{parked_id}}/")
    async def opened(request: Request, operator: Operator, service: Service, parked_id: ParkedId) -> Response:
        return await _parked_page(deep, request, operator, service, parked_id)

    @router.post(f"{ROUTE}/{{service}}/{{parked_id}}/{{form}}")
    async def order(
        request: Request, operator: Operator, service: Service, parked_id: ParkedId, form: Form
    ) -> Response:
        return await _order(deep, request, operator, service, parked_id, form)

    return router


def _environment(up: int) -> Environment:
    environment = page_environment(TEMPLATES, up=up)
    environment.filters |= {"moment": write_moment, "number": write_number, "when": _when}
    environment.globals |= {"words": words, "home": "../" * (up - 1) + "./"}
    return environment


def _when(told: str | None) -> str:
    """Return an instant as a service told it in JSON."""
    return "–" if told is None else write_moment(datetime.fromisoformat(told))


def _overseer(request: Request) -> Overseer:
    overseer: Overseer = request.app.state.overseer
    return overseer


def _codes(request: Request) -> FormCodes:
    codes: FormCodes = request.app.state.form_codes
    return codes


def _token(request: Request) -> str:
    return bearer_token(request.headers) or ""  # the rule of the route let nobody in without one


def _html(environment: Environment, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    return HTMLResponse(environment.get_template(template).render(values), status_code=status, headers=HEADERS)


async def _overview(environment: Environment, request: Request, done: str) -> Response:
    overseer = _overseer(request)
    state, asked = await asyncio.gather(overseer.state(), overseer.asked(_token(request)))
    charts = [
        (title, [(name, sparkline(values)) for name, values in overseer.history.series(what).items()])
        for what, title in words.CHARTS
    ]
    values = {"state": state, "asked": asked, "charts": charts, "done": words.DONE.get(done)}
    return _html(environment, "operasi.html", values)


def _deed(service: str, parked_id: int, form: str) -> str:
    return f"operasi|{service}|{parked_id}|{form}"


async def _parked_page(
    environment: Environment,
    request: Request,
    operator: Principal,
    service: str,
    parked_id: int,
    missing: str | None = None,
) -> Response:
    """Return the page of a parked event with its two forms; ``missing`` says what a form lacked."""
    found = await _overseer(request).open(service, parked_id, _token(request))
    if not found.ok:
        return _refused(environment, found)
    codes = {
        form: _codes(request).make(operator.sub, _deed(service, parked_id, form), new_id().hex) for form in words.ORDERS
    }
    values = {"service": service, "row": found.said, "codes": codes, "missing": missing}
    return _html(environment, "operasi_terparkir.html", values, 200 if missing is None else 422)


async def _order(
    environment: Environment, request: Request, operator: Principal, service: str, parked_id: int, form: Form
) -> Response:
    fields = read_fields(await request.body())
    code, reason = fields.get("kode", ""), " ".join(fields.get("alasan", "").split())[:200]
    if not _codes(request).is_ours(code, operator.sub, _deed(service, parked_id, form)):
        wrong = {"title": "Formulir tidak berlaku", "detail": "Buka lagi halaman peristiwa ini, lalu ulangi."}
        return _refused(environment, Answered(403, wrong))
    if len(reason) < 3 or (form == "buang" and fields.get("yakin") != "ya"):
        missing = "Isi alasannya (sedikitnya 3 huruf), dan untuk membuang beri tanda bahwa Anda yakin."
        return await _parked_page(environment, request, operator, service, parked_id, missing)
    answer = await _overseer(request).order(service, parked_id, words.ORDERS[form], _token(request), code, reason)
    if (
        answer.status == 422
    ):  # what was filled in is refused: a new form, since this one's code stands for that answer now
        missing = str(answer.said.get("detail", ""))
        return await _parked_page(environment, request, operator, service, parked_id, missing)
    if not answer.ok:
        return _refused(environment, answer)
    return RedirectResponse(f"../../?sudah={form}", 303, headers=HEADERS)


def _refused(environment: Environment, answer: Answered) -> Response:
    """Return a service's refusal as a page; where it did not answer, that."""
    if answer.status is None or answer.status >= 500:
        text = "Layanan itu sedang tidak menjawab. Tidak ada yang dilakukan dua kali bila diulangi."
        values, status = {"title": "Layanan tidak menjawab", "text": text}, 503
    else:
        title, text = str(answer.said.get("title", "Tidak ditemukan")), str(answer.said.get("detail", ""))
        values, status = {"title": title, "text": text}, answer.status
    return _html(environment, "operasi_ditolak.html", values, status)
