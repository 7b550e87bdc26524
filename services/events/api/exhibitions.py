"""Routes of exhibitions and booths, and of the total that anybody may see."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.events.api.answers import (
    BoothOut,
    ChangedOut,
    CuratedOut,
    ExhibitionDetail,
    ExhibitionOut,
    ExhibitionPage,
    ReportOut,
    ReportPage,
    TurnoverOut,
)
from services.events.api.forms import (
    AttendanceForm,
    BoothForm,
    CapacityForm,
    ExhibitionForm,
    ScoresForm,
)
from services.events.api.requests import (
    Curator,
    Office,
    Officer,
    Reader,
    items_of,
    refusals_as_problems,
    run_many,
    run_once,
    run_put,
)
from services.events.commands import CancelExhibition, ChangeCapacity, GiveScores, OpenBooth, RecordPresence
from services.events.handlers import Saved, curating, placing, selling
from services.events.handlers import exhibitions as handlers
from shared.auth import public
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

router = APIRouter(prefix="/exhibitions", tags=["pameran"])
booths = APIRouter(prefix="/booths", tags=["stan"])


@router.post("", status_code=201, response_model=SavedOut, summary="Buka pameran")
async def open_exhibition(request: Request, body: ExhibitionForm, principal: Office, once: OnlyOnce) -> Response:
    """Membuka pameran atau bazar, dari dinas atau mitra, dengan gelombang dan kriteria kurasinya."""
    command = body.to_command()

    async def work(connection: Connection) -> Saved:
        return await handlers.open_exhibition(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/exhibitions")


@router.get("", summary="Daftar pameran")
async def list_exhibitions(request: Request, _: Reader, after: After = FIRST, limit: Limit = 50) -> ExhibitionPage:
    """Pameran menurut urutan dibuka."""
    found = await handlers.list_exhibitions(pool_of(request), after, limit + 1)
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return ExhibitionPage(items=[ExhibitionOut.of(item) for item in page], next=following)


@router.get("/{exhibition_id}", response_model=ExhibitionDetail, summary="Satu pameran")
async def show_exhibition(request: Request, exhibition_id: UUID, _: Reader) -> Response:
    """Satu pameran dengan stannya, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        exhibition, found = await handlers.show_exhibition(pool_of(request), exhibition_id)
    detail = ExhibitionDetail(**dict(ExhibitionOut.of(exhibition)), booths=[BoothOut.of(item) for item in found])
    return JSONResponse(detail.model_dump(mode="json"), headers={"ETag": etag(exhibition.version)})


