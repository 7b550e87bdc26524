"""Applies one import: chunks of rows, each with its facts and its progress in one transaction.

While a chunk is written, the next one is looked up, planned and sealed, and the one after it read and checked in a thread. A
chunk that meets somebody else's change is planned again; a database that is away is waited for; a worker that is killed leaves
only whole chunks behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
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
from services.registry.importing.lining import Chunk, Line
from services.registry.importing.preparing import Ready, prepare
from services.registry.importing.reading import Table, open_table
from services.registry.importing.rows import CheckedRow
from services.registry.importing.workshop import Workshop
from shared.contracts.registry import ImportCompleted, ImportStarted, ImportTotals
from shared.database import SERVER_ERRORS, is_infrastructure_error
from shared.outbox import Cause, append
from shared.wita import WITA

CHUNK_ROWS = 2_500
"""Rows in a transaction: its facts keep the relay busy for well under 300 ms, so live commands pass in time."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0
MOST_BESIDE = 8 * 1024 * 1024
"""A larger file is imported alone: what its check remembers would be in memory beside the next one's."""
MAX_COLLISIONS = 20
"""A chunk that still collides after so many looks is a fault of ours, not somebody else's change."""

log = structlog.get_logger(__name__)


def cause_of(job: Job, now: datetime) -> Cause:
    """Return the cause of the facts of an import."""
    return Cause(str(job.id), None, job.officer, "import", None, now)


async def apply_job(shop: Workshop, job: Job, all_read: asyncio.Event) -> None:
    """Apply a job from where it stands to its end; ``all_read`` is set when the next one may be begun beside its last chunks.

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
            line = Line(shop, job, chunks, all_read if path.stat().st_size <= MOST_BESIDE else None)
            await _apply_chunks(shop, job, line)
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


async def _apply_chunks(shop: Workshop, job: Job, line: Line) -> None:
    """Apply chunk by chunk, each made ready while the one before it is written."""
    upcoming = asyncio.create_task(line.following())
    try:
        while (chunk := await upcoming) is not None:
            upcoming = asyncio.create_task(line.following())
            await chunk.turn.stands()  # what comes before it is stored: only then can the brake tell whether to hold
            shop.go_on()
            await shop.brake.hold(shop.pool, shop.pause)
            await _persist(shop, job, chunk)
    finally:
        upcoming.cancel()
        await asyncio.gather(upcoming, return_exceptions=True)
        await line.close()


async def _persist(shop: Workshop, job: Job, chunk: Chunk) -> None:
    """Write a chunk, for as long as it takes: again at once after somebody else's change, later when the database is away.

    What was made ready upon a chunk that had to be planned again is planned again too.
    """
    stands = await chunk.turn.stands()
    delay, collisions, ready = FIRST_DELAY, 0, chunk.ready if stands else None
    while True:
        try:
            if ready is None:
                ready = await prepare(shop, job, chunk.rows, [])
            await _write_chunk(shop, job, chunk.rows, ready)
        except (writing.StaleError, asyncpg.UniqueViolationError):
            collisions += 1
            if collisions > MAX_COLLISIONS:
                raise
            log.info("import_chunk_planned_again", import_id=str(job.id), row=chunk.rows[0].number)
        except SERVER_ERRORS as error:
            if not is_infrastructure_error(error):
                raise
            log.warning("import_waits", import_id=str(job.id), error=type(error).__name__, seconds=delay)
        else:
            chunk.turn.written(as_made_ready=ready is chunk.ready)
            return
        ready = None
        await shop.pause(delay)
        delay = min(delay * 2, LONGEST_DELAY)


async def _write_chunk(shop: Workshop, job: Job, rows: list[CheckedRow], ready: Ready) -> None:
    plan, tuples, version, facts, mark = ready.plan, ready.tuples, 0, 0, None
    async with shop.pool.acquire() as connection, connection.transaction():
        await connection.execute(writing.PLANNER_SETTINGS)
        if tuples is not None:
            version, facts = job.version or await _start(connection, job, ready.batch.now), len(tuples.outbox)
            mark = await writing.write(connection, plan, ready.held, tuples, ready.batch)
        await store.advance(connection, job, shop.holder, plan.outcomes, version, facts)
    shop.brake.note(mark)
    job.version, job.last_number = version, rows[-1].number
    job.counts.update(outcome.result for outcome in plan.outcomes)


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
