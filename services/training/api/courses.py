"""Routes of programmes, courses and batches."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.training.api.answers import (
    BatchOut,
    ChangedOut,
    CourseDetail,
    CourseOut,
    CoursePage,
    ProgrammeOut,
    ProgrammePage,
    ResultsOut,
)
from services.training.api.forms import (
    AttendanceForm,
    BatchForm,
    CourseForm,
    ProgrammeForm,
    QuotaForm,
    ResultsForm,
    SessionForm,
)
from services.training.api.requests import Office, Officer, refusals_as_problems, run_many, run_once, run_put
from services.training.commands import (
    CancelBatch,
    ChangeQuota,
    MoveSession,
    OpenProgramme,
    RecordAttendance,
    RecordResults,
)
from services.training.handlers import Saved, certificates, enrolling, results
from services.training.handlers import courses as handlers
from shared.database import Connection
from shared.idempotency import OnlyOnce
from shared.identifiers import FIRST, new_id
from shared.web.app import cause_of
from shared.web.deeds import After, Limit, SavedOut, pool_of
from shared.web.versions import SeenVersion, etag

Number = Annotated[int, Path(ge=1, le=1_000)]

router = APIRouter(tags=["pelatihan"])
batches = APIRouter(prefix="/batches", tags=["angkatan"])


@router.post("/programmes", status_code=201, response_model=SavedOut, summary="Buka program")
async def open_programme(request: Request, body: ProgrammeForm, principal: Office, once: OnlyOnce) -> Response:
    """Membuka program, tempat pelatihan dikelompokkan; kodenya tertulis pada nomor sertifikat."""
    command = OpenProgramme(new_id(), body.code, body.title)

    async def work(connection: Connection) -> Saved:
        return await handlers.open_programme(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/programmes")


@router.get("/programmes", summary="Daftar program")
async def list_programmes(request: Request, _: Officer, after: After = FIRST, limit: Limit = 50) -> ProgrammePage:
    """Program menurut urutan dibuka."""
    found = await handlers.list_programmes(pool_of(request), after, limit + 1)
    page = found[:limit]
    return ProgrammePage(
        items=[ProgrammeOut.of(item) for item in page], next=page[-1].id if len(found) > limit else None
    )


@router.post("/courses", status_code=201, response_model=SavedOut, summary="Buka pelatihan")
async def open_course(request: Request, body: CourseForm, principal: Office, once: OnlyOnce) -> Response:
    """Membuka pelatihan dinas atau mitra, dengan syarat peserta dan aturan kelulusannya."""
    command = body.to_command()

    async def work(connection: Connection) -> Saved:
        return await handlers.open_course(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/courses")


@router.get("/courses", summary="Daftar pelatihan")
async def list_courses(request: Request, _: Officer, after: After = FIRST, limit: Limit = 50) -> CoursePage:
    """Pelatihan menurut urutan dibuka."""
    found = await handlers.list_courses(pool_of(request), after, limit + 1)
    page = found[:limit]
    return CoursePage(items=[CourseOut.of(item) for item in page], next=page[-1].id if len(found) > limit else None)


@router.get("/courses/{course_id}", summary="Satu pelatihan")
async def show_course(request: Request, course_id: UUID, _: Officer) -> CourseDetail:
    """Satu pelatihan dengan angkatannya."""
    async with refusals_as_problems():
        course, found = await handlers.show_course(pool_of(request), course_id)
    return CourseDetail(**dict(CourseOut.of(course)), batches=[BatchOut.of(batch) for batch in found])


@router.post("/courses/{course_id}/batches", status_code=201, response_model=SavedOut, summary="Buka angkatan")
async def open_batch(request: Request, course_id: UUID, body: BatchForm, principal: Office, once: OnlyOnce) -> Response:
    """Membuka angkatan dengan kuota, sesi, dan batas pendaftaran."""
    command = body.to_command(course_id)

    async def work(connection: Connection) -> Saved:
        return await handlers.open_batch(connection, command, cause_of(request, principal))

    return await run_once(request, once, work, created="/batches")


@batches.get("/{batch_id}", response_model=BatchOut, summary="Satu angkatan")
async def show_batch(request: Request, batch_id: UUID, _: Officer) -> Response:
    """Satu angkatan, dengan ETag untuk perubahan."""
    async with refusals_as_problems():
        batch = await handlers.find_batch(pool_of(request), batch_id)
    return JSONResponse(BatchOut.of(batch).model_dump(mode="json"), headers={"ETag": etag(batch.version)})


@batches.put("/{batch_id}/quota", response_model=SavedOut, summary="Ubah kuota")
async def change_quota(
    request: Request, batch_id: UUID, body: QuotaForm, principal: Office, version: SeenVersion
) -> Response:
    """Mengubah kuota; tidak pernah di bawah kursi yang sudah diberikan atau ditawarkan."""
    command = ChangeQuota(batch_id, version, body.quota)
    return await run_put(
        request, lambda connection: handlers.change_quota(connection, command, cause_of(request, principal))
    )


@batches.put("/{batch_id}/sessions/{number}", response_model=SavedOut, summary="Pindahkan sesi")
async def move_session(
    request: Request, batch_id: UUID, number: Number, body: SessionForm, principal: Office, version: SeenVersion
) -> Response:
    """Memindahkan sesi yang belum mulai ke waktu lain."""
    command = MoveSession(batch_id, version, number, body.to_timing())
    return await run_put(
        request, lambda connection: handlers.move_session(connection, command, cause_of(request, principal))
    )


@batches.post("/{batch_id}/cancellation", response_model=SavedOut, summary="Batalkan angkatan")
async def cancel_batch(
    request: Request, batch_id: UUID, principal: Office, version: SeenVersion, once: OnlyOnce
) -> Response:
    """Membatalkan angkatan yang belum mulai; setiap pendaftarannya ditutup."""
    command = CancelBatch(batch_id, version)
    return await run_once(
        request, once, lambda connection: handlers.cancel_batch(connection, command, cause_of(request, principal))
    )


@batches.post("/{batch_id}/selection", response_model=SavedOut, summary="Tetapkan peserta")
async def select_participants(request: Request, batch_id: UUID, principal: Office, once: OnlyOnce) -> Response:
    """Menetapkan peserta setelah pendaftaran ditutup; terjadi sendiri bila tidak diminta."""
    return await run_once(
        request,
        once,
        lambda connection: enrolling.select_participants(connection, batch_id, cause_of(request, principal)),
    )


@batches.post("/{batch_id}/sessions/{number}/attendance", response_model=ChangedOut, summary="Catat kehadiran")
async def record_attendance(
    request: Request, batch_id: UUID, number: Number, body: AttendanceForm, principal: Office, once: OnlyOnce
) -> Response:
    """Mencatat daftar hadir satu sesi; pencatatan ulang memperbaiki. Yang dijawab hanya yang berubah."""
    command = RecordAttendance(batch_id, number, body.to_presences())

    async def work(connection: Connection) -> dict[str, list[dict[str, object]]]:
        changed = await results.record_attendance(connection, command, cause_of(request, principal))
        return {"items": [{"id": str(item.id), "version": item.version} for item in changed]}

    return await run_many(request, once, work)


@batches.post("/{batch_id}/results", response_model=ResultsOut, summary="Catat hasil")
async def record_results(
    request: Request, batch_id: UUID, body: ResultsForm, principal: Office, once: OnlyOnce
) -> Response:
    """Menetapkan lulus atau tidak lulus menurut aturan kehadiran dan nilai, setelah sesi terakhir selesai."""
    command = RecordResults(batch_id, body.to_marks())

    async def work(connection: Connection) -> dict[str, list[dict[str, object]]]:
        found = await results.record_results(connection, command, cause_of(request, principal))
        return {"items": [{"id": str(item.id), "version": item.version, "state": item.state} for item in found]}

    return await run_many(request, once, work)


@batches.post("/{batch_id}/certificates", response_model=ChangedOut, summary="Terbitkan sertifikat seangkatan")
async def issue_certificates(request: Request, batch_id: UUID, principal: Office, once: OnlyOnce) -> Response:
    """Menerbitkan sertifikat semua yang lulus dan belum memilikinya."""

    async def work(connection: Connection) -> dict[str, list[dict[str, object]]]:
        issued = await certificates.issue_certificates(connection, batch_id, cause_of(request, principal))
        return {"items": [{"id": str(item.id), "version": item.version} for item in issued]}

    return await run_many(request, once, work)
