"""What is read and done with notices of erasure, by programs and by people: one way for both.

It asks for no agreement: erasing is a duty that outlives it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from services.partners.api.erasure_forms import AnswerForm, LetterForm, NoticeOut
from services.partners.api.requests import run_many
from services.partners.domain.erasures import Notice, Wanted
from services.partners.domain.refusals import NoAgreementError
from services.partners.handlers import erasures as handlers
from services.partners.handlers.erasures import AnswerNotice
from shared.auth import Principal, Role
from shared.database import Connection
from shared.idempotency import Once
from shared.web.deeds import pool_of


def whose_notices(principal: Principal) -> str | None:
    """Return the agency that a caller speaks for; ``None``: an officer, who sees all. Raises ``NoAgreementError``."""
    if principal.roles & {Role.OPERATOR, Role.PETUGAS_DINAS}:
        return None
    if principal.agency is None:
        raise NoAgreementError(None, None)
    return principal.agency


async def list_notices(
    request: Request, principal: Principal, wanted: Wanted, after: UUID, limit: int, now: datetime
) -> tuple[list[Notice], UUID | None]:
    """Return notices after an id, and the id after which more come. An agency sees its own, and has been told of them by that."""
    pool, own = pool_of(request), whose_notices(principal)
    found = await handlers.list_notices(pool, after, replace(wanted, agency=own or wanted.agency), limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return page if own is None else await handlers.note_read(pool, own, page, now), following


async def show_notice(request: Request, principal: Principal, notice_id: UUID, now: datetime) -> Notice:
    """Return one notice, else ``NotFoundError``; its agency has been told of it by that."""
    pool, own = pool_of(request), whose_notices(principal)
    found = await handlers.show_notice(pool, notice_id, own)
    return found if own is None else (await handlers.note_read(pool, own, [found], now))[0]


async def acknowledge(
    request: Request, principal: Principal, once: Once, notice_id: UUID, form: AnswerForm
) -> Response:
    """Let an agency say what it has done, or an officer by the agency's letter; the answer is the notice."""
    now = datetime.now(UTC)

    async def work(connection: Connection) -> Any:
        command = AnswerNotice(notice_id, whose_notices(principal), form.outcome, form.reference)
        notice = await handlers.answer(connection, command, principal.sub, now)
        return NoticeOut.of(notice, now).model_dump(mode="json")

    return await run_many(request, once, work)


async def tell_by_letter(
    request: Request, principal: Principal, once: Once, notice_id: UUID, form: LetterForm
) -> Response:
    """Note by which letter an officer told an agency; the answer is the notice."""
    now = datetime.now(UTC)

    async def work(connection: Connection) -> Any:
        notice = await handlers.tell_by_letter(connection, notice_id, form.letter, principal.sub, now)
        return NoticeOut.of(notice, now).model_dump(mode="json")

    return await run_many(request, once, work)
