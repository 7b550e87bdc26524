"""Routes of how far a business has come: assessments, classes, readiness for export, workers over time."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.registry.api.forms import (
    WorkersCountForm,
)
from services.registry.api.progress_forms import (
    AssessmentForm,
    AssessmentOut,
    AssessmentPage,
    ChecklistOut,
    ClassChangeForm,
    ClassChangeOut,
    ClassChangePage,
    ExportReadinessForm,
    ExportReadinessOut,
    ExportReadinessPage,
    MethodOut,
    RisePage,
    WorkersOut,
    WorkersPage,
    following,
)
from services.registry.api.requests import (
    Advisor,
    Mentoring,
    Office,
    Officer,
    SeenVersion,
    account_of,
    refusals_as_problems,
    ring_of,
    run_once,
    run_put,
)
from services.registry.commands import ChangeBusinessClass, RecordWorkers
from services.registry.commands.progress import AssessBusiness, RecordExportReadiness
from services.registry.handlers import Saved
from services.registry.handlers import progress as handlers
from services.registry.reference.progress import checklists, methods
from shared.contracts.registry import PlaceCode
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of

AfterVersion = Annotated[int, Query(ge=0, le=2**62, description="Nilai `next` dari halaman sebelumnya.")]
Before = Annotated[date, Query(description="Nilai `next` dari halaman sebelumnya.")]
Day = Annotated[date | None, Query(description="Hari (WITA), termasuk hari itu.")]
NEVER = date(9999, 12, 31)

router = APIRouter(tags=["perkembangan"])


@router.put("/businesses/{business_id}/class", response_model=SavedOut, summary="Catat kelas")
async def change_class(
    request: Request, business_id: UUID, body: ClassChangeForm, principal: Office, version: SeenVersion
) -> Response:
    """Mencatat kelas dengan dasar, tahun, dan sumbernya. Naik kelas memerlukan bukti."""
    evidence = tuple(dict.fromkeys(body.evidence))
    command = ChangeBusinessClass(business_id, version, body.to_reported(), evidence)

    async def work(connection: Connection) -> Saved:
        return await handlers.change_class(connection, ring_of(request), command, cause_of(request, principal))

    return await run_put(request, work)


@router.get("/businesses/{business_id}/classes", summary="Riwayat kelas")
async def list_class_changes(
    request: Request, business_id: UUID, principal: Officer, after: AfterVersion = 0, limit: Limit = 50
) -> ClassChangePage:
    """Perubahan kelas satu usaha, dari yang terlama."""
    async with refusals_as_problems():
        found = await handlers.list_class_changes(pool_of(request), business_id, principal.scope, after, limit + 1)
    items = [ClassChangeOut(**record) for record in found[:limit]]
    return ClassChangePage(items=items, next=following(found, limit))


@router.get("/class-rises", summary="Usaha naik kelas")
async def list_class_rises(
    request: Request,
    principal: Officer,
    kelurahan: PlaceCode | None = None,
    since: Day = None,
    until: Day = None,
    after: After = FIRST,
    limit: Limit = 50,
) -> RisePage:
    """Usaha yang naik kelas (mikro ke kecil ke menengah) dengan buktinya, menurut urutan pencatatan."""
    place = principal.scope or kelurahan
    found = await handlers.list_class_rises(pool_of(request), after, place, since, until, limit + 1)
    page = [ClassChangeOut(**record) for record in found[:limit]]
    return RisePage(items=page, next=page[-1].id if len(found) > limit else None)


@router.put("/businesses/{business_id}/workers", response_model=SavedOut, summary="Catat tenaga kerja")
async def record_workers(
    request: Request, business_id: UUID, body: WorkersCountForm, principal: Officer, version: SeenVersion
) -> Response:
    """Mencatat tenaga kerja pada suatu hari. Hitungan hari yang lebih lama masuk ke riwayat saja."""
    command = RecordWorkers(business_id, version, body.to_workers(), body.as_of)

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.record_workers(connection, ring_of(request), command, cause, principal.scope)

    return await run_put(request, work)


@router.get("/businesses/{business_id}/workers", summary="Riwayat tenaga kerja")
async def list_workers(
    request: Request, business_id: UUID, principal: Officer, before: Before = NEVER, limit: Limit = 50
) -> WorkersPage:
    """Tenaga kerja dari hari ke hari, dari yang terbaru; catatan terakhir tentang suatu hari yang berlaku."""
    async with refusals_as_problems():
        found = await handlers.list_workers(pool_of(request), business_id, principal.scope, before, limit + 1)
    page = [WorkersOut(**record) for record in found[:limit]]
    return WorkersPage(items=page, next=page[-1].as_of if len(found) > limit else None)


@router.post("/businesses/{business_id}/assessments", response_model=SavedOut, summary="Nilai usaha")
async def assess(
    request: Request,
    business_id: UUID,
    body: AssessmentForm,
    principal: Mentoring,
    version: SeenVersion,
    once: OnlyOnce,
) -> Response:
    """Menilai usaha atas lima aspek, oleh petugas dinas atau pendampingnya. Penilaian tidak pernah diubah."""
    command = AssessBusiness(
        business_id, version, new_id(), body.method_version, body.scores.to_scores(), body.assessed_on
    )

    async def work(connection: Connection) -> Saved:
        cause = cause_of(request, principal)
        return await handlers.assess_business(connection, ring_of(request), command, account_of(principal), cause)

    return await run_once(request, once, work)


@router.get("/businesses/{business_id}/assessments", summary="Riwayat penilaian")
async def list_assessments(
    request: Request, business_id: UUID, principal: Officer, after: AfterVersion = 0, limit: Limit = 50
) -> AssessmentPage:
    """Penilaian satu usaha, menurut urutan pencatatan."""
    async with refusals_as_problems():
        found = await handlers.list_assessments(pool_of(request), business_id, principal.scope, after, limit + 1)
    items = [AssessmentOut(**record) for record in found[:limit]]
    return AssessmentPage(items=items, next=following(found, limit))


@router.put("/businesses/{business_id}/export-readiness", response_model=SavedOut, summary="Catat kesiapan ekspor")
async def record_export_readiness(
    request: Request, business_id: UUID, body: ExportReadinessForm, principal: Mentoring, version: SeenVersion
) -> Response:
    """Mencatat daftar periksa ekspor. Siap bila setiap butir yang wajib bagi sektornya terpenuhi."""
    command = RecordExportReadiness(
        business_id, version, new_id(), body.checklist_version, dict(body.items), body.as_of
    )

    async def work(connection: Connection) -> Saved:
        cause, account = cause_of(request, principal), account_of(principal)
        return await handlers.record_export_readiness(connection, ring_of(request), command, account, cause)

    return await run_put(request, work)


@router.get("/businesses/{business_id}/export-readiness", summary="Riwayat kesiapan ekspor")
async def list_export_readiness(
    request: Request, business_id: UUID, principal: Officer, after: AfterVersion = 0, limit: Limit = 50
) -> ExportReadinessPage:
    """Pemeriksaan kesiapan ekspor satu usaha, menurut urutan pencatatan."""
    async with refusals_as_problems():
        found = await handlers.list_export_readiness(pool_of(request), business_id, principal.scope, after, limit + 1)
    items = [ExportReadinessOut(**record) for record in found[:limit]]
    return ExportReadinessPage(items=items, next=following(found, limit))


@router.get("/assessment-methods", summary="Metode penilaian")
async def list_methods(_: Advisor) -> list[MethodOut]:
    """Semua versi metode penilaian dengan arti setiap tingkat."""
    return [MethodOut.of(method) for method in methods()]


@router.get("/export-checklists", summary="Daftar periksa ekspor")
async def list_checklists(_: Advisor) -> list[ChecklistOut]:
    """Semua versi daftar periksa ekspor."""
    return [ChecklistOut.of(checklist) for checklist in checklists()]
