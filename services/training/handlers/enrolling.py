"""Commands on enrolments: enrol, give up, take an offer, refuse, select; and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from services.training.commands import AcceptOffer, Enrol, RejectEnrolment, WithdrawEnrolment
from services.training.domain import seats as rules
from services.training.domain.models import Applicant, Batch, Course, Listed
from services.training.domain.refusals import UnknownBusinessError
from services.training.domain.requirements import needs_nib
from services.training.handlers import Saved, publish
from services.training.handlers.seating import lock_batch, lock_enrolment, queue_for, save_seats, saved, visible
from services.training.store import courses
from services.training.store import enrolments as store
from shared.contracts.registry import BusinessPersonal
from shared.contracts.training import EnrolmentState, LeavingCause
from shared.database import Connection, Pool
from shared.keys import KeyClient
from shared.outbox import Cause
from shared.refusals import NotFoundError
from shared.sealing import UnreadableError, open_sealed


class Turn(Protocol):
    """One's turn at a batch, among those of this process."""

    async def enter(self) -> None:
        """Wait until it is one's turn."""

    def leave(self) -> None:
        """Give the turn on."""


class _NoDoor:
    """All wait in the database."""

    async def enter(self) -> None:
        """Wait for nobody."""

    def leave(self) -> None:
        """Have nothing to give on."""


_NO_DOOR = _NoDoor()


async def look_for_nib(pool: Pool, keys: KeyClient, command: Enrol) -> bool | None:
    """Return whether the business has a NIB, if the course asks for one, else ``None``.

    A NIB stands sealed, so the key of its owner is fetched; before the transaction, which waits for nobody else.
    Raises ``KeysAwayError``.
    """
    course = await courses.course_of_batch(pool, command.batch_id)
    if course is None or not needs_nib(course.requirements):
        return None
    owner_id, sealed = await store.sealed_business(pool, command.business_id) or (command.owner_id, None)
    if sealed is None:
        return False
    key = (await keys.fetch([owner_id]))[owner_id]
    if not isinstance(key, bytes):
        return False
    try:
        return bool(open_sealed(key, sealed, BusinessPersonal).nib)
    except UnreadableError:
        return False


async def _look(
    connection: Connection, command: Enrol, has_nib: bool | None, kelurahan: str | None, *, erased: bool
) -> tuple[Course, int, Applicant]:
    """Return what the rules look at beside the batch, and the version of the batch that it was looked at for."""
    found = await store.look_for_applicant(
        connection, command.owner_id, command.business_id, command.batch_id, erased=erased, has_nib=has_nib
    )
    if found is None:
        raise NotFoundError("Angkatan", command.batch_id)
    applicant = found.applicant
    if applicant is None or (kelurahan is not None and applicant.kelurahan != kelurahan):
        raise UnknownBusinessError("Usaha", command.business_id)
    return found.course, found.batch_version, applicant


async def _lock(
    connection: Connection, command: Enrol, has_nib: bool | None, kelurahan: str | None, turn: Turn
) -> tuple[Course, Batch, Applicant]:
    """Hold the owner, look, then hold the batch: while it is held everybody else waits, so only its seats are read then.

    A batch that an officer changed between the two (it may be in another year now) is looked at again.
    """
    erased = await store.lock_owner(connection, command.owner_id)
    if erased is None:
        raise UnknownBusinessError("Pemilik", command.owner_id)
    course, version, applicant = await _look(connection, command, has_nib, kelurahan, erased=erased)
    await turn.enter()
    batch = await lock_batch(connection, command.batch_id)
    if batch.version != version:
        course, _, applicant = await _look(connection, command, has_nib, kelurahan, erased=erased)
    return course, batch, applicant


async def enrol(
    connection: Connection,
    command: Enrol,
    has_nib: bool | None,
    cause: Cause,
    kelurahan: str | None,
    turn: Turn = _NO_DOOR,
) -> Saved:
    """Enrol an owner with a business. The lock of the batch is the queue: who holds it first has come first.

    The turn is asked for when all that needs none is done, and given on before the commit: the next then asks for the batch
    while this one is made durable, and is the only one who waits for it in the database.
    Raises ``AlreadyEnrolledError``, ``RequirementsNotMetError``, ``EnrolmentClosedError`` and the like.
    """
    course, batch, applicant = await _lock(connection, command, has_nib, kelurahan, turn)
    after, change = rules.enrol(course, batch, command, applicant, cause.now)
    made = store.new_enrolment(change.after, cause.actor, cause.now)
    await publish(connection, [change], cause, courses.moved_seats(batch, after), made)
    turn.leave()
    return Saved(change.after.id, change.after.version)


