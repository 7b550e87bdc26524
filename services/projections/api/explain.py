"""JSON: the businesses and facts behind a number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field

from services.projections.api.routes import Officer
from services.projections.api.views import View
from services.projections.domain.addresses import AddressRefusedError
from services.projections.handlers.explaining import Explained, Explaining, Item
from shared.contracts.registry import BUSINESS_TOPIC
from shared.identifiers import FIRST
from shared.problems import standard
from shared.web.deeds import Deeds

router = APIRouter(tags=["uraian"])
DEEDS = Deeds({AddressRefusedError: 422})


class FactView(View):
    """Satu peristiwa. Pelaku tidak ada di dalamnya: topik tidak membawanya."""

    id: UUID
    type: str = Field(examples=["business.registered"])
    time: datetime
    topic: str = Field(examples=[BUSINESS_TOPIC])
    sequence: int = Field(description="Urutan di dalam alirannya.")


class ItemView(View):
    """Satu usaha di dalam angka ini."""

    business_id: UUID
    amount: int = Field(description="Sumbangan usaha ini; jumlah dari semua halaman sama dengan `total`.")
    events: list[FactView] = Field(description="Peristiwa yang membuatnya terhitung, berurutan.")


class ExplainedView(View):
    """Satu angka dan asal-usulnya."""

    address: str = Field(description="Alamat lengkap.", examples=["district_dashboard/64.71.01.1001/kelas=mikro"])
    unit: str = Field(examples=["usaha"])
    total: int | None = Field(description="null: tidak diketahui, karena tidak ada usaha yang melaporkannya.")
    businesses: int
    items: list[ItemView]
    next_after: UUID | None = Field(description="Nilai `after` untuk halaman berikutnya; null: sudah habis.")


async def explaining_of(request: Request) -> Explaining:
    """Return what explains the numbers of this app."""
    explaining: Explaining = request.app.state.explaining
    return explaining


@router.get("/explain/{address:path}", summary="Usaha dan peristiwa di balik satu angka")
async def explain(
    explaining: Annotated[Explaining, Depends(explaining_of)],
    principal: Officer,
    address: Annotated[str, Path(examples=["district_dashboard/64.71.01.1001/kelas=mikro"])],
    after: Annotated[UUID, Query(description="Nilai `next_after` dari halaman sebelumnya.")] = FIRST,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> ExplainedView:
    """Angka dan halaman ini dari satu saat yang sama. Petugas kelurahan hanya melihat angka kelurahannya sendiri."""
    async with DEEDS.refusals_as_problems():
        read = explaining.read(address)
        if principal.confined and read.kelurahan is None:
            raise standard(403, f"Sebutkan kelurahan Anda, misalnya {read.name}/{principal.kelurahan}.")
        principal.require_kelurahan(read.kelurahan or "")
        return _view(await explaining.explain(read, after, limit))


def _view(found: Explained) -> ExplainedView:
    return ExplainedView(
        address=str(found.address),
        unit=found.unit,
        total=found.total,
        businesses=found.businesses,
        items=[_item(item) for item in found.items],
        next_after=found.next_after,
    )


def _item(item: Item) -> ItemView:
    facts = [
        FactView(id=fact.event_id, type=fact.name, time=fact.at, topic=fact.topic, sequence=fact.sequence)
        for fact in item.facts
    ]
    return ItemView(business_id=item.business_id, amount=item.amount, events=facts)
