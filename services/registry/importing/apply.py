"""Applies one import: chunks of rows, each with its facts and its progress in one transaction.

While a chunk is written, the next one is read and checked in a thread. A chunk that meets somebody else's change is planned
again; a database that is away is waited for; a worker that is killed leaves only whole chunks behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg
import structlog

from services.registry.importing import store, writing
from services.registry.importing.checking import Checker, Terms
from services.registry.importing.header import FIELDS
from services.registry.importing.jobs import Job
from services.registry.importing.planning import Outcome, Plan, Planner
from services.registry.importing.reading import Table, open_table
from services.registry.importing.rows import CheckedRow, Result
from services.registry.importing.workshop import Workshop
from shared.contracts.registry import ImportCompleted, ImportStarted, ImportTotals
from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.identifiers import new_id
from shared.outbox import Cause, append
from shared.wita import WITA

CHUNK_ROWS = 2_500
"""Rows in a transaction: its facts keep the relay busy for well under 300 ms, so live commands pass in time."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
MAX_COLLISIONS = 20
"""A chunk that still collides after so many looks is a fault of ours, not somebody else's change."""

log = structlog.get_logger(__name__)


def cause_of(job: Job, now: datetime) -> Cause:
    """Return the cause of the facts of an import."""
    return Cause(str(job.id), None, job.officer, "import", None, now)


async def apply_job(shop: Workshop, job: Job) -> None:
    """Apply a job from where it stands to its end.

    Raises ``FileRefusedError`` for a file that is no table, ``StoppedError``, ``LeaseLostError``.
    """
    if job.repeats is not None and not job.dry_run:
        await _repeat(shop, job, job.repeats)
        return
    with TemporaryDirectory(dir=shop.scratch, prefix="import-") as folder:
        path = Path(folder) / "file"
        await store.write_file(shop.pool, job, path)
        table = await shop.read(open_table, path, job.file_name)
        await store.renew_lease(shop.pool, job, shop.holder)
        day = job.created_at.astimezone(WITA).date()
        checker = await shop.read(Checker, table, Terms(day, job.kelurahan, job.own_only))
        labels = {name: table.header.label(name) for name in FIELDS if name in table.header.columns}
        await store.set_labels(shop.pool, job, shop.holder, labels)
        with closing(checked_chunks(table, checker, keep_people=job.dry_run)) as chunks:
            await _apply_chunks(shop, job, chunks)
    await _complete(shop, job)


def checked_chunks(table: Table, checker: Checker, *, keep_people: bool) -> Generator[list[CheckedRow], None, None]:
    """Give the checked rows of a file, a chunk at a time.

    An import asks the database who a person is, so what the check remembers of people is dropped after each chunk; a dry
    run writes nothing and keeps it.
    """
    for chunk in table.chunks(CHUNK_ROWS):
        yield checker.check(chunk)
        if not keep_people:
            checker.memory.forget_people()


async def _apply_chunks(shop: Workshop, job: Job, chunks: Iterator[list[CheckedRow]]) -> None:
    """Apply chunk by chunk; the next one is checked while this one is written."""
    upcoming = asyncio.create_task(shop.read(next, chunks, None))
    try:
        while (rows := await upcoming) is not None:
            upcoming = asyncio.create_task(shop.read(next, chunks, None))
            left = [row for row in rows if row.number > job.last_number]
            if left:
                await shop.brake.hold(shop.pool, shop.pause)
                await _persist(shop, job, left)
    finally:
        await asyncio.gather(upcoming, return_exceptions=True)  # the thread must not outlive the file


async def _persist(shop: Workshop, job: Job, rows: list[CheckedRow]) -> None:
    """Write a chunk, for as long as it takes: again at once after somebody else's change, later when the database is away."""
    delay, collisions = FIRST_DELAY, 0
    while True:
        try:
            await _write_chunk(shop, job, rows)
        except (writing.StaleError, asyncpg.UniqueViolationError):
            collisions += 1
            if collisions > MAX_COLLISIONS:
                raise
            log.info("import_chunk_planned_again", import_id=str(job.id), row=rows[0].number)
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
            log.warning("import_waits", import_id=str(job.id), error=type(error).__name__, seconds=delay)
        else:
            return
        await shop.pause(delay)
        delay = min(delay * 2, LONGEST_DELAY)


