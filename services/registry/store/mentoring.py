"""Mentors, mentorings and visits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.commands.mentoring import RecordVisit
from services.registry.domain.mentoring import Mentor, Mentoring
from services.registry.store import SQL
from shared.contracts.mentoring import MentoringCause
from shared.database import Connection, Pool, Queries, load_queries
from shared.outbox import Change


@cache
def queries() -> Queries:
    """Return the named statements about mentoring."""
    return load_queries(SQL / "queries_mentoring.sql")


def _mentor(row: asyncpg.Record | None) -> Mentor | None:
    if row is None:
        return None
    places = tuple(row["kelurahan"])
    return Mentor(row["id"], row["version"], row["account"], places, row["weekly_target"], row["ended_on"])


def _mentoring(row: asyncpg.Record) -> Mentoring:
    return Mentoring(
        id=row["id"],
        version=row["version"],
        business_id=row["business_id"],
        mentor_id=row["mentor_id"],
        started_on=row["started_on"],
        since=row["since"],
        last_visit_on=row["last_visit_on"],
        ended_on=row["ended_on"],
        cause=None if row["cause"] is None else MentoringCause(row["cause"]),
    )


def _mentoring_or_none(row: asyncpg.Record | None) -> Mentoring | None:
    return None if row is None else _mentoring(row)


async def insert_mentor(connection: Connection, mentor: Mentor, actor: str) -> bool:
    """Store a new mentor; ``False`` if the account is a mentor's already."""
    places = list(mentor.kelurahan)
    made = await connection.fetchval(
        queries().insert_mentor,
        mentor.id,
        mentor.version,
        mentor.account,
        places,
        mentor.weekly_target,
        mentor.ended_on,
        actor,
    )
    return made is not None


def changed_mentor(mentor: Mentor) -> Change:
    """Return what stores a mentor after a deed."""
    return Change(
        queries().update_mentor,
        (mentor.id, mentor.version, list(mentor.kelurahan), mentor.weekly_target, mentor.ended_on),
    )


async def set_target(connection: Connection, mentor: Mentor, since: date) -> None:
    """Note the target that counts from a day on."""
    await connection.execute(queries().set_target, mentor.id, since, mentor.weekly_target)


async def lock_mentor(connection: Connection, mentor_id: UUID, *, share: bool = False) -> Mentor | None:
    """Return a mentor, locked; ``share``: against change and end only."""
    statement = queries().share_mentor if share else queries().lock_mentor
    return _mentor(await connection.fetchrow(statement, mentor_id))


async def find_mentor(executor: Pool | Connection, mentor_id: UUID) -> Mentor | None:
    """Return a mentor, or ``None``."""
    return _mentor(await executor.fetchrow(queries().find_mentor, mentor_id))


async def list_mentors(pool: Pool, after: UUID, account: str | None, limit: int) -> list[Mentor]:
    """Return mentors after an id, in its order."""
    rows = await pool.fetch(queries().list_mentors, after, account, limit)
    return [mentor for row in rows if (mentor := _mentor(row)) is not None]


async def duties(connection: Connection, mentor_id: UUID) -> tuple[int, date | None]:
    """Return how many businesses a mentor looks after, and the day of their last visit."""
    row = await connection.fetchrow(queries().duties_of_mentor, mentor_id)
    return row["businesses"], row["last_visit_on"]


async def targets(pool: Pool, mentor_id: UUID) -> list[tuple[date, int]]:
    """Return the mentor's targets by the day from which each counts, ascending."""
    return [(row["since"], row["weekly_target"]) for row in await pool.fetch(queries().targets_of_mentor, mentor_id)]


async def first_day(pool: Pool, mentor_id: UUID) -> date:
    """Return the first day that a week of the mentor can tell of: of a target or a visit."""
    day: date = await pool.fetchval(queries().first_day_of_mentor, mentor_id)
    return day


