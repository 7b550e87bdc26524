"""An import of clean rows against COPY of the rows that came of it, into the same tables with the same indexes."""

from __future__ import annotations

import asyncio
import base64
import csv
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.harness import Result, Size, VoidRunError, in_turn
from bench.rig import Rig
from ops.generator.files import COLUMNS
from ops.generator.people import People
from services.registry.importing import store
from services.registry.importing.brake import Brake
from services.registry.importing.jobs import NO_RULES, Job
from services.registry.importing.worker import run_job
from services.registry.importing.workshop import Workshop
from services.registry.importing.writing import BUSINESS_COLUMNS, OUTBOX_COLUMNS, OWNER_COLUMNS
from services.registry.reference.places import all_places, place_name
from services.registry.store import migrations
from shared.database import Pool
from shared.identifiers import new_id
from shared.process import tune_interpreter
from shared.sealing import KeyRing

TABLES: dict[str, tuple[str, ...]] = {
    "owner": OWNER_COLUMNS,
    "owner_key": ("owner_id", "kek_id", "wrapped"),
    "business": BUSINESS_COLUMNS,
    "business_owner": ("business_id", "owner_id", "position"),
    "outbox": OUTBOX_COLUMNS,
}
PIECE = 1 << 20
Copies = dict[str, bytes]
"""Each table as PostgreSQL's binary COPY format."""


def clean_csv(rows: int) -> tuple[bytes, str]:
    """Return a file of ``rows`` rows with nothing wrong in them, and the code of its kelurahan."""
    people, place, text = People(2026), next(iter(all_places().values())), StringIO(newline="")
    where = {"KELURAHAN": place_name(place.code), "KECAMATAN": place.district}
    writer = csv.DictWriter(text, COLUMNS, delimiter=";", lineterminator="\r\n", restval="")
    writer.writeheader()
    for number in range(1, rows + 1):
        writer.writerow({"NO": str(number), **people.owner(), **people.business(), **where})
    return text.getvalue().encode(), place.code


async def _enqueue(pool: Pool, data: bytes, kelurahan: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(data), PIECE):
            yield data[start : start + PIECE]

    values = (new_id(), "bench.csv", sha256(data).hexdigest(), len(data), kelurahan, False, False, "bench", NO_RULES)  # fmt: skip
    async with pool.acquire() as connection, connection.transaction():
        await store.insert_job(connection, values, pieces())


class Unbraked(Brake):
    """No relay runs here, so there is none to wait for: an import would hold back a second before it notices."""

    async def hold(self, pool: Pool, pause: Callable[[float], Awaitable[None]]) -> None:
        """Go on at once."""


async def _run(pool: Pool, data: bytes, kelurahan: str, rows: int) -> float:
    """Import the file as the worker does; return seconds from taking the job up to its end."""
    await _enqueue(pool, data, kelurahan)
    ring = KeyRing(base64.b64encode(bytes(range(32))).decode())
    with TemporaryDirectory(prefix="naikkelas-bench-import-") as scratch:
        shop = Workshop(pool, ring, "bench", Path(scratch), asyncio.Event(), Unbraked())
        started = perf_counter()
        job = await store.claim_job(pool, shop.holder)
        if job is None:
            raise VoidRunError("no import waits")
        await run_job(shop, job)
        seconds = perf_counter() - started
    _check_job(await store.find_job(pool, job.id), rows)
    return seconds


def _check_job(job: Job | None, rows: int) -> None:
    if job is None or job.state != "selesai":
        raise VoidRunError(f"the import ended as {job and job.state}")
    totals = job.totals()
    if totals["rows"] != rows or totals["new"] + totals["possible_duplicate"] != rows:
        raise VoidRunError(f"the import came to {totals}, expected {rows} new rows")


async def _counts(pool: Pool) -> dict[str, int]:
    facts = "SELECT count(*) FROM outbox WHERE topic <> 'umkm.import'"  # COPY has no job that speaks of itself
    return {name: await pool.fetchval(facts if name == "outbox" else f"SELECT count(*) FROM {name}") for name in TABLES}


async def _take_copies(pool: Pool) -> Copies:
    copies: Copies = {}
    async with pool.acquire() as connection:
        for name, columns in TABLES.items():
            where = " WHERE topic <> 'umkm.import' ORDER BY id" if name == "outbox" else ""
            target, query = BytesIO(), f"SELECT {', '.join(columns)} FROM {name}{where}"
            await connection.copy_from_query(query, output=target, format="binary")
            copies[name] = target.getvalue()
    return copies


async def _copy(pool: Pool, copies: Copies) -> float:
    """COPY the ready-made bytes in one transaction; return the seconds. No checks, no lookups, no Python per row."""
    async with pool.acquire() as connection:
        started = perf_counter()
        async with connection.transaction():
            for name, columns in TABLES.items():
                source = BytesIO(copies[name])
                await connection.copy_to_table(name, source=source, columns=columns, format="binary")
        return perf_counter() - started


async def import_rows(rig: Rig, size: Size) -> Result:
    """Rows per second of 95,000: read, validated, deduplicated, sealed, with facts; and by COPY of what came of it."""
    rows = size.of(95_000)
    data, kelurahan = clean_csv(rows)
    async with rig.database("registry", migrations()) as (_, pool):
        await _run(pool, data, kelurahan, rows)
        expected, copies = await _counts(pool), await _take_copies(pool)
    tune_interpreter()

    async def measure(way: str) -> float:
        async with rig.database("registry", migrations()) as (_, pool):
            seconds = await (_copy(pool, copies) if way == "copy" else _run(pool, data, kelurahan, rows))
            if (found := await _counts(pool)) != expected:
                raise VoidRunError(f"{way} left {found}, expected {expected}")
        return rows / seconds

    return await in_turn(
        Result("import of a CSV ÷ binary COPY of the rows that came of it", "rows/s", "≥ 0.4"),
        size,
        lambda: measure("import"),
        lambda: measure("copy"),
    )
