"""The operator's page: what is queued, sent, failed or unknown, and sending again; without JavaScript, in Indonesian.

It shows ids, states and codes, never a name or an address. Like every route it asks for a bearer token; for people, whatever
stands in front of the service and knows them adds it. So a form could be sent from another page in their name: each of ours
bears a code that only we can make for that operator and that message, which is its idempotency key as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response

from services.notifications.api.asking import Database, decode_place, encode_place
from services.notifications.api.page_words import CHANNELS, REASONS, STATES, SUBJECTS, TEMPLATE_NAMES
from services.notifications.commands import ResendMessage
from services.notifications.domain.announcements import AnnouncementState
from services.notifications.domain.messages import RESENDABLE, NotResendableError, State, UnknownMessageError
from services.notifications.domain.overseeing import Chosen, Subject
from services.notifications.domain.text import one_line
from services.notifications.handlers import announcing, operating, overseeing
from shared.auth import Principal, Role, allow
from shared.database import Connection, Pool
from shared.idempotency import Answer, Once
from shared.identifiers import new_id
from shared.problems import Problem
from shared.web_pages import PAGE_HEADERS, page_environment
from shared.web_pages.forms import FormCodes, read_fields
from shared.wita import write_moment, write_number

HERE = Path(__file__).parent / "templates"
HEADERS = {**PAGE_HEADERS, "Cache-Control": "no-store"}
PAGE_ROWS = 50
ANNOUNCEMENTS = 20
ROUTE = "/operator"
DAYS = (1, 7, 30, 365)

Operator = Annotated[Principal, Depends(allow(Role.OPERATOR))]
Place = Annotated[str, Query(max_length=200)]


def operator_router() -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(tags=["halaman"], include_in_schema=False)
    pages, deep = _environment(up=1), _environment(up=2)

    @router.get(f"{ROUTE}/")
    async def overview(
        pool: Database,
        _: Operator,
        keadaan: str = "",
        topik: str = "",
        saluran: Annotated[str, Query(max_length=40)] = "",
        hari: Annotated[int, Query(ge=1, le=365)] = 7,
        after: Place = "",
    ) -> Response:
        chosen = Chosen(_one_of(State, keadaan), _one_of(Subject, topik), saluran or None)
        listed = await overseeing.list_chosen(pool, chosen, hari, decode_place(after or None), PAGE_ROWS)
        asked = {"keadaan": chosen.state or "", "topik": chosen.subject or "", "saluran": saluran, "hari": str(hari)}
        values = {
            "tallies": await overseeing.count_by_subject(pool, hari),
            "listed": listed.rows,
            "asked": asked,
            "next_page": _next_page(asked, encode_place(listed.next_place)),
        }
        return _html(pages, "operator.html", values)

    @router.get(f"{ROUTE}/pengumuman")
    async def announcements(pool: Database, _: Operator, after: Place = "") -> Response:
        page = await announcing.list_announcements(pool, decode_place(after or None), ANNOUNCEMENTS)
        following = _next_page({}, encode_place(page.next_place))
        return _html(pages, "operator_announcements.html", {"items": page.items, "next_page": following})

    @router.get(f"{ROUTE}/{{message_id}}")
    async def history(pool: Database, _: Operator, message_id: UUID) -> Response:
        return await _history(pages, pool, message_id)

    @router.get(f"{ROUTE}/{{message_id}}/kirim-ulang")
    async def ask(request: Request, pool: Database, operator: Operator, message_id: UUID) -> Response:
        return await _ask(deep, request, pool, operator, message_id)

    @router.post(f"{ROUTE}/{{message_id}}/kirim-ulang")
    async def resend(request: Request, pool: Database, operator: Operator, message_id: UUID) -> Response:
        return await _resend(deep, request, pool, operator, message_id)

    return router


def _environment(up: int) -> Environment:
    environment = page_environment(HERE, up=up)
    environment.filters |= {"moment": write_moment, "number": write_number}
    environment.globals |= {
        "states": STATES,
        "subjects": SUBJECTS,
        "channels": CHANNELS,
        "reasons": REASONS,
        "templates": TEMPLATE_NAMES,
        "announcement_states": ANNOUNCEMENT_STATES,
        "days": DAYS,
        "resendable": RESENDABLE,
        "home": "../" * (up - 1) + "./",
    }
    return environment


ANNOUNCEMENT_STATES = {
    AnnouncementState.QUEUED: "antre",
    AnnouncementState.RUNNING: "pesannya sedang dibuat",
    AnnouncementState.DONE: "semua pesan dibuat",
    AnnouncementState.CANCELLING: "sedang dibatalkan",
    AnnouncementState.CANCELLED: "dibatalkan",
}


def _one_of(kind: Any, text: str) -> Any:
    """Return the member of an enumeration; ``None`` for none or one that is not known, as for an old bookmark."""
    return kind(text) if text in set(kind) else None


def _next_page(asked: Mapping[str, str], place: str | None) -> str | None:
    return None if place is None else "?" + urlencode({**{k: v for k, v in asked.items() if v}, "after": place})


def _html(environment: Environment, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    return HTMLResponse(environment.get_template(template).render(values), status_code=status, headers=HEADERS)


def _refused(environment: Environment, title: str, text: str, status: int) -> Response:
    return _html(environment, "operator_refused.html", {"title": title, "text": text}, status)


def _unknown(environment: Environment) -> Response:
    return _refused(environment, "Pesan tidak dikenal", "Tidak ada pesan dengan nomor ini.", 404)


async def _history(environment: Environment, pool: Pool, message_id: UUID) -> Response:
    try:
        row, steps, subject = await overseeing.show_history(pool, message_id)
    except UnknownMessageError:
        return _unknown(environment)
    return _html(environment, "operator_message.html", {"row": row, "steps": steps, "subject": subject})


def _codes(request: Request) -> FormCodes:
    codes: FormCodes = request.app.state.form_codes
    return codes


def _deed(message_id: UUID) -> str:
    return f"resend|{message_id}"


async def _ask(
    environment: Environment,
    request: Request,
    pool: Pool,
    operator: Principal,
    message_id: UUID,
    missing: str | None = None,
) -> Response:
    """Return the page that asks before a message is sent again; ``missing`` says what its form lacked."""
    try:
        row, _, subject = await overseeing.show_history(pool, message_id)
    except UnknownMessageError:
        return _unknown(environment)
    if row["state"] not in RESENDABLE:
        return _refused(environment, "Pesan tidak dapat dikirim ulang", ONLY, 409)
    code = _codes(request).make(operator.sub, _deed(message_id), new_id().hex)
    values = {"row": row, "subject": subject, "code": code, "missing": missing}
    return _html(environment, "operator_resend.html", values, 200 if missing is None else 422)


ONLY = "Hanya pesan yang gagal, atau yang tidak diketahui hasilnya, dapat dikirim ulang."


async def _resend(
    environment: Environment, request: Request, pool: Pool, operator: Principal, message_id: UUID
) -> Response:
    fields = read_fields(await request.body())
    code, reason = fields.get("kode", ""), one_line(fields.get("alasan", ""), 200)
    if not _codes(request).is_ours(code, operator.sub, _deed(message_id)):
        return _refused(environment, "Formulir tidak berlaku", "Buka lagi halaman pesan ini, lalu ulangi.", 403)
    if len(reason) < 3 or fields.get("yakin") != "ya":
        missing = "Isi alasannya (sedikitnya 3 huruf) dan beri tanda bahwa Anda yakin."
        return await _ask(environment, request, pool, operator, message_id, missing)

    async def work(connection: Connection) -> Answer:
        try:
            await operating.resend_message(connection, ResendMessage(message_id, reason, operator.sub))
        except UnknownMessageError:
            raise Problem(404, "pesan-tidak-dikenal", "Pesan tidak dikenal", "Tidak ada pesan ini.") from None
        except NotResendableError as error:
            title = "Pesan tidak dapat dikirim ulang"
            raise Problem(409, "pesan-tidak-dapat-dikirim-ulang", title, ONLY, state=error.state) from error
        return Answer(303, None, {"Location": f"../{message_id}"})

    answer = await Once(request, code).run(pool, work)
    if answer.status_code >= 400:
        said = orjson.loads(bytes(answer.body))
        return _refused(environment, said["title"], said["detail"], answer.status_code)
    return answer
