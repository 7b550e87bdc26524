"""Routes of notices of erasure: an agency reads and acknowledges its own, officers see all and tell by letter.

They ask for no agreement: erasing is a duty that outlives it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api.erasure_forms import AnswerForm, LetterForm, NoticeOut, NoticePage
from services.partners.api.requests import Reader, Signer, refusals_as_problems, run_many
from services.partners.domain.erasures import Wanted
from services.partners.domain.refusals import NoAgreementError
from services.partners.handlers import erasures as handlers
from services.partners.handlers.erasures import AnswerNotice
from shared.auth import Principal, Role
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST
from shared.web.deeds import After, Limit, pool_of

router = APIRouter(prefix="/erasures", tags=["penghapusan"])

IsOpen = Annotated[bool | None, Query(alias="open", description="Hanya yang belum, atau yang sudah dikonfirmasi.")]


def _whose(principal: Principal) -> str | None:
    """Return the agency that a caller speaks for; ``None``: an officer, who sees all."""
    if principal.roles & {Role.OPERATOR, Role.PETUGAS_DINAS}:
        return None
    if principal.agency is None:
        raise NoAgreementError(None, None)
    return principal.agency


@router.get("", summary="Pemberitahuan penghapusan")
async def list_notices(
    request: Request,
    principal: Reader,
    agency: Annotated[str | None, Query(max_length=30)] = None,
    owner_id: UUID | None = None,
    is_open: IsOpen = None,
    overdue: bool = False,
    after: After = FIRST,
    limit: Limit = 50,
) -> NoticePage:
    """Pemilik yang datanya dihapus dan pernah diterima instansi Anda; petugas melihat semua instansi, juga per pemilik."""
    now, pool = datetime.now(UTC), pool_of(request)
    async with refusals_as_problems():
        own = _whose(principal)
        wanted = Wanted(own or agency, owner_id, is_open, now if overdue else None)
        found = await handlers.list_notices(pool, after, wanted, limit + 1)
        page = found[:limit]
        if own is not None:
            page = await handlers.note_read(pool, own, page, now)
    following = page[-1].id if len(found) > limit else None
    return NoticePage(items=[NoticeOut.of(item, now) for item in page], next=following)


@router.post("/{notice_id}/acknowledgement", response_model=NoticeOut, summary="Konfirmasi")
async def acknowledge(
    request: Request, notice_id: UUID, body: AnswerForm, principal: Reader, once: OnlyOnce
) -> Response:
    """Instansi menyatakan apa yang dilakukannya; petugas dapat mencatat surat instansi. Sekali dijawab, tidak ditagih lagi."""
    now = datetime.now(UTC)

    async def work(connection: Connection) -> Any:
        async with refusals_as_problems():
            command = AnswerNotice(notice_id, _whose(principal), body.outcome, body.reference)
            notice = await handlers.answer(connection, command, principal.sub, now)
        return NoticeOut.of(notice, now).model_dump(mode="json")

    return await run_many(request, once, work)


@router.post("/{notice_id}/letter", response_model=NoticeOut, summary="Catat surat")
async def tell_by_letter(
    request: Request, notice_id: UUID, body: LetterForm, principal: Signer, once: OnlyOnce
) -> Response:
    """Petugas memberi tahu instansi dengan surat, bila tidak ada jalan lain."""
    now = datetime.now(UTC)

    async def work(connection: Connection) -> Any:
        notice = await handlers.tell_by_letter(connection, notice_id, body.letter, principal.sub, now)
        return NoticeOut.of(notice, now).model_dump(mode="json")

    return await run_many(request, once, work)