async def _write_chunk(shop: Workshop, job: Job, rows: list[CheckedRow]) -> None:
    async with shop.pool.acquire() as connection, connection.transaction():
        await connection.execute(writing.PLANNER_SETTINGS)
        known = await writing.look_up(connection, shop.ring, rows)
        plan = await asyncio.to_thread(Planner(known, new_id).take, rows)
        if job.dry_run:
            version, facts, mark = 0, 0, None
            plan.outcomes = [_foreseen(outcome, row) for outcome, row in zip(plan.outcomes, rows, strict=True)]
        else:
            version, facts, mark = await _write_plan(shop, connection, job, plan)
        await store.advance(connection, job, shop.holder, plan.outcomes, version, facts)
    shop.brake.note(mark)
    job.version, job.last_number = version, rows[-1].number
    job.counts.update(outcome.result for outcome in plan.outcomes)


def _foreseen(outcome: Outcome, row: CheckedRow) -> Outcome:
    """Return the outcome of a dry run: what the registry says, else what the file itself says."""
    if outcome.result is Result.NEW and row.result is Result.POSSIBLE_DUPLICATE:
        return Outcome(outcome.number, row.result, row.codes)
    return Outcome(outcome.number, outcome.result, outcome.codes)


async def _write_plan(
    shop: Workshop, connection: asyncpg.Connection, job: Job, plan: Plan
) -> tuple[int, int, writing.Mark | None]:  # fmt: skip
    """Write what a chunk changes; return the job's version, the number of facts, and where they end."""
    now = datetime.now(UTC)
    batch = writing.Batch(job.id, job.officer, job.kelurahan, job.created_at.astimezone(WITA).date(), now)
    version = job.version or await _start(connection, job, now)
    keys = await writing.keys_needed(connection, shop.ring, plan)
    tuples = await asyncio.to_thread(writing.make_tuples, plan, shop.ring, keys, batch)
    return version, len(tuples.outbox), await writing.write(connection, plan, tuples, batch)


async def _start(connection: asyncpg.Connection, job: Job, now: datetime) -> int:
    started = ImportStarted(
        import_id=job.id,
        file_sha256=job.sha256,
        kelurahan=job.kelurahan,
        officer=job.officer,
        started_at=job.started_at or now,
    )
    await append(connection, writing.EVENT_SOURCE, [(1, started)], cause_of(job, now))
    return 1


async def _complete(shop: Workshop, job: Job) -> None:
    now = datetime.now(UTC)
    async with shop.pool.acquire() as connection, connection.transaction():
        version = 0
        if not job.dry_run:
            version = (job.version or await _start(connection, job, now)) + 1
        await store.finish(connection, job, shop.holder, "selesai", now, version=version)
        if version:
            completed = ImportCompleted(
                import_id=job.id,
                file_sha256=job.sha256,
                kelurahan=job.kelurahan,
                officer=job.officer,
                totals=ImportTotals(**job.totals()),
                completed_at=now,
            )
            await append(connection, writing.EVENT_SOURCE, [(version, completed)], cause_of(job, now))
    log.info("import_completed", import_id=str(job.id), kelurahan=job.kelurahan, **job.totals())


async def _repeat(shop: Workshop, job: Job, earlier: UUID) -> None:
    """End a job whose bytes were applied before: outcomes are repeated, nothing changes, no fact is appended."""
    async with shop.pool.acquire() as connection, connection.transaction():
        await store.repeat_outcomes(connection, job, earlier)
        await store.finish(connection, job, shop.holder, "selesai", datetime.now(UTC), version=0)
    log.info("import_repeated", import_id=str(job.id), earlier=str(earlier))
