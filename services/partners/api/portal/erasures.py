"""Notices of erasure: what an agency was told of, and the form that acknowledges it; officers see all, who is late, and note their letters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api import erasure_deeds as deeds
from services.partners.api.erasure_forms import AnswerForm, LetterForm
from services.partners.api.portal.erasure_words import SHOWN
from services.partners.api.portal.frame import ROUTE, PortalRoute, Visitor, page, place_of, read_code, read_id, say_here
from services.partners.api.portal.sending import Fields, Form, done_of, form_of, lead_to, new_code, problem_in, sent
from services.partners.api.requests import refusals_as_problems
from services.partners.domain.erasures import Notice, Outcome, Wanted
from services.partners.handlers import erasures as handlers
from shared.auth import Principal
from shared.idempotency import Once
from shared.identifiers import FIRST
from shared.problems import Problem, standard
from shared.web.deeds import pool_of

LISTED, ANSWER, LETTER = "penghapusan", "jawaban", "surat"
ROWS = 50

Which = Literal["terbuka", "terlambat", "semua"]

router = APIRouter(prefix=ROUTE, route_class=PortalRoute, include_in_schema=False)


@router.get(f"/{{language}}/{LISTED}")
async def listed(
    request: Request,
    visitor: Visitor,
    which: Annotated[Which, Query(alias="tampil")] = "terbuka",
    agency: Annotated[str | None, Query(alias="instansi", max_length=30)] = None,
    after: UUID = FIRST,
) -> Response:
    """Show notices, the oldest first: those that wait for an answer, those that are late, or all."""
    now = datetime.now(UTC)
    wanted = Wanted(
        None if agency is None else read_code(agency, None),
        is_open=True if which == "terbuka" else None,
        overdue_at=now if which == "terlambat" else None,
    )
    async with refusals_as_problems():
        own = deeds.whose_notices(visitor)
        rows, following = await deeds.list_notices(request, visitor, wanted, after, ROWS, now)
    kept = {"tampil": which} | ({} if wanted.agency is None or own is not None else {"instansi": wanted.agency})
    values = {
        "rows": [(notice, notice.is_overdue(now)) for notice in rows],
        "which": which,
        "filters": [
            (code, pair[place_of(request)], urlencode(kept | {"tampil": code})) for code, pair in SHOWN.items()
        ],
        "agency": kept.get("instansi"),
        "standing": [] if own is not None else await handlers.count_by_agency(pool_of(request), now),
        "next_page": None if following is None else urlencode(kept | {"after": str(following)}),
    }
    return page(request, "portal_erasures.html", values, f"{LISTED}?{urlencode(kept)}", operator=own is None)


@router.get(f"/{{language}}/{LISTED}/{{notice_id}}")
async def shown(request: Request, visitor: Visitor, notice_id: str) -> Response:
    """Show a notice, with the form that acknowledges it."""
    return await _notice_page(request, visitor, read_id(notice_id), {}, None)


@router.post(f"/{{language}}/{LISTED}/{{notice_id}}/{ANSWER}")
async def acknowledge(request: Request, visitor: Visitor, notice_id: str) -> Response:
    """Take an agency's answer, or an officer's by the agency's letter."""

    def form_in(fields: Fields) -> AnswerForm:
        reference = fields.get("rujukan", "").strip()
        return form_of(request, AnswerForm, {"outcome": fields.get("hasil", ""), "reference": reference or None})

    return await _take(request, visitor, read_id(notice_id), ANSWER, form_in, deeds.acknowledge)


@router.post(f"/{{language}}/{LISTED}/{{notice_id}}/{LETTER}")
async def tell_by_letter(request: Request, visitor: Visitor, notice_id: str) -> Response:
    """Note by which letter an officer told an agency."""
    found = read_id(notice_id)
    if deeds.whose_notices(visitor) is not None:
        raise standard(403)

    def form_in(fields: Fields) -> LetterForm:
        return form_of(request, LetterForm, {"letter": fields.get("surat", "").strip()})

    return await _take(request, visitor, found, LETTER, form_in, deeds.tell_by_letter)


async def _take(
    request: Request,
    visitor: Principal,
    notice_id: UUID,
    name: str,
    form_in: Callable[[Fields], Form],
    deed: Callable[[Request, Principal, Once, UUID, Form], Awaitable[Response]],
) -> Response:
    """Do what a form on a notice says, and lead back to it; a refusal is told in the form."""
    once, fields = await sent(request, visitor, name, notice_id)
    try:
        form = form_in(fields)
    except Problem as wrong:
        return await _notice_page(request, visitor, notice_id, fields, wrong)
    problem = problem_in(await deed(request, visitor, once, notice_id, form))
    if problem is not None:
        return await _notice_page(request, visitor, notice_id, fields, problem)
    return lead_to(f"../{notice_id}?sudah={name}")


def _answers(notice: Notice) -> list[Outcome]:
    """Return what may still be answered; the rule judges it again."""
    if notice.outcome is None:
        return list(Outcome)
    return [Outcome.DIHAPUS] if notice.outcome is Outcome.WAJIB_DISIMPAN else []


async def _notice_page(
    request: Request, visitor: Principal, notice_id: UUID, fields: Fields, problem: Problem | None
) -> Response:
    now = datetime.now(UTC)
    async with refusals_as_problems():
        own = deeds.whose_notices(visitor)
        notice = await deeds.show_notice(request, visitor, notice_id, now)
    values = {
        "notice": notice,
        "overdue": notice.is_overdue(now),
        "answers": _answers(notice),
        "form_code": new_code(request, visitor, ANSWER, notice_id),
        "letter_code": None if own is not None else new_code(request, visitor, LETTER, notice_id),
        "letter": fields.get("surat", ""),
        "chosen": fields.get("hasil", Outcome.DIHAPUS.value),
        "typed": fields.get("rujukan", ""),
        "done": done_of(request),
        "wrong": None if problem is None else say_here(request, problem),
    }
    status = 200 if problem is None else problem.status
    return page(request, "portal_erasure.html", values, f"{LISTED}/{notice_id}", operator=own is None, status=status)
