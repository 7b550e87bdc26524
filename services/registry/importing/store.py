"""SQL of the imports: jobs, their files, the ledger of rows. See ``writing`` for what a chunk writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.registry.importing.jobs import RULES_VERSION, Job, State, job_of
from services.registry.importing.planning import Outcome
from services.registry.importing.rows import Result
from shared.database import Queries, load_queries

LETTERS: dict[Result, str] = {
    Result.NEW: "n",
    Result.CHANGED: "c",
    Result.SAME: "s",
    Result.POSSIBLE_DUPLICATE: "p",
    Result.REFUSED: "r",
}
RESULTS: dict[str, Result] = {letter: result for result, letter in LETTERS.items()}
LEASE = timedelta(seconds=20)


class LeaseLostError(Exception):
    """Another worker has the job; whatever this one was about to commit must not be."""


@cache
def queries() -> Queries:
    """Return the named statements of the imports."""
    return load_queries(Path(__file__).parent / "sql" / "queries.sql")


def _job(row: asyncpg.Record) -> Job:
    return job_of(row, orjson.loads(row["labels"]))


async def claim_job(pool: asyncpg.Pool, holder: str, in_hand: Collection[UUID] = ()) -> Job | None:
    """Take the oldest job that waits or whose worker is gone, or return ``None``; not of those that are ``in_hand``."""
    row = await pool.fetchrow(queries().claim_job, holder, LEASE, list(in_hand), RULES_VERSION)
    return None if row is None else _job(row)


async def find_job(executor: asyncpg.Connection | asyncpg.Pool, job_id: UUID) -> Job | None:
    """Return a job, or ``None``."""
    row = await executor.fetchrow(queries().job, job_id)
    return None if row is None else _job(row)


async def renew_lease(pool: asyncpg.Pool, job: Job, holder: str) -> None:
    """Keep the job for another while. Raises ``LeaseLostError``."""
    if not await pool.fetchval(queries().renew_lease, job.id, holder, LEASE):
        raise LeaseLostError


async def release_job(pool: asyncpg.Pool, job: Job, holder: str) -> None:
    """Give the job back, for another worker to go on."""
    await pool.execute(queries().release_job, job.id, holder)


async def write_file(pool: asyncpg.Pool, job: Job, target: Path) -> None:
    """Copy the job's file from the database to ``target``, piece by piece."""
    position = 0
    with target.open("wb") as file:
        while (data := await pool.fetchval(queries().piece, job.id, position)) is not None:
            file.write(data)
            position += 1


async def set_labels(
    executor: asyncpg.Connection | asyncpg.Pool, job: Job, holder: str, labels: dict[str, str]
) -> None:
    """Keep the columns' names as typed, for the report."""
    await executor.execute(queries().set_labels, job.id, holder, orjson.dumps(labels).decode())


async def advance(
    connection: asyncpg.Connection, job: Job, holder: str, outcomes: Sequence[Outcome], version: int, facts: int
) -> None:
    """Store the outcomes of a chunk and the job's progress, in the chunk's transaction. Raises ``LeaseLostError``."""
    last, counts = outcomes[-1].number, dict.fromkeys(Result, 0)
    for outcome in outcomes:
        counts[outcome.result] += 1
    done = await connection.fetchval(
        queries().advance_job, job.id, holder, job.last_number, last, version, LEASE, facts, len(outcomes),
        *(counts[result] for result in Result),
    )  # fmt: skip
    if not done:
        raise LeaseLostError
    await connection.execute(
        queries().insert_chunk,
        job.id,
        last,
        [outcome.number for outcome in outcomes],
        "".join([LETTERS[outcome.result] for outcome in outcomes]),
        orjson.dumps({str(o.number): o.codes for o in outcomes if o.codes}).decode(),
        [outcome.business_id for outcome in outcomes],
    )


async def finish(
    connection: asyncpg.Connection,
    job: Job,
    holder: str,
    state: State,
    now: datetime,
    *,
    version: int,
    code: str | None = None,
    reason: str | None = None,
) -> None:
    """End a job and drop its file, in the caller's transaction. Raises ``LeaseLostError``."""
    if not await connection.fetchval(queries().finish_job, job.id, holder, state, code, reason, version, now):
        raise LeaseLostError
    await connection.execute(queries().drop_pieces, job.id)


async def repeat_outcomes(connection: asyncpg.Connection, job: Job, earlier: UUID) -> None:
    """Give a job the outcomes of the import that it repeats: nothing is applied again."""
    await connection.execute(queries().repeat_chunks, job.id, earlier)
    await connection.execute(queries().repeat_totals, job.id, earlier)


async def insert_job(connection: asyncpg.Connection, values: Sequence[Any], pieces: AsyncIterator[bytes]) -> None:
    """Store a job that waits, and its file. ``values`` as ``insert_job`` in ``queries.sql`` takes them."""
    position = 0
    async for piece in pieces:
        await connection.execute(queries().insert_piece, values[0], position, piece)
        position += 1
    await connection.execute(queries().insert_job, *values)


async def rows_after(
    executor: asyncpg.Connection | asyncpg.Pool, job_id: UUID, number: int, limit: int
) -> list[Outcome]:
    """Return at most ``limit`` outcomes of rows after ``number``, in the order of the file."""
    found: list[Outcome] = []
    after = number
    while len(found) < limit:
        chunks = await executor.fetch(queries().chunks_after, job_id, after, 1)
        if not chunks:
            break
        found.extend(outcome for outcome in _outcomes(chunks[0]) if outcome.number > number)
        after = chunks[0]["numbers"][-1]
    return found[:limit]


def _outcomes(chunk: asyncpg.Record) -> list[Outcome]:
    codes: dict[str, list[str]] = orjson.loads(chunk["codes"])
    return [
        Outcome(number, RESULTS[letter], tuple(codes.get(str(number), ())), business)
        for number, letter, business in zip(chunk["numbers"], chunk["results"], chunk["businesses"], strict=True)
    ]