async def visits_by_week(pool: Pool, mentor_id: UUID, first: date, last: date) -> dict[date, tuple[int, int]]:
    """Return Monday → (visits, different businesses) between two days."""
    rows = await pool.fetch(queries().visits_by_week, mentor_id, first, last)
    return {row["monday"]: (row["visits"], row["businesses"]) for row in rows}


def new_mentoring(mentoring: Mentoring, actor: str) -> Change:
    """Return what stores a new mentoring."""
    return Change(
        queries().insert_mentoring,
        (
            mentoring.id,
            mentoring.version,
            mentoring.business_id,
            mentoring.mentor_id,
            mentoring.started_on,
            mentoring.since,
            actor,
        ),
    )


def changed_mentoring(mentoring: Mentoring) -> Change:
    """Return what stores a mentoring after a deed."""
    return Change(
        queries().update_mentoring,
        (
            mentoring.id,
            mentoring.version,
            mentoring.mentor_id,
            mentoring.since,
            mentoring.last_visit_on,
            mentoring.ended_on,
            mentoring.cause,
        ),
    )


async def lock_mentoring(connection: Connection, mentoring_id: UUID) -> Mentoring | None:
    """Return a mentoring, locked, or ``None``."""
    return _mentoring_or_none(await connection.fetchrow(queries().lock_mentoring, mentoring_id))


async def lock_live(connection: Connection, business_id: UUID) -> Mentoring | None:
    """Return the mentoring of a business that goes on, locked, or ``None``."""
    return _mentoring_or_none(await connection.fetchrow(queries().lock_live_mentoring, business_id))


async def find_mentoring(executor: Pool | Connection, mentoring_id: UUID) -> Mentoring | None:
    """Return a mentoring, or ``None``."""
    return _mentoring_or_none(await executor.fetchrow(queries().find_mentoring, mentoring_id))


async def mentorings_of_business(pool: Pool, business_id: UUID, after: UUID, limit: int) -> list[Mentoring]:
    """Return the mentorings of a business after an id, in its order."""
    rows = await pool.fetch(queries().mentorings_of_business, business_id, after, limit)
    return [_mentoring(row) for row in rows]


async def mentorings_of_mentor(pool: Pool, mentor_id: UUID, after: UUID, limit: int) -> list[Mentoring]:
    """Return the live mentorings of a mentor after an id, in its order."""
    rows = await pool.fetch(queries().mentorings_of_mentor, mentor_id, after, limit)
    return [_mentoring(row) for row in rows]


async def live_and_free_since(connection: Connection, business_id: UUID) -> tuple[UUID | None, date | None]:
    """Return the live mentoring of a business, and the day on which its last one ended."""
    row = await connection.fetchrow(queries().business_free_since, business_id)
    return row["live"], row["free_since"]


async def account_of_mentor(connection: Connection, business_id: UUID) -> str | None:
    """Return the account of the mentor who looks after a business, or ``None``."""
    account: str | None = await connection.fetchval(queries().account_of_business_mentor, business_id)
    return account


def new_visit(mentoring: Mentoring, visit: RecordVisit, actor: str) -> Change:
    """Return what stores a visit."""
    aspects = [str(aspect) for aspect in visit.aspects]
    return Change(
        queries().insert_visit,
        (
            visit.visit_id,
            mentoring.id,
            mentoring.business_id,
            mentoring.mentor_id,
            visit.visited_on,
            visit.way,
            aspects,
            visit.note,
            actor,
        ),
    )


async def list_visits(pool: Pool, mentoring_id: UUID, after: UUID, limit: int) -> list[dict[str, Any]]:
    """Return visits of a mentoring after an id, in its order."""
    return [dict(row) for row in await pool.fetch(queries().visits_of_mentoring, mentoring_id, after, limit)]


async def forget_notes(connection: Connection, owner_id: UUID, business_ids: Iterable[UUID]) -> None:
    """Empty the notes about an owner's businesses, and about ``business_ids``; no visit is recorded in between."""
    rows = await connection.fetch(queries().lock_mentorings_of_owner, owner_id, list(business_ids))
    await connection.execute(queries().forget_notes, [row["id"] for row in rows])
