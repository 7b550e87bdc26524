"""Forms that only our pages can send: what one says, that it is ours, and what a deed's answer means for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.partners.api.portal.deed_words import DONE, FIELDS
from services.partners.api.portal.frame import HEADERS, form_codes, form_deed, place_of
from services.partners.api.portal.refusal_words import WRONG_FIELD
from shared.auth import Principal
from shared.idempotency import Once
from shared.identifiers import new_id
from shared.problems import TYPE_PREFIX, Problem
from shared.web_pages.forms import read_fields

Fields = dict[str, str]
Form = TypeVar("Form", bound=BaseModel)


def new_code(request: Request, principal: Principal, name: str, thing: object) -> str:
    """Return the code of a form that a person is shown now, for a deed (``name``) with a thing."""
    return form_codes(request).make(principal.sub, form_deed(name, thing), new_id().hex)


async def sent(request: Request, principal: Principal, name: str, thing: object) -> tuple[Once, Fields]:
    """Return the run of a form of ours, and its fields. Raises the problem 403 for any other form."""
    fields = read_fields(await request.body())
    code = fields.get("kode", "")
    if not form_codes(request).is_ours(code, principal.sub, form_deed(name, thing)):
        text = "Formulir ini tidak dibuat untuk Anda, atau tidak di sini."
        raise Problem(403, "formulir-tidak-berlaku", "Formulir tidak berlaku", text)
    return Once(request, code), fields


def version_in(request: Request, fields: Fields) -> int:
    """Return the version that a form was made for. Raises the problem 422."""
    version = fields.get("versi", "")
    if not (version.isascii() and version.isdecimal() and len(version) <= 18):
        raise wrong_field(request, "versi", version)
    return int(version)


def form_of(request: Request, kind: type[Form], told: Mapping[str, Any]) -> Form:
    """Return what a form says, checked as programs' requests are. Raises the problem 422 of the first wrong field."""
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        value = told.get(name)
        raise wrong_field(request, name, ", ".join(value) if isinstance(value, tuple) else str(value or "")) from None


def wrong_field(request: Request, name: str, value: str) -> Problem:
    """Return the refusal of a field: what it is called, what it says, and what is allowed in it."""
    label, allowed = (pair[place_of(request)] for pair in FIELDS[name])
    shown = value[:100] or "–"
    return Problem(
        422, WRONG_FIELD, "Ada isian yang keliru", f"{label}: {shown}.", label=label, value=shown, allowed=allowed
    )


def problem_in(answer: Response) -> Problem | None:
    """Return the refusal that an answer tells, ``None``: it is none."""
    if answer.status_code < 400:
        return None
    said = orjson.loads(bytes(answer.body))
    extra = {key: value for key, value in said.items() if key not in {"type", "title", "status", "detail"}}
    slug = said["type"].removeprefix(TYPE_PREFIX)
    return Problem(answer.status_code, slug, said["title"], said["detail"], **extra)


def done_of(request: Request) -> str | None:
    """Return what was done just now, as the address of the page says it."""
    done = DONE.get(request.query_params.get("sudah", ""))
    return None if done is None else done[place_of(request)]


def lead_to(path: str) -> Response:
    """Lead a browser to a page, so that loading it again sends no form again."""
    return RedirectResponse(path, 303, headers=HEADERS)
