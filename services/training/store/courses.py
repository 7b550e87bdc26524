"""Programmes, courses and batches."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from services.training.domain.models import Batch, Course, Programme
from services.training.domain.results import year_of
from services.training.store import queries
from shared.contracts.training import Requirement, Selection, SessionTime
from shared.database import Connection, Pool
from shared.outbox import Change

_REQUIREMENTS = TypeAdapter(tuple[Requirement, ...])
_SESSIONS = TypeAdapter(tuple[SessionTime, ...])


def read_course(row: asyncpg.Record) -> Course:
    """Return the course that a row holds, with its programme."""
    return Course(
        id=row["id"],
        version=row["version"],
        programme=Programme(row["programme_id"], row["programme_code"], row["programme_title"]),
        title=row["title"],
        held_by=row["held_by"],
        partner=row["partner"],
        partner_id=row["partner_id"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        attendance_percent=row["attendance_percent"],
        pass_score=row["pass_score"],
        requirements=_REQUIREMENTS.validate_json(row["requirements"]),
        opened_by=row["opened_by"],
    )


def read_sessions(text: str) -> tuple[SessionTime, ...]:
    """Return the sessions of a batch as it stores them."""
    return _SESSIONS.validate_json(text)


def read_batch(row: asyncpg.Record, prefix: str = "") -> Batch:
    """Return the batch that a row holds; id, version and title may stand there under a prefix, beside those of a course."""
    return Batch(
        id=row[f"{prefix}id"],
        version=row[f"{prefix}version"],
        course_id=row["course_id"],
        title=row[f"{prefix}title"],
        number=row["number"],
        place=row["place"],
        quota=row["quota"],
        held=row["held"],
        arrivals=row["arrivals"],
        closes_at=row["closes_at"],
        selection=Selection(row["selection"]),
        selected=row["selected"],
        offer_hours=row["offer_hours"],
        cancelled=row["cancelled"],
        sessions=read_sessions(row["sessions"]),
    )


def _sessions_text(batch: Batch) -> str:
    return _SESSIONS.dump_json(batch.sessions).decode()


async def insert_programme(connection: Connection, programme: Programme, actor: str) -> bool:
    """Store a programme; ``False`` if its code is taken."""
    arguments = (programme.id, programme.code, programme.title, actor)
    return await connection.fetchval(queries().insert_programme, *arguments) is not None


async def list_programmes(pool: Pool, after: UUID, limit: int) -> list[Programme]:
    """Return programmes after an id."""
    return [Programme(**row) for row in await pool.fetch(queries().list_programmes, after, limit)]


async def find_programme(connection: Connection, programme_id: UUID) -> Programme | None:
    """Return one programme."""
    row = await connection.fetchrow(queries().find_programme, programme_id)
    return None if row is None else Programme(**row)


def new_course(course: Course) -> Change:
    """Return the statement that stores a new course."""
    arguments = (
        course.id,
        course.version,
        course.programme.id,
        course.title,
        course.held_by,
        course.partner,
        course.partner_id,
        course.starts_on,
        course.ends_on,
        course.attendance_percent,
        course.pass_score,
        _REQUIREMENTS.dump_json(course.requirements).decode(),
        course.opened_by,
    )
    return Change(queries().insert_course, arguments)


def moved_course(course: Course) -> Change:
    """Return the statement that moves the version of a course."""
    return Change(queries().move_course, (course.id, course.version))


async def lock_course(connection: Connection, course_id: UUID) -> Course | None:
    """Return one course, locked."""
    row = await connection.fetchrow(queries().lock_course, course_id)
    return None if row is None else read_course(row)


async def find_course(connection: Connection | Pool, course_id: UUID) -> Course | None:
    """Return one course, not locked."""
    row = await connection.fetchrow(queries().find_course, course_id)
    return None if row is None else read_course(row)


async def course_of_batch(connection: Connection | Pool, batch_id: UUID) -> Course | None:
    """Return the course of a batch, not locked; ``None`` if there is no such batch."""
    row = await connection.fetchrow(queries().course_of_batch, batch_id)
    return None if row is None else read_course(row)


async def list_courses(pool: Pool, after: UUID, limit: int) -> list[Course]:
    """Return courses after an id."""
    return [read_course(row) for row in await pool.fetch(queries().list_courses, after, limit)]


async def count_batches(connection: Connection, course_id: UUID) -> int:
    """Return how many batches a locked course has."""
    return int(await connection.fetchval(queries().count_batches, course_id))


async def insert_batch(connection: Connection, batch: Batch, programme_id: UUID) -> None:
    """Store a new batch."""
    await connection.execute(
        queries().insert_batch,
        batch.id,
        batch.version,
        batch.course_id,
        batch.title,
        batch.number,
        batch.place,
        batch.quota,
        batch.held,
        batch.arrivals,
        batch.closes_at,
        batch.selection,
        batch.selected,
        batch.offer_hours,
        batch.cancelled,
        _sessions_text(batch),
        year_of(batch),
        programme_id,
    )


async def find_batch(connection: Connection | Pool, batch_id: UUID) -> Batch | None:
    """Return one batch, not locked."""
    row = await connection.fetchrow(queries().find_batch, batch_id)
    return None if row is None else read_batch(row)


async def lock_batch(connection: Connection, batch_id: UUID) -> Batch | None:
    """Return one batch, locked: nobody else moves its seats until the transaction ends."""
    row = await connection.fetchrow(queries().lock_batch, batch_id)
    return None if row is None else read_batch(row)


async def list_batches(pool: Pool, course_id: UUID) -> list[Batch]:
    """Return the batches of a course."""
    return [read_batch(row) for row in await pool.fetch(queries().list_batches, course_id)]


def moved_seats(before: Batch, after: Batch) -> Change | None:
    """Return the statement that stores the seats of a locked batch, if a deed moved them."""
    if (before.held, before.arrivals) == (after.held, after.arrivals):
        return None
    return Change(queries().update_seats, (after.id, after.held, after.arrivals))


async def save_batch(connection: Connection, batch: Batch) -> None:
    """Store a locked batch whole."""
    await connection.execute(
        queries().update_batch,
        batch.id,
        batch.version,
        batch.quota,
        batch.held,
        batch.arrivals,
        batch.selected,
        batch.cancelled,
        _sessions_text(batch),
        year_of(batch),
    )


async def batches_to_select(pool: Pool, now: datetime) -> list[UUID]:
    """Return batches whose deadline has passed, and whose seats are still to be given."""
    rows = await pool.fetch(queries().batches_to_select, now.replace(microsecond=0))
    return [row["id"] for row in rows]


async def batches_with_late_offers(pool: Pool, now: datetime) -> list[UUID]:
    """Return batches that have an offer which ran out."""
    return [row["id"] for row in await pool.fetch(queries().batches_with_late_offers, now)]
