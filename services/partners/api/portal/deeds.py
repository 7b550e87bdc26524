"""What people do with endpoints: forms that only our pages can send, and that have one effect however often they are sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api import webhook_deeds as deeds
from services.partners.api.portal.frame import (
    ROUTE,
    Person,
    PortalRoute,
    Visitor,
    page,
    read_code,
    read_id,
    refused,
    say_here,
)
from services.partners.api.portal.sending import (
    Fields,
    form_of,
    lead_to,
    new_code,
    problem_in,
    sent,
    version_in,
    wrong_field,
)
from services.partners.api.requests import refusals_as_problems, whose
from services.partners.api.webhook_forms import ResumeForm, RotateForm, WebhookForm
from services.partners.domain.signing import write_secret
from services.partners.handlers import webhooks as handlers
from shared.auth import Principal
from shared.idempotency import Once
from shared.problems import Problem
from shared.web.app import cause_of
from shared.web.deeds import pool_of

NEW = "webhook-baru"

router = APIRouter(prefix=ROUTE, route_class=PortalRoute, include_in_schema=False)


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
    once, fields = await sent(request, person, NEW, code)
    try:
        told = {"url": fields.get("alamat", "").strip(), "start": fields.get("mulai", "")}
        form = form_of(request, WebhookForm, told)
    except Problem as wrong:
        return _new_page(request, person, code, fields, wrong)
    answer = await deeds.create(request, person, once, form)
    problem = problem_in(answer)
    if problem is not None and problem.slug == "alamat-webhook":
        return _new_page(request, person, code, fields, problem)
    return await _secret_page(request, answer, back=f"instansi/{code}")


@router.post("/{language}/webhook/{webhook_id}/kunci")
async def rotate(request: Request, person: Person, webhook_id: str) -> Response:
    """Sign with another secret too, and show it."""
    found, once, fields, version = await _on_webhook(request, person, webhook_id, "kunci")
    form = form_of(request, RotateForm, {"overlap_hours": fields.get("jam", "")})
    answer = await deeds.rotate(request, person, once, found, version, form)
    return await _secret_page(request, answer, back=f"webhook/{found}")


@router.post("/{language}/webhook/{webhook_id}/hapus")
async def remove(request: Request, person: Person, webhook_id: str) -> Response:
    """Post nothing for good, if the box is ticked."""
    found, once, fields, version = await _on_webhook(request, person, webhook_id, "hapus")
    if fields.get("yakin") != "ya":
        raise wrong_field(request, "yakin", fields.get("yakin", ""))
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


async def _on_webhook(
    request: Request, principal: Principal, webhook_id: str, name: str
) -> tuple[UUID, Once, Fields, int]:
    """Return what a form on an endpoint says: whose it is, is judged by the deed itself."""
    found = read_id(webhook_id)
    once, fields = await sent(request, principal, name, found)
    return found, once, fields, version_in(request, fields)


def _done(request: Request, answer: Response, webhook_id: UUID, name: str) -> Response:
    """Lead back to the endpoint, which says what was done; a refusal is a page of its own."""
    problem = problem_in(answer)
    if problem is not None:
        return refused(request, problem, back=f"webhook/{webhook_id}")
    return lead_to(f"../{webhook_id}?sudah={name}")


def _new_page(request: Request, person: Principal, code: str, fields: Fields, problem: Problem | None) -> Response:
    values = {
        "code": code,
        "form_code": new_code(request, person, NEW, code),
        "typed": fields.get("alamat", ""),
        "start": fields.get("mulai", "sekarang"),
        "wrong": None if problem is None else say_here(request, problem),
    }
    status = 200 if problem is None else problem.status
    return page(request, "portal_new_webhook.html", values, f"instansi/{code}/{NEW}", operator=False, status=status)


async def _secret_page(request: Request, answer: Response, back: str) -> Response:
    """Return the page that shows a secret. The same form sent once more shows it again for a moment, then says that it was shown."""
    problem = problem_in(answer)
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
