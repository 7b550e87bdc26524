"""Commands on the mentoring of a business, and reading it.

Locks go business, owner, mentoring, mentor, so that nothing waits in a circle with a closing or an erasure.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.registry.commands.mentoring import EndMentoring, HandOverMentoring, RecordVisit, StartMentoring
from services.registry.domain import mentoring as rules
from services.registry.domain.mentoring import Mentor, Mentoring
from services.registry.domain.mentoring_refusals import (
    AlreadyMentoredError,
    MentoringEndedError,
    MentoringNotFoundError,
)
from services.registry.domain.models import Business
from services.registry.domain.refusals import OwnerErasedError
from services.registry.handlers import SOURCE, Saved
from services.registry.handlers.businesses import find_business, load_business
from services.registry.handlers.mentors import find_mentor, known
from services.registry.handlers.owners import key_unless_erased
from services.registry.store import mentoring as store
from shared.contracts.fact import Fact
from shared.database import Connection, Pool
from shared.outbox import Cause, Change, append, day_of
from shared.sealing import KeyRing


async def _save(connection: Connection, after: Mentoring, fact: Fact, cause: Cause, *changes: Change) -> Saved:
    await append(connection, SOURCE, [(after.version, fact)], cause, *changes)
    return Saved(after.id, after.version)


def _known(mentoring: Mentoring | None, mentoring_id: UUID) -> Mentoring:
    if mentoring is None:
        raise MentoringNotFoundError(mentoring_id)
    return mentoring


async def _mentor(connection: Connection, mentor_id: UUID) -> Mentor:
    return known(await store.lock_mentor(connection, mentor_id, share=True), mentor_id)


async def start_mentoring(connection: Connection, ring: KeyRing, command: StartMentoring, cause: Cause) -> Saved:
    """Give a business a mentor. Raises ``AlreadyMentoredError``, ``NotMentorableError``, ``OwnerErasedError`` and the like."""
    business = await load_business(connection, command.business_id, None)
    live, free_since = await store.live_and_free_since(connection, business.id)
    if live is not None:
        raise AlreadyMentoredError(business.id, live)
    owner_id = business.profile.owner_ids[0]
    if await key_unless_erased(connection, ring, owner_id) is None:
        raise OwnerErasedError(owner_id)
    mentor = await _mentor(connection, command.mentor_id)
    mentoring, fact = rules.start(business, mentor, command, free_since, day_of(cause))
    return await _save(connection, mentoring, fact, cause, store.new_mentoring(mentoring, cause.actor))


async def record_visit(connection: Connection, command: RecordVisit, account: str | None, cause: Cause) -> Saved:
    """Record a visit of the mentor of now; ``account``: the caller's, ``None`` for the city's office.

    Raises ``MentoringNotFoundError``, ``NotTheMentorError``, ``MentoringDayError`` and the like.
    """
    mentoring = _known(await store.lock_mentoring(connection, command.mentoring_id), command.mentoring_id)
    rules.check_is_mentor(await store.find_mentor(connection, mentoring.mentor_id), account)
    after, fact = rules.visit(mentoring, command, day_of(cause))
    visit = store.new_visit(mentoring, command, cause.actor)
    return await _save(connection, after, fact, cause, store.changed_mentoring(after), visit)


async def hand_over(connection: Connection, command: HandOverMentoring, cause: Cause) -> Saved:
    """Let another mentor go on. Raises ``SameMentorError``, ``MentorElsewhereError`` and the like."""
    found = _known(await store.find_mentoring(connection, command.mentoring_id), command.mentoring_id)
    business = await load_business(connection, found.business_id, None)
    mentoring = _known(await store.lock_mentoring(connection, found.id), found.id)
    mentor = await _mentor(connection, command.mentor_id)
    after, fact = rules.hand_over(mentoring, business, mentor, command, day_of(cause))
    return await _save(connection, after, fact, cause, store.changed_mentoring(after))


async def end_mentoring(connection: Connection, command: EndMentoring, cause: Cause) -> Saved:
    """End a mentoring. Raises ``MentoringNotFoundError``, ``MentoringEndedError`` and the like."""
    mentoring = _known(await store.lock_mentoring(connection, command.mentoring_id), command.mentoring_id)
    after, fact = rules.end(mentoring, command, day_of(cause))
    return await _save(connection, after, fact, cause, store.changed_mentoring(after))


async def find_mentoring(pool: Pool, mentoring_id: UUID, account: str | None) -> Mentoring:
    """Return a mentoring that the caller may see: its mentor's ``account``, or ``None`` for the city's office."""
    mentoring = _known(await store.find_mentoring(pool, mentoring_id), mentoring_id)
    rules.check_is_mentor(await store.find_mentor(pool, mentoring.mentor_id), account)
    return mentoring


async def find_mentored_business(pool: Pool, mentoring_id: UUID, account: str | None) -> Business:
    """Return the business that a mentor looks after now. Raises ``MentoringEndedError``, and as ``find_mentoring``."""
    mentoring = await find_mentoring(pool, mentoring_id, account)
    if mentoring.ended_on is not None:
        raise MentoringEndedError(mentoring.id, mentoring.ended_on)
    return await find_business(pool, mentoring.business_id, None)


async def list_visits(
    pool: Pool, mentoring_id: UUID, account: str | None, after: UUID, limit: int
) -> list[dict[str, Any]]:
    """Return visits of a mentoring after an id. Raises as ``find_mentoring``."""
    await find_mentoring(pool, mentoring_id, account)
    return await store.list_visits(pool, mentoring_id, after, limit)


async def mentorings_of_business(
    pool: Pool, business_id: UUID, kelurahan: str | None, after: UUID, limit: int
) -> list[Mentoring]:
    """Return who looked after a business, after an id. Raises ``BusinessNotFoundError``, also for another kelurahan's."""
    await find_business(pool, business_id, kelurahan)
    return await store.mentorings_of_business(pool, business_id, after, limit)


async def mentorings_of_mentor(
    pool: Pool, mentor_id: UUID, account: str | None, after: UUID, limit: int
) -> list[Mentoring]:
    """Return what a mentor looks after now, after an id. Raises ``MentorNotFoundError``, ``NotTheMentorError``."""
    await find_mentor(pool, mentor_id, account)
    return await store.mentorings_of_mentor(pool, mentor_id, after, limit)
