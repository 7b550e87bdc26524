"""What people do with endpoints: forms that only our pages can send, and that have one effect however often they are sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.partners.api import webhook_deeds as deeds
from services.partners.api.portal.deed_words import FIELDS
from services.partners.api.portal.frame import (
    HEADERS,
    ROUTE,
    Person,
    PortalRoute,
    Visitor,
    form_codes,
    form_deed,
    page,
    place_of,
    read_code,
    read_id,
    refused,
    say_here,
)
from services.partners.api.portal.refusal_words import WRONG_FIELD
from services.partners.api.requests import refusals_as_problems, whose
from services.partners.api.webhook_forms import ResumeForm, RotateForm, WebhookForm
from services.partners.domain.signing import write_secret
from services.partners.handlers import webhooks as handlers
from shared.auth import Principal
from shared.idempotency import Once
from shared.identifiers import new_id
from shared.problems import TYPE_PREFIX, Problem
from shared.web.app import cause_of
from shared.web.deeds import pool_of
from shared.web_pages.forms import read_fields

NEW = "webhook-baru"

router = APIRouter(prefix=ROUTE, route_class=PortalRoute, include_in_schema=False)

Fields = dict[str, str]
Form = TypeVar("Form", bound=BaseModel)


@router.get(f"/{{language}}/instansi/{{code}}/{NEW}")
async def ask(request: Request, person: Person, code: str) -> Response:
    """Ask for the address of a new endpoint."""
    async with refusals_as_problems():
        read_code(code, whose(person))
    return _new_page(request, person, code, {}, None)


@router.post(f"/{{language}}/instansi/{{code}}/{NEW}")
async def create(request: Request, person: Person, code: str) -> Response:
    """Make an endpoint, and show its secret."""
    async with refusals_as_problems():
        read_code(code, whose(person))
    once, fields = await _sent(request, person, form_deed(NEW, code))
    try:
        told = {"url": fields.get("alamat", "").strip(), "start": fields.get("mulai", "")}
        form = _form(request, WebhookForm, told)
    except Problem as wrong:
        return _new_page(request, person, code, fields, wrong)
    answer = await deeds.create(request, person, once, form)
    problem = _problem(answer)
    if problem is not None and problem.slug == "alamat-webhook":
        return _new_page(request, person, code, fields, problem)
    return await _secret_page(request, answer, back=f"instansi/{code}")


@router.post("/{language}/webhook/{webhook_id}/kunci")
async def rotate(request: Request, person: Person, webhook_id: str) -> Response:
    """Sign with another secret too, and show it."""
    found, once, fields, version = await _on_webhook(request, person, webhook_id, "kunci")
    form = _form(request, RotateForm, {"overlap_hours": fields.get("jam", "")})
    answer = await deeds.rotate(request, person, once, found, version, form)
    return await _secret_page(request, answer, back=f"webhook/{found}")


@router.post("/{language}/webhook/{webhook_id}/hapus")
async def remove(request: Request, person: Person, webhook_id: str) -> Response:
    """Post nothing for good, if the box is ticked."""
    found, once, fields, version = await _on_webhook(request, person, webhook_id, "hapus")
    if fields.get("yakin") != "ya":
        raise _wrong(request, "yakin", fields.get("yakin", ""))
    return _done(request, await deeds.remove(request, person, once, found, version), found, "hapus")


@router.post("/{language}/webhook/{webhook_id}/uji")
async def send_test(request: Request, visitor: Visitor, webhook_id: str) -> Response:
    """Let a test be posted."""
    return await _simple(request, visitor, webhook_id, "uji", deeds.send_test)


@router.post("/{language}/webhook/{webhook_id}/jeda")
async def pause(request: Request, visitor: Visitor, webhook_id: str) -> Response:
    """Post nothing until it is resumed."""
    return await _simple(request, visitor, webhook_id, "jeda", deeds.pause)


@router.post("/{language}/webhook/{webhook_id}/lanjut")
async def resume(request: Request, visitor: Visitor, webhook_id: str) -> Response:
    """Go on where it stopped."""
    found, once, fields, version = await _on_webhook(request, visitor, webhook_id, "lanjut")
    form = ResumeForm(skip_lost=fields.get("lewati") == "ya")
    return _done(request, await deeds.resume(request, visitor, once, found, version, form), found, "lanjut")


Deed = Callable[[Request, Principal, Once, UUID, int], Awaitable[Response]]


async def _simple(request: Request, principal: Principal, webhook_id: str, name: str, deed: Deed) -> Response:
    found, once, _, version = await _on_webhook(request, principal, webhook_id, name)
    return _done(request, await deed(request, principal, once, found, version), found, name)


async def _sent(request: Request, principal: Principal, deed: str) -> tuple[Once, Fields]:
    """Return the run of a form of ours, and its fields. Raises the problem 403 for any other form."""
    fields = read_fields(await request.body())
    code = fields.get("kode", "")
    if not form_codes(request).is_ours(code, principal.sub, deed):
        text = "Formulir ini tidak dibuat untuk Anda, atau tidak di sini."
        raise Problem(403, "formulir-tidak-berlaku", "Formulir tidak berlaku", text)
    return Once(request, code), fields


async def _on_webhook(
    request: Request, principal: Principal, webhook_id: str, name: str
) -> tuple[UUID, Once, Fields, int]:
    """Return what a form on an endpoint says: whose it is, is judged by the deed itself."""
    found = read_id(webhook_id)
    once, fields = await _sent(request, principal, form_deed(name, found))
    version = fields.get("versi", "")
    if not (version.isascii() and version.isdecimal() and len(version) <= 18):
        raise _wrong(request, "versi", version)
    return found, once, fields, int(version)


def _form(request: Request, kind: type[Form], told: Fields) -> Form:
    """Return what a form says, checked as programs' requests are. Raises the problem 422 of the first wrong field."""
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        raise _wrong(request, name, told[name]) from None


