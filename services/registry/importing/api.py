"""Routes of the imports: send a file, see how it goes, read what became of each row, get the report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, File, Query, UploadFile
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from services.registry.importing import store
from services.registry.importing.codes import CODES
from services.registry.importing.jobs import NO_RULES, OPEN_STATES, Job
from services.registry.importing.planning import Outcome
from services.registry.importing.report import ReportLine, write_report
from services.registry.importing.survey import MAX_FILE_BYTES
from services.registry.reference.places import all_places
from shared.auth import Principal, Role, allow
from shared.idempotency import Answer, OnlyOnce
from shared.identifiers import new_id
from shared.problems import Problem, standard
from shared.web.deeds import pool_of

UPLOAD_LIMITS: dict[str, int] = {"/imports": MAX_FILE_BYTES + 64 * 1024}
"""For ``shared.web``'s limits: the file, and what a form puts around it."""
PIECE = 1024 * 1024
PAGE = 500
REPORT_PAGE = 5_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

router = APIRouter(prefix="/imports", tags=["impor"])

Officer = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS))]
Reader = Annotated[Principal, Depends(allow(Role.PETUGAS_KELURAHAN, Role.PETUGAS_DINAS, Role.OPERATOR))]
Kelurahan = Annotated[
    str, Query(pattern=r"^64\.71\.\d{2}\.\d{4}$", description="Kode kelurahan asal berkas.", examples=["64.71.01.1001"])
]


class ImportAccepted(BaseModel):
    """Jawaban atas berkas yang diterima: tersimpan, dan akan dikerjakan."""

    id: UUID
    state: str


class ImportView(BaseModel):
    """Satu impor: dari berkas diterima sampai baris terakhir."""

    id: UUID
    state: str
    file_name: str
    sha256: str
    kelurahan: str
    dry_run: bool
    repeats: UUID | None
    reason_code: str | None
    reason: str | None
    last_row: int
    facts: int
    totals: dict[str, int]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class CodeView(BaseModel):
    """Satu kode dengan kolom dan alasannya."""

    code: str
    severity: str
    column: str | None
    reason: str


class RowView(BaseModel):
    """Hasil satu baris."""

    row: int
    result: str
    business_id: UUID | None
    codes: list[CodeView]


class RowPage(BaseModel):
    """Satu halaman hasil; ``next`` adalah nilai ``after`` halaman berikutnya."""

    rows: list[RowView]
    next: int | None


def _view(job: Job) -> ImportView:
    return ImportView(
        id=job.id,
        state=job.state,
        file_name=job.file_name,
        sha256=job.sha256,
        kelurahan=job.kelurahan,
        dry_run=job.dry_run,
        repeats=job.repeats,
        reason_code=job.reason_code,
        reason=job.reason,
        last_row=job.last_number,
        facts=job.fact_count,
        totals=job.totals(),
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
    )


async def _visible(request: Request, import_id: UUID, principal: Principal) -> Job:
    """Return the job. Raises 404 for one that is not there, and the same for another kelurahan's."""
    job = await store.find_job(pool_of(request), import_id)
    if job is None or not principal.may_act_in(job.kelurahan):
        raise standard(404, "Impor ini tidak ada.")
    return job


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    await file.seek(0)
    while piece := await file.read(PIECE):
        yield piece


async def _digest(file: UploadFile) -> tuple[str, int]:
    digest, size = sha256(), 0
    async for piece in _pieces(file):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _file_name(file: UploadFile) -> str:
    """Return the last part of the sent name, bounded, without control characters: it is shown to people."""
    name = Path((file.filename or "").replace("\\", "/")).name
    return "".join(sign for sign in name if sign.isprintable())[-200:] or "berkas"


