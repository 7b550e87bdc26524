"""Commands on enrolments: enrol, give up, take an offer, refuse, select; and reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.training.commands import AcceptOffer, Enrol, RejectEnrolment, WithdrawEnrolment
from services.training.domain import seats as rules
from services.training.domain.models import Applicant, Batch, Changed, Enrolment, Listed
from services.training.domain.refusals import UnknownBusinessError
from services.training.domain.requirements import needs_nib
from services.training.handlers import Saved, publish_each
from services.training.handlers.seating import lock_batch, lock_enrolment, queue_for, save_seats, saved, visible
from services.training.store import courses
from services.training.store import enrolments as store
from services.training.store.enrolments import Asking, Looked
from shared.contracts.registry import BusinessPersonal
from shared.contracts.training import EnrolmentState, LeavingCause
from shared.database import Connection, Pool
from shared.keys import KeyClient
from shared.outbox import Cause
from shared.refusals import DeedRefusedError, NotFoundError
from shared.sealing import UnreadableError, open_sealed


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for at the door of a batch."""

    command: Enrol
    has_nib: bool | None
    """As ``look_for_nib`` found it."""
    cause: Cause
    kelurahan: str | None
    """Of the officer who asks; ``None``: of the whole city."""


Came = Saved | DeedRefusedError
"""What came of one wish."""


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


async def _lock(connection: Connection, wishes: Sequence[Wish], erased: Mapping[UUID, bool]) -> tuple[Looked, Batch]:
    """Look, then hold the batch: while it is held everybody else waits, so only its seats are read then.

    A batch that an officer changed between the two (it may be in another year now) is looked at again.
    Raises ``NotFoundError`` if there is no such batch.
    """
    batch_id = wishes[0].command.batch_id
    asking = [
        Asking(command.owner_id, command.business_id, erased[command.owner_id], wish.has_nib, wish.cause.now)
        for wish in wishes
        for command in [wish.command]
    ]
    looked = await store.look_for_applicants(connection, batch_id, asking)
    batch = await lock_batch(connection, batch_id)
    if looked is None or looked.batch_version != batch.version:
        looked = await store.look_for_applicants(connection, batch_id, asking)
    if looked is None:
        raise NotFoundError("Angkatan", batch_id)
    return looked, batch


def _seen(wish: Wish, applicant: Applicant | None) -> Applicant:
    """Return the applicant. Raises ``UnknownBusinessError`` also for a business that the officer may not see."""
    if applicant is None or (wish.kelurahan is not None and applicant.kelurahan != wish.kelurahan):
        raise UnknownBusinessError("Usaha", wish.command.business_id)
    return applicant


async def _enrol_held(connection: Connection, wishes: Sequence[Wish], erased: Mapping[UUID, bool]) -> list[Came]:
    """Enrol owners who are held, each once, in one batch, in their order. Who is refused moves no seat, and harms nobody."""
    try:
        looked, batch = await _lock(connection, wishes, erased)
    except NotFoundError as refusal:
        return [refusal] * len(wishes)
    after, came = batch, list[Came]()
    made: list[tuple[Changed[Enrolment], Cause]] = []
    for wish, applicant in zip(wishes, looked.applicants, strict=True):
        try:
            seen = _seen(wish, applicant)
            after, change = rules.enrol(looked.course, after, wish.command, seen, wish.cause.now)
        except DeedRefusedError as refusal:
            came.append(refusal)
        else:
            made.append((change, wish.cause))
            came.append(Saved(change.after.id, change.after.version))
    if made:
        rows = store.new_enrolments((change.after, cause.actor, cause.now) for change, cause in made)
        await publish_each(connection, made, courses.moved_seats(batch, after), rows)
    return came


async def enrol(
    connection: Connection, command: Enrol, has_nib: bool | None, cause: Cause, kelurahan: str | None
) -> Saved:
    """Enrol an owner with a business. The lock of the batch is the queue: who holds it first has come first.

    Waits for the owner, if somebody else holds them.
    Raises ``AlreadyEnrolledError``, ``RequirementsNotMetError``, ``EnrolmentClosedError`` and the like.
    """
    erased = await store.lock_owner(connection, command.owner_id)
    if erased is None:
        raise UnknownBusinessError("Pemilik", command.owner_id)
    wish = Wish(command, has_nib, cause, kelurahan)
    (came,) = await _enrol_held(connection, [wish], {command.owner_id: erased})
    if isinstance(came, DeedRefusedError):
        raise came
    return came


async def enrol_together(connection: Connection, wishes: Sequence[Wish]) -> list[Came | None]:
    """Enrol several owners in one batch, in their order, and return what came of each; no owner may stand there twice.

    ``None``: nobody told of the owner, or somebody else holds them (who enrols them in another batch, an erasure), so that the
    others would wait: to be enrolled alone. Because nobody waits for an owner here, groups of different batches cannot lock
    one another out, whatever owners they share.
    """
    erased = await store.lock_free_owners(connection, [wish.command.owner_id for wish in wishes])
    held = [wish for wish in wishes if wish.command.owner_id in erased]
    if not held:
        return [None] * len(wishes)
    came = iter(await _enrol_held(connection, held, erased))
    return [next(came) if wish.command.owner_id in erased else None for wish in wishes]


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