@router.post("/{exhibition_id}/cancellation", response_model=SavedOut, summary="Batalkan pameran")
async def cancel_exhibition(
    request: Request, exhibition_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Membatalkan pameran yang belum mulai, dengan semua pendaftarannya."""
    command = CancelExhibition(exhibition_id, version)

    async def work(connection: Connection) -> Saved:
        return await handlers.cancel_exhibition(connection, command, cause_of(request, principal))

    return await run_once(request, once, work)


@router.post("/{exhibition_id}/booths", status_code=201, response_model=SavedOut, summary="Buka stan")
async def open_booth(
    request: Request, exhibition_id: UUID, body: BoothForm, principal: Office, once: OnlyOnce
) -> Response:
    """Membuka stan; setelah kurasi, tempatnya untuk cadangan."""
    command = OpenBooth(new_id(), exhibition_id, body.kind, body.capacity)

    async def work(connection: Connection) -> Saved:
        return await handlers.open_booth(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/booths")


@booths.get("/{booth_id}", response_model=BoothOut, summary="Satu stan")
async def show_booth(request: Request, booth_id: UUID, _: Reader) -> Response:
    """Satu stan, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        booth = await handlers.find_booth(pool_of(request), booth_id)
    return JSONResponse(BoothOut.of(booth).model_dump(mode="json"), headers={"ETag": etag(booth.version)})


@booths.put("/{booth_id}/capacity", response_model=SavedOut, summary="Ubah kapasitas")
async def change_capacity(
    request: Request, booth_id: UUID, body: CapacityForm, principal: Office, version: SeenVersion
) -> Response:
    """Mengubah kapasitas; tidak pernah di bawah yang sudah terpilih atau ditempatkan."""
    command = ChangeCapacity(booth_id, version, body.capacity)
    return await run_put(
        request, lambda connection: handlers.change_capacity(connection, command, cause_of(request, principal))
    )


@router.post("/{exhibition_id}/scores", response_model=ChangedOut, summary="Beri nilai")
async def give_scores(
    request: Request, exhibition_id: UUID, body: ScoresForm, principal: Curator, once: OnlyOnce
) -> Response:
    """Nilai dari kurator yang masuk; diulang, nilai baru yang dihitung."""
    command = GiveScores(exhibition_id, principal.sub, body.to_judgements())

    async def work(connection: Connection) -> dict[str, object]:
        return items_of(await curating.give_scores(connection, command, cause_of(request, principal)))

    return await run_many(request, once, work)


@router.post("/{exhibition_id}/curation", response_model=CuratedOut, summary="Tetapkan kurasi")
async def curate(
    request: Request, exhibition_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menetapkan yang lolos, cadangan, dan ditolak. Nilai sama: yang lebih jarang ikut, lalu yang lebih dulu mendaftar."""

    async def work(connection: Connection) -> dict[str, object]:
        done = await curating.curate(connection, exhibition_id, version, cause_of(request, principal))
        counts = {"passed": done.passed, "reserved": done.reserved, "rejected": done.rejected}
        return {"id": str(done.id), "version": done.version, **counts}

    return await run_many(request, once, work)


@router.post("/{exhibition_id}/placements", response_model=ChangedOut, summary="Tempatkan semua yang lolos")
async def place_all(request: Request, exhibition_id: UUID, principal: Office, once: OnlyOnce) -> Response:
    """Menempatkan yang lolos menurut peringkat pada tempat kosong pertama: per gelombang, per stan."""

    async def work(connection: Connection) -> dict[str, object]:
        return items_of(await placing.place_all(connection, exhibition_id, cause_of(request, principal)))

    return await run_many(request, once, work)


@router.post("/{exhibition_id}/attendance", response_model=ChangedOut, summary="Catat kehadiran")
async def record_presence(
    request: Request, exhibition_id: UUID, body: AttendanceForm, principal: Office, once: OnlyOnce
) -> Response:
    """Mencatat siapa yang ikut dan siapa yang tidak hadir; diulang, memperbaiki."""
    command = RecordPresence(exhibition_id, body.to_presences())

    async def work(connection: Connection) -> dict[str, object]:
        return items_of(await selling.record_presence(connection, command, cause_of(request, principal)))

    return await run_many(request, once, work)


@router.get("/{exhibition_id}/sales", summary="Laporan penjualan")
async def list_reports(
    request: Request, exhibition_id: UUID, principal: Officer, after: After = FIRST, limit: Limit = 50
) -> ReportPage:
    """Laporan tiap peserta: belum lapor, sebagian, atau lapor."""
    async with refusals_as_problems():
        found = await selling.list_reports(pool_of(request), exhibition_id, after, principal.scope, limit + 1)
    page = found[:limit]
    following = page[-1].application.id if len(found) > limit else None
    return ReportPage(items=[ReportOut.of(item) for item in page], next=following)


@router.post("/{exhibition_id}/turnover", response_model=SavedOut, summary="Terbitkan omzet")
async def publish_turnover(
    request: Request, exhibition_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Menerbitkan jumlah penjualan: dari sekurang-kurangnya lima usaha, dan berbeda karena laporan lima usaha."""

    async def work(connection: Connection) -> Saved:
        return await selling.publish_turnover(connection, exhibition_id, version, cause_of(request, principal))

    return await run_once(request, once, work)


@router.get("/{exhibition_id}/turnover", summary="Omzet pameran", dependencies=[Depends(public())])
async def show_turnover(request: Request, exhibition_id: UUID) -> TurnoverOut:
    """Omzet yang diterbitkan. Terbuka untuk siapa pun."""
    async with refusals_as_problems():
        return TurnoverOut.of(await selling.find_turnover(pool_of(request), exhibition_id))