@router.post("", status_code=202, response_model=ImportAccepted, summary="Kirim berkas")
async def send_file(
    request: Request,
    principal: Officer,
    once: OnlyOnce,
    kelurahan: Kelurahan,
    file: Annotated[UploadFile, File(description="CSV atau XLSX, paling besar 200 MB.")],
    dry_run: Annotated[bool, Query(description="Hanya memeriksa; tidak ada yang disimpan.")] = False,
) -> Response:
    """Menyimpan berkas dan mengantrekannya. Hasilnya dibaca dengan ``GET /imports/{id}``."""
    principal.require_kelurahan(kelurahan)
    if kelurahan not in all_places():
        raise Problem(422, "kelurahan-tidak-dikenal", "Kelurahan tidak dikenal", "Kode kelurahan ini bukan kelurahan di Balikpapan.")  # fmt: skip
    digest, size = await _digest(file)
    if size > MAX_FILE_BYTES:
        raise standard(413, CODES["BERKAS_TERLALU_BESAR"].reason, limit_bytes=MAX_FILE_BYTES)
    name = _file_name(file)

    async def work(connection: asyncpg.Connection) -> Answer:
        job_id = new_id()
        own_only = principal.scope is not None
        values = (job_id, name, digest, size, kelurahan, own_only, dry_run, principal.sub, NO_RULES)
        await store.insert_job(connection, values, _pieces(file))
        return Answer(202, {"id": str(job_id), "state": "menunggu"}, {"Location": f"/imports/{job_id}"})

    return await once.run(pool_of(request), work, content=f"{digest} {name}".encode())


@router.get("/{import_id}", summary="Keadaan impor")
async def show_import(request: Request, import_id: UUID, principal: Reader) -> ImportView:
    """Keadaan, jumlah menurut hasil, dan alasan bila berkas ditolak."""
    return _view(await _visible(request, import_id, principal))


@router.get("/{import_id}/rows", summary="Hasil per baris")
async def list_rows(
    request: Request,
    import_id: UUID,
    principal: Reader,
    after: Annotated[int, Query(ge=0, description="Nomor baris terakhir dari halaman sebelumnya.")] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = 100,
) -> RowPage:
    """Hasil setiap baris menurut urutan berkas. Isi sel tidak diulang."""
    job = await _visible(request, import_id, principal)
    found = await store.rows_after(pool_of(request), import_id, after, limit + 1)
    page = found[:limit]
    return RowPage(rows=[_row(job, outcome) for outcome in page], next=page[-1].number if len(found) > limit else None)


def _column(job: Job, code: str) -> str | None:
    field = CODES[code].field
    return None if field is None else job.labels.get(field, field)


def _row(job: Job, outcome: Outcome) -> RowView:
    codes = [
        CodeView(code=name, severity=CODES[name].severity.value, column=_column(job, name), reason=CODES[name].reason)
        for name in outcome.codes
        if name in CODES
    ]
    return RowView(row=outcome.number, result=outcome.result.value, business_id=outcome.business_id, codes=codes)


@router.get("/{import_id}/report.xlsx", response_class=FileResponse, summary="Laporan XLSX")
async def report(request: Request, import_id: UUID, principal: Reader) -> Response:
    """Satu alasan untuk setiap sel yang ditolak atau ditandai; isi sel tidak diulang."""
    job = await _visible(request, import_id, principal)
    if job.state in OPEN_STATES:
        raise Problem(409, "impor-belum-selesai", "Impor belum selesai", "Laporan tersedia setelah impor selesai.", headers={"Retry-After": "2"})  # fmt: skip
    lines = await _report_lines(pool_of(request), job)
    path = await asyncio.to_thread(_write, job, lines)
    return FileResponse(
        path, media_type=XLSX, filename=f"laporan-{import_id}.xlsx", background=BackgroundTask(path.unlink, missing_ok=True)
    )  # fmt: skip


async def _report_lines(pool: asyncpg.Pool, job: Job) -> list[ReportLine]:
    lines: list[ReportLine] = []
    after = 0
    while outcomes := await store.rows_after(pool, job.id, after, REPORT_PAGE):
        after = outcomes[-1].number
        lines.extend(_lines(job, outcomes))
    return lines


def _lines(job: Job, outcomes: list[Outcome]) -> Iterator[ReportLine]:
    for outcome in outcomes:
        for name in outcome.codes:
            if name in CODES:
                yield ReportLine(outcome.number, outcome.result.value, _column(job, name) or "(baris)", name)


def _write(job: Job, lines: list[ReportLine]) -> Path:
    with NamedTemporaryFile(prefix="laporan-", suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    totals: dict[str, Any] = job.totals()
    write_report(path, f"Laporan impor {job.file_name}", totals, lines)
    return path
