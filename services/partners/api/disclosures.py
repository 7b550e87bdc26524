"""Routes of the disclosure log, for the operator."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request

from services.partners.api.answers import BreachPageOut, BreachReport, OwnerReport, ReceiptOut
from services.partners.api.forms import Moment
from services.partners.api.requests import Operator, refusals_as_problems
from services.partners.handlers.reporting import report_between, report_owner
from shared.web.deeds import Limit, pool_of

router = APIRouter(prefix="/disclosures", tags=["pengungkapan"])


@router.get("", summary="Siapa menerima apa di antara dua saat")
async def between(
    request: Request,
    _: Operator,
    since: Annotated[Moment, Query(description="Sejak saat ini.")],
    until: Annotated[Moment, Query(description="Sampai sesaat sebelum ini.")],
    after: Annotated[int, Query(ge=0, le=2**62, description="Nilai `next` dari halaman sebelumnya.")] = 0,
    limit: Limit = 50,
) -> BreachReport:
    """Untuk laporan kegagalan pelindungan data pribadi (UU 27/2022 pasal 46): instansi, peristiwa, dan kolomnya."""
    async with refusals_as_problems():
        found = await report_between(pool_of(request), since, until, after, limit)
    page = [BreachPageOut.of(item) for item in found.pages]
    return BreachReport(items=page, next=page[-1].id if found.more else None)


@router.get("/owners/{owner_id}", summary="Apa yang diterima instansi tentang satu pemilik")
async def of_owner(request: Request, owner_id: UUID, _: Operator) -> OwnerReport:
    """Setiap peristiwa tentang pemilik ini yang diterima instansi, dengan kolom, tujuan dan waktunya."""
    async with refusals_as_problems():
        found = await report_owner(pool_of(request), owner_id)
    return OwnerReport(owner_id=owner_id, items=[ReceiptOut.of(item) for item in found])