def _wrong(request: Request, name: str, value: str) -> Problem:
    label, allowed = (pair[place_of(request)] for pair in FIELDS[name])
    shown = value[:100] or "–"
    return Problem(
        422, WRONG_FIELD, "Ada isian yang keliru", f"{label}: {shown}.", label=label, value=shown, allowed=allowed
    )


def _problem(answer: Response) -> Problem | None:
    """Return the refusal that an answer tells, ``None``: it is none."""
    if answer.status_code < 400:
        return None
    said = orjson.loads(bytes(answer.body))
    extra = {key: value for key, value in said.items() if key not in {"type", "title", "status", "detail"}}
    slug = said["type"].removeprefix(TYPE_PREFIX)
    return Problem(answer.status_code, slug, said["title"], said["detail"], **extra)


def _done(request: Request, answer: Response, webhook_id: UUID, name: str) -> Response:
    """Lead back to the endpoint, which says what was done; a refusal is a page of its own."""
    problem = _problem(answer)
    if problem is not None:
        return refused(request, problem, back=f"webhook/{webhook_id}")
    return RedirectResponse(f"../{webhook_id}?sudah={name}", 303, headers=HEADERS)


def _new_page(request: Request, person: Principal, code: str, fields: Fields, problem: Problem | None) -> Response:
    values = {
        "code": code,
        "form_code": form_codes(request).make(person.sub, form_deed(NEW, code), new_id().hex),
        "typed": fields.get("alamat", ""),
        "start": fields.get("mulai", "sekarang"),
        "wrong": None if problem is None else say_here(request, problem),
    }
    status = 200 if problem is None else problem.status
    return page(request, "portal_new_webhook.html", values, f"instansi/{code}/{NEW}", operator=False, status=status)


async def _secret_page(request: Request, answer: Response, back: str) -> Response:
    """Return the page that shows a secret. The same form sent once more shows it again for a moment, then says that it was shown."""
    problem = _problem(answer)
    if problem is not None:
        return refused(request, problem, back=back)
    said = orjson.loads(bytes(answer.body))
    webhook_id, secret = UUID(said["id"]), said.get("secret")
    if secret is None:
        now = cause_of(request).now
        found = await handlers.fresh_secret(
            pool_of(request), webhook_id, said["version"], request.app.state.secret_box, now
        )
        secret = None if found is None else write_secret(found)
    values = {"secret": secret, "webhook_id": webhook_id}
    return page(request, "portal_secret.html", values, f"webhook/{webhook_id}", operator=False)
