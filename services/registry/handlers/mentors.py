"""Commands on mentors, and reading them and their weeks."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from services.registry.commands.mentoring import ChangeMentor, EndMentor, RegisterMentor
from services.registry.domain import mentoring as rules
from services.registry.domain.mentoring import Mentor, Week
from services.registry.domain.mentoring_refusals import AccountTakenError, MentorNotFoundError
from services.registry.handlers import SOURCE, Saved
from services.registry.store import mentoring as store
from shared.database import Connection, Pool
from shared.outbox import Cause, append, day_of
from shared.wita import monday_of


async def register_mentor(connection: Connection, command: RegisterMentor, cause: Cause) -> Saved:
    """Store a new mentor. Raises ``AccountTakenError``, ``UnknownPlaceError``."""
    mentor, fact = rules.register_mentor(command)
    if not await store.insert_mentor(connection, mentor, cause.actor):
        raise AccountTakenError(command.account)
    await store.set_target(connection, mentor, day_of(cause))
    await append(connection, SOURCE, [(mentor.version, fact)], cause)
    return Saved(mentor.id, mentor.version)


def known(mentor: Mentor | None, mentor_id: UUID) -> Mentor:
    """Return the mentor; raise ``MentorNotFoundError`` if there is none."""
    if mentor is None:
        raise MentorNotFoundError(mentor_id)
    return mentor


async def change_mentor(connection: Connection, command: ChangeMentor, cause: Cause) -> Saved:
    """Replace places and target. Raises ``MentorNotFoundError``, ``StaleVersionError``, ``MentorEndedError`` and the like."""
    mentor = known(await store.lock_mentor(connection, command.mentor_id), command.mentor_id)
    after, fact = rules.change_mentor(mentor, command)
    if fact is not None:
        await append(connection, SOURCE, [(after.version, fact)], cause, store.changed_mentor(after))
        if after.weekly_target != mentor.weekly_target:
            await store.set_target(connection, after, day_of(cause))
    return Saved(after.id, after.version)


async def end_mentor(connection: Connection, command: EndMentor, cause: Cause) -> Saved:
    """End a mentor. Raises ``MentorStillNeededError`` while businesses are left, and as ``change_mentor``."""
    mentor = known(await store.lock_mentor(connection, command.mentor_id), command.mentor_id)
    # Who gives the mentor a business holds the row of the mentor: counted after the lock, none can come.
    businesses, last_visit_on = await store.duties(connection, mentor.id)
    after, fact = rules.end_mentor(mentor, command, businesses, last_visit_on, day_of(cause))
    await append(connection, SOURCE, [(after.version, fact)], cause, store.changed_mentor(after))
    return Saved(after.id, after.version)


async def find_mentor(pool: Pool, mentor_id: UUID, account: str | None) -> Mentor:
    """Return a mentor; ``account``: only if it is the caller's own. Raises ``MentorNotFoundError``, ``NotTheMentorError``."""
    mentor = known(await store.find_mentor(pool, mentor_id), mentor_id)
    rules.check_is_mentor(mentor, account)
    return mentor


async def list_mentors(pool: Pool, after: UUID, account: str | None, limit: int) -> list[Mentor]:
    """Return mentors after an id; ``account``: only the caller's own."""
    return await store.list_mentors(pool, after, account, limit)


async def weeks_of_mentor(
    pool: Pool, mentor_id: UUID, account: str | None, last: date, count: int
) -> tuple[list[Week], bool]:
    """Return the week of the day ``last`` and those before it, newest first, and whether earlier ones tell of anything.

    Raises as ``find_mentor``.
    """
    await find_mentor(pool, mentor_id, account)
    newest = monday_of(last)
    first, end = newest - timedelta(weeks=count - 1), newest + timedelta(days=6)
    visits = await store.visits_by_week(pool, mentor_id, first, end)
    weeks = rules.weeks(visits, await store.targets(pool, mentor_id), last, count)
    return weeks, await store.first_day(pool, mentor_id) < first
