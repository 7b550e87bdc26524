"""What every deed on seats does: hold the batch, take the head of the queue, store what changed with its facts."""

from __future__ import annotations

from uuid import UUID

from services.training.domain.models import Batch, Enrolment, Seats
from services.training.handlers import Saved, publish
from services.training.store import courses, enrolments
from shared.database import Connection
from shared.outbox import Cause
from shared.refusals import NotFoundError


async def lock_batch(connection: Connection, batch_id: UUID) -> Batch:
    """Return a batch, locked. Raises ``NotFoundError``."""
    batch = await courses.lock_batch(connection, batch_id)
    if batch is None:
        raise NotFoundError("Angkatan", batch_id)
    return batch


def visible(enrolment: Enrolment | None, enrolment_id: UUID, kelurahan: str | None) -> Enrolment:
    """Return the enrolment. Raises ``NotFoundError`` also for one of another kelurahan."""
    if enrolment is None or (kelurahan is not None and enrolment.kelurahan != kelurahan):
        raise NotFoundError("Pendaftaran", enrolment_id)
    return enrolment


async def lock_enrolment(
    connection: Connection, enrolment_id: UUID, kelurahan: str | None = None
) -> tuple[Batch, Enrolment]:
    """Return an enrolment with its batch, which is locked: as long as it is, nobody else moves the enrolment."""
    found = visible(await enrolments.find_enrolment(connection, enrolment_id), enrolment_id, kelurahan)
    batch = await lock_batch(connection, found.batch_id)
    return batch, visible(await enrolments.find_enrolment(connection, enrolment_id), enrolment_id, kelurahan)


async def queue_for(connection: Connection, batch: Batch, *, more: int) -> list[Enrolment]:
    """Return the head of the queue: as many as seats are free, and ``more`` that are about to be, and one who may leave it."""
    return await enrolments.load_queue(connection, batch.id, max(0, batch.free) + more + 1)


async def save_seats(connection: Connection, before: Batch, seats: Seats, cause: Cause) -> None:
    """Store the seats of a locked batch, the enrolments that changed, and their facts in order."""
    await enrolments.save_enrolments(connection, [change.after for change in seats.changes])
    await publish(connection, seats.changes, cause, courses.moved_seats(before, seats.batch))


def saved(enrolment: Enrolment, seats: Seats) -> Saved:
    """Return what a deed came to for one enrolment."""
    found = next((change.after for change in seats.changes if change.after.id == enrolment.id), enrolment)
    return Saved(found.id, found.version)
