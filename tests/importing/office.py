"""An office that imports files straight through the worker's code, and spreadsheets made for a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from services.registry.importing import store
from services.registry.importing.jobs import NO_RULES, Job
from services.registry.importing.worker import run_job
from services.registry.importing.workshop import Workshop
from shared.identifiers import new_id
from shared.sealing import KeyRing

KELURAHAN = "64.71.01.1001"
COLUMNS = ("NIK", "NAMA PEMILIK", "NAMA USAHA", "NO HP", "ALAMAT", "KELURAHAN", "KECAMATAN", "JENIS USAHA", "MODAL", "OMSET", "NIB", "TGL LAHIR")  # fmt: skip


def nik(serial: int, day: int = 1, month: int = 7, year: int = 90) -> str:
    """Return a NIK for tests: serials from 9900 on."""
    return f"647101{day:02d}{month:02d}{year:02d}{9900 + serial:04d}"


def row(number: int, **cells: str) -> dict[str, str]:
    """Return a good row; ``cells`` replaces some by column name with ``_`` for blanks."""
    usual = {
        "NIK": nik(number % 100, day=number // 100 % 28 + 1, month=number // 2800 % 12 + 1),
        "NAMA PEMILIK": f"Pemilik {number}",
        "NAMA USAHA": f"Warung {number}",
        "NO HP": f"08120000{number % 10_000:04d}",
        "ALAMAT": f"Jl. Mulawarman {number}",
        "KELURAHAN": "Manggar",
        "KECAMATAN": "Balikpapan Timur",
        "JENIS USAHA": "Kuliner",
        "MODAL": "1.500.000",
        "OMSET": "36.000.000",
        "NIB": "",
        "TGL LAHIR": "",
    }
    return {**usual, **{name.replace("_", " "): value for name, value in cells.items()}}


def csv_text(rows: Sequence[dict[str, str]]) -> str:
    """Return rows as CSV with semicolons."""
    lines = [COLUMNS, *(tuple(cells[name] for name in COLUMNS) for cells in rows)]
    return "".join(
        ";".join(f'"{cell}"' if set(cell) & set(';"\n') else cell for cell in line) + "\r\n" for line in lines
    )


@dataclass
class Office:
    """Imports files and counts what is there."""

    pool: asyncpg.Pool
    ring: KeyRing
    folder: Path
    stop: asyncio.Event

    def workshop(self, holder: str = "worker-1") -> Workshop:
        """Return what a worker of that name needs."""
        return Workshop(self.pool, self.ring, holder, self.folder, self.stop)

    async def enqueue(
        self, data: bytes, name: str = "data.csv", *, kelurahan: str = KELURAHAN, own_only: bool = False, dry_run: bool = False
    ) -> Job:  # fmt: skip
        """Put a file into a job that waits."""

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 1 << 20):
                yield data[start : start + (1 << 20)]

        job_id = new_id()
        values = (job_id, name, sha256(data).hexdigest(), len(data), kelurahan, own_only, dry_run, "petugas-1", NO_RULES)  # fmt: skip
        async with self.pool.acquire() as connection, connection.transaction():
            await store.insert_job(connection, values, pieces())
        return await self.job(job_id)

    async def job(self, job_id: Any) -> Job:
        """Return a job as it stands."""
        job = await store.find_job(self.pool, job_id)
        assert job is not None
        return job

    async def work(self, holder: str = "worker-1") -> Job:
        """Run the next job to its end."""
        job = await store.claim_job(self.pool, holder)
        assert job is not None
        await run_job(self.workshop(holder), job)
        return await self.job(job.id)

    async def run(self, text: str | bytes, name: str = "data.csv", **terms: Any) -> Job:
        """Import a file and return its job at the end."""
        await self.enqueue(text.encode() if isinstance(text, str) else text, name, **terms)
        return await self.work()

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        return int(await self.pool.fetchval(f"SELECT count(*) FROM {table}"))

    async def footprint(self) -> tuple[Any, ...]:
        """Return what changes whenever anything changes: versions of all rows, and the facts."""
        return tuple(
            await self.pool.fetchrow(
                """SELECT (SELECT coalesce(sum(version), 0) FROM owner), (SELECT coalesce(sum(version), 0) FROM business),
                          (SELECT count(*) FROM owner), (SELECT count(*) FROM business), (SELECT count(*) FROM outbox),
                          (SELECT max(updated_at) FROM owner), (SELECT max(updated_at) FROM business)"""
            )
        )