async def withdraw(connection: Connection, command: WithdrawEnrolment, cause: Cause, kelurahan: str | None) -> Saved:
    """Give an enrolment up; its seat is offered on. Said twice, the second changes nothing."""
    batch, enrolment = await lock_enrolment(connection, command.enrolment_id, kelurahan)
    waiting = await queue_for(connection, batch, more=1)
    seats = rules.withdraw(batch, enrolment, command.expected_version, command.cause, waiting, cause.now)
    await save_seats(connection, batch, seats, cause)
    return saved(enrolment, seats)


async def accept_offer(connection: Connection, command: AcceptOffer, cause: Cause, kelurahan: str | None) -> Saved:
    """Take the seat that is kept. Raises ``OfferExpiredError`` and ``TransitionRefusedError``."""
    batch, enrolment = await lock_enrolment(connection, command.enrolment_id, kelurahan)
    seats = rules.accept_offer(batch, enrolment, command.expected_version, cause.now)
    await save_seats(connection, batch, seats, cause)
    return saved(enrolment, seats)


async def reject(connection: Connection, command: RejectEnrolment, cause: Cause) -> Saved:
    """Refuse somebody who waits."""
    batch, enrolment = await lock_enrolment(connection, command.enrolment_id)
    seats = rules.reject(batch, enrolment, command.expected_version, command.cause)
    await save_seats(connection, batch, seats, cause)
    return saved(enrolment, seats)


async def select_participants(connection: Connection, batch_id: UUID, cause: Cause) -> Saved:
    """Give the seats of a batch after its deadline. Said twice, the second changes nothing."""
    batch = await lock_batch(connection, batch_id)
    seats = rules.select(batch, await store.load_queue(connection, batch_id, None), cause.now)
    if seats.batch is not batch:
        await courses.save_batch(connection, seats.batch)
        await save_seats(connection, seats.batch, seats, cause)
    return Saved(batch_id, seats.batch.version)


async def expire_offers(connection: Connection, batch_id: UUID, cause: Cause) -> int:
    """End the offers of a batch that ran out, offer their seats on, and return how many ended."""
    batch = await lock_batch(connection, batch_id)
    late = await store.load_late_offers(connection, batch_id, cause.now)
    seats = rules.expire(batch, late, await queue_for(connection, batch, more=len(late)), cause.now)
    await save_seats(connection, batch, seats, cause)
    return len(late)


async def release_erased(connection: Connection, erased: Mapping[UUID, Cause]) -> None:
    """Give up what owners who were erased have open: nobody can be told of a seat that is kept for them."""
    for found in await store.live_enrolments_of(connection, erased):
        batch, enrolment = await lock_enrolment(connection, found.id)
        waiting = await queue_for(connection, batch, more=1)
        cause = erased[enrolment.owner_id]
        if enrolment.state in rules.LEAVABLE:
            seats = rules.withdraw(batch, enrolment, None, LeavingCause.PEMILIK_DIHAPUS, waiting, cause.now)
            await save_seats(connection, batch, seats, cause)


async def show_enrolment(pool: Pool, enrolment_id: UUID, kelurahan: str | None) -> tuple[Listed, dict[int, bool]]:
    """Return an enrolment that a caller of ``kelurahan`` may see, with its attendance, else ``NotFoundError``."""
    found = await store.show_enrolment(pool, enrolment_id)
    if found is None:
        raise NotFoundError("Pendaftaran", enrolment_id)
    visible(found[0].enrolment, enrolment_id, kelurahan)
    return found


async def list_enrolments(
    pool: Pool, batch_id: UUID, after: int, state: EnrolmentState | None, kelurahan: str | None, limit: int
) -> list[Listed]:
    """Return enrolments of a batch after an arrival."""
    return await store.list_enrolments(pool, batch_id, after, state, kelurahan, limit)
