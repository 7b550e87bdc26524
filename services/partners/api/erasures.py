"""Routes of notices of erasure: an agency reads and acknowledges its own, officers see all and tell by letter.

They ask for no agreement: erasing is a duty that outlives it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api import erasure_deeds as deeds
from services.partners.api.erasure_forms import AnswerForm, LetterForm, NoticeOut, NoticePage
from services.partners.api.requests import Reader, Signer, refusals_as_problems
from services.partners.domain.erasures import Wanted
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST
from shared.web.deeds import After, Limit

router = APIRouter(prefix="/erasures", tags=["penghapusan"])

IsOpen = Annotated[bool | None, Query(alias="open", description="Hanya yang belum, atau yang sudah dikonfirmasi.")]


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
    now = datetime.now(UTC)
    wanted = Wanted(agency, owner_id, is_open, now if overdue else None)
    async with refusals_as_problems():
        found, following = await deeds.list_notices(request, principal, wanted, after, limit, now)
    return NoticePage(items=[NoticeOut.of(item, now) for item in found], next=following)


@router.post("/{notice_id}/acknowledgement", response_model=NoticeOut, summary="Konfirmasi")
async def acknowledge(
    request: Request, notice_id: UUID, body: AnswerForm, principal: Reader, once: OnlyOnce
) -> Response:
    """Instansi menyatakan apa yang dilakukannya; petugas dapat mencatat surat instansi. Sekali dijawab, tidak ditagih lagi."""
    return await deeds.acknowledge(request, principal, once, notice_id, body)


@router.post("/{notice_id}/letter", response_model=NoticeOut, summary="Catat surat")
async def tell_by_letter(
    request: Request, notice_id: UUID, body: LetterForm, principal: Signer, once: OnlyOnce
) -> Response:
    """Petugas memberi tahu instansi dengan surat, bila tidak ada jalan lain."""
    return await deeds.tell_by_letter(request, principal, once, notice_id, body)
