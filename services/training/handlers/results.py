"""Commands on attendance and results."""

from __future__ import annotations

from services.training.commands import RecordAttendance, RecordResults
from services.training.domain import results as rules
from services.training.domain.models import Enrolment
from services.training.handlers import Saved, publish
from services.training.handlers.seating import lock_batch
from services.training.store import courses
from services.training.store import enrolments as store
from shared.database import Connection
from shared.outbox import Cause
from shared.refusals import NotFoundError


async def record_attendance(connection: Connection, command: RecordAttendance, cause: Cause) -> list[Saved]:
    """Store what a session's list says, and return the enrolments that changed. Raises ``StrangersError`` and the like."""
    batch = await lock_batch(connection, command.batch_id)
    ids = [presence.enrolment_id for presence in command.presences]
    found = await store.load_enrolments(connection, batch.id, ids)
    recorded = await store.load_session_list(connection, batch.id, command.session)
    changes = rules.record_attendance(batch, command, found, recorded, cause.now)
    said = {presence.enrolment_id: presence.present for presence in command.presences}
    differing = {change.after.id: said[change.after.id] for change in changes}
    await store.save_attendance(connection, command.session, differing, cause.actor, cause.now)
    await store.save_enrolments(connection, [change.after for change in changes])
    await publish(connection, changes, cause)
    return [_saved(change.after) for change in changes]


async def record_results(connection: Connection, command: RecordResults, cause: Cause) -> list[Enrolment]:
    """Store who passed and who did not, and return them. Raises ``BatchNotOverError``, ``ScoreError`` and the like."""
    batch = await lock_batch(connection, command.batch_id)
    course = await courses.course_of_batch(connection, batch.id)
    if course is None:
        raise NotFoundError("Angkatan", batch.id)
    ids = [mark.enrolment_id for mark in command.marks]
    found = await store.load_enrolments(connection, batch.id, ids)
    attended = await store.count_attendance(connection, ids)
    changes = rules.record_results(course, batch, command.marks, found, attended, cause.now)
    await store.save_enrolments(connection, [change.after for change in changes])
    await publish(connection, changes, cause)
    return [change.after for change in changes]


def _saved(enrolment: Enrolment) -> Saved:
    return Saved(enrolment.id, enrolment.version)
