"""Commands on programmes, courses and batches, and reading them."""

from __future__ import annotations

from uuid import UUID

from services.training.commands import (
    CancelBatch,
    ChangeQuota,
    MoveSession,
    OpenBatch,
    OpenCourse,
    OpenProgramme,
)
from services.training.domain import courses as rules
from services.training.domain import seats
from services.training.domain.models import Batch, Changed, Course, Programme, Seats
from services.training.domain.refusals import CodeTakenError
from services.training.handlers import Saved, publish
from services.training.handlers.seating import queue_for, save_seats
from services.training.store import courses as store
from services.training.store import enrolments
from shared.database import Connection, Pool
from shared.outbox import Cause
from shared.refusals import NotFoundError
from shared.registry_copy.partner_table import share_partner


async def open_programme(connection: Connection, command: OpenProgramme, cause: Cause) -> Saved:
    """Store a new programme. Raises ``CodeTakenError``. It has no fact: the facts of its courses name it."""
    programme = Programme(command.programme_id, command.code, command.title)
    if not await store.insert_programme(connection, programme, cause.actor):
        raise CodeTakenError(command.code)
    return Saved(programme.id, 1)


async def open_course(connection: Connection, command: OpenCourse, cause: Cause) -> Saved:
    """Store a new course. Raises ``NotFoundError`` for its programme, and what the rules refuse."""
    programme = await store.find_programme(connection, command.programme_id)
    if programme is None:
        raise NotFoundError("Program", command.programme_id)
    partner = await share_partner(connection, command.partner_id)
    change = rules.open_course(command, programme, cause.actor, partner)
    await publish(connection, [change], cause, store.new_course(change.after))
    return Saved(change.after.id, change.after.version)


async def _lock_course(connection: Connection, course_id: UUID) -> Course:
    course = await store.lock_course(connection, course_id)
    if course is None:
        raise NotFoundError("Pelatihan", course_id)
    return course


async def _lock_both(connection: Connection, batch_id: UUID) -> tuple[Course, Batch]:
    """Return a batch and its course, locked in this order: course, batch."""
    found = await store.find_batch(connection, batch_id)
    if found is None:
        raise NotFoundError("Angkatan", batch_id)
    course = await _lock_course(connection, found.course_id)
    batch = await store.lock_batch(connection, batch_id)
    if batch is None:
        raise NotFoundError("Angkatan", batch_id)
    return course, batch


async def open_batch(connection: Connection, command: OpenBatch, cause: Cause) -> Saved:
    """Store a new batch of a course. Raises what the rules refuse."""
    course = await _lock_course(connection, command.course_id)
    number = await store.count_batches(connection, course.id) + 1
    change, batch = rules.open_batch(course, command, number)
    await store.insert_batch(connection, batch, course.programme.id)
    await publish(connection, [change], cause, store.moved_course(change.after))
    return Saved(batch.id, batch.version)


async def _save(connection: Connection, change: Changed[Course], before: Batch, after: Seats, cause: Cause) -> Saved:
    """Store what an officer changed of a batch, and the seats that moved with it."""
    if change.facts:
        await store.save_batch(connection, after.batch)
        await publish(connection, [change], cause, store.moved_course(change.after))
        await save_seats(connection, after.batch, after, cause)
    return Saved(before.id, after.batch.version)


async def move_session(connection: Connection, command: MoveSession, cause: Cause) -> Saved:
    """Hold a session at another time."""
    course, batch = await _lock_both(connection, command.batch_id)
    change, after = rules.move_session(course, batch, command, cause.now)
    return await _save(connection, change, batch, Seats(after), cause)


async def change_quota(connection: Connection, command: ChangeQuota, cause: Cause) -> Saved:
    """Set the quota; new seats are offered to who waits. Raises ``QuotaBelowHeldError`` and the like."""
    course, batch = await _lock_both(connection, command.batch_id)
    waiting = await queue_for(connection, batch, more=max(0, command.quota - batch.quota))
    change, after = seats.change_quota(course, batch, command, waiting, cause.now)
    return await _save(connection, change, batch, after, cause)


async def cancel_batch(connection: Connection, command: CancelBatch, cause: Cause) -> Saved:
    """Do not hold a batch: every enrolment of it is closed by a fact of its own."""
    course, batch = await _lock_both(connection, command.batch_id)
    everybody = await enrolments.load_batch_enrolments(connection, batch.id)
    change, after = seats.cancel(course, batch, command.expected_version, everybody, cause.now)
    return await _save(connection, change, batch, after, cause)


async def list_programmes(pool: Pool, after: UUID, limit: int) -> list[Programme]:
    """Return programmes after an id."""
    return await store.list_programmes(pool, after, limit)


async def list_courses(pool: Pool, after: UUID, limit: int) -> list[Course]:
    """Return courses after an id."""
    return await store.list_courses(pool, after, limit)


async def show_course(pool: Pool, course_id: UUID) -> tuple[Course, list[Batch]]:
    """Return a course with its batches, else ``NotFoundError``."""
    course = await store.find_course(pool, course_id)
    if course is None:
        raise NotFoundError("Pelatihan", course_id)
    return course, await store.list_batches(pool, course_id)


async def find_batch(pool: Pool, batch_id: UUID) -> Batch:
    """Return one batch, else ``NotFoundError``."""
    batch = await store.find_batch(pool, batch_id)
    if batch is None:
        raise NotFoundError("Angkatan", batch_id)
    return batch
