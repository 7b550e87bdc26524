"""Erased owners, and the notices that go to agencies about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from services.partners.domain.erasures import Notice, Obstacle, Outcome, Subject, Wanted
from services.partners.store import erasure_queries
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Erasure:
    """An owner who was erased, and when this service recorded it."""

    owner_id: UUID
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Unanswered:
    """So many notices an agency has not acknowledged, and so many of them are past their deadline."""

    agency: str
    open: int
    overdue: int


async def insert_erasures(connection: Connection, owner_ids: Collection[UUID], now: datetime) -> None:
    """Store that owners were erased: their agencies are to be found."""
    await connection.execute(erasure_queries().insert_erasures, list(owner_ids), now)


async def hold_erasure(connection: Connection, now: datetime) -> Erasure | None:
    """Hold one owner of whom the disclosure log is to be looked at now, until the transaction ends."""
    row = await connection.fetchrow(erasure_queries().hold_erasure, now)
    return None if row is None else Erasure(**row)


async def looked_at(connection: Connection, owner_id: UUID, look_at: datetime | None) -> None:
    """Store when the log is to be looked at again for an owner."""
    await connection.execute(erasure_queries().looked_at, owner_id, look_at)


def _subjects_text(notice: Notice) -> str:
    return orjson.dumps([{"stream": item.stream, "id": str(item.id)} for item in notice.subjects]).decode()


def _notice(row: asyncpg.Record) -> Notice:
    told = {name: row[name] for name in Notice.__dataclass_fields__}
    subjects = tuple(Subject(item["stream"], UUID(item["id"])) for item in orjson.loads(row["subjects"]))
    changed = {
        "subjects": subjects,
        "round_done": frozenset(row["round_done"]),
        "told_ways": tuple(row["told_ways"]),
        "obstacle": None if row["obstacle"] is None else Obstacle(row["obstacle"]),
        "outcome": None if row["outcome"] is None else Outcome(row["outcome"]),
    }
    return Notice(**(told | changed))


async def save_notice(connection: Connection, notice: Notice) -> None:
    """Store a notice; one that is there stays, unless the agency was given more than it was told."""
    told = (notice.id, notice.agency, notice.owner_id, _subjects_text(notice), notice.made_at, notice.due_at)
    await connection.execute(erasure_queries().save_notice, *told)


async def claim_notices(pool: Pool, now: datetime, until: datetime, limit: int) -> list[Notice]:
    """Return notices that are to be told now; nobody else tells them before ``until``."""
    return [_notice(row) for row in await pool.fetch(erasure_queries().claim_notices, now, until, limit)]


async def save_round(pool: Pool, after: Notice, told: int, reached: Collection[str], now: datetime) -> None:
    """Store what a round came to, unless the notice was acknowledged or made anew meanwhile."""
    obstacle = None if after.obstacle is None else after.obstacle.value
    values = (after.tell_at, sorted(after.round_done), obstacle, told, list(reached), now, _subjects_text(after))
    await pool.execute(erasure_queries().save_round, after.id, *values)


async def read_by_agency(pool: Pool, agency: str, notice_ids: Collection[UUID], now: datetime) -> None:
    """Store that an agency has read its notices."""
    await pool.execute(erasure_queries().read_notices, list(notice_ids), agency, now)


async def note_overdue(pool: Pool, now: datetime, limit: int) -> list[tuple[UUID, str, datetime]]:
    """Return what became overdue since somebody looked: id, agency, deadline."""
    rows = await pool.fetch(erasure_queries().note_overdue, now, limit)
    return [(row["id"], row["agency"], row["due_at"]) for row in rows]


async def list_notices(pool: Pool, after: UUID, wanted: Wanted, limit: int) -> list[Notice]:
    """Return notices after an id."""
    asked = (wanted.agency, wanted.owner_id, wanted.is_open, wanted.overdue_at)
    return [_notice(row) for row in await pool.fetch(erasure_queries().list_notices, after, *asked, limit)]


async def count_open(pool: Pool, agency: str) -> int:
    """Return how many notices an agency has not acknowledged."""
    return int(await pool.fetchval(erasure_queries().count_open, agency))


async def count_by_agency(pool: Pool, now: datetime, limit: int) -> list[Unanswered]:
    """Return which agencies have something to acknowledge, those that are late first."""
    return [Unanswered(**row) for row in await pool.fetch(erasure_queries().count_by_agency, now, limit)]


async def find_notice(pool: Pool, notice_id: UUID) -> Notice | None:
    """Return one notice, not locked."""
    row = await pool.fetchrow(erasure_queries().find_notice, notice_id)
    return None if row is None else _notice(row)


async def lock_notice(connection: Connection, notice_id: UUID) -> Notice | None:
    """Return one notice, locked."""
    row = await connection.fetchrow(erasure_queries().lock_notice, notice_id)
    return None if row is None else _notice(row)


async def acknowledge(connection: Connection, after: Notice) -> None:
    """Store an agency's answer; the notice is locked."""
    outcome = None if after.outcome is None else after.outcome.value
    told = (after.acknowledged_at, after.acknowledged_by, outcome, after.reference)
    await connection.execute(erasure_queries().acknowledge_notice, after.id, *told)


async def tell_by_letter(connection: Connection, after: Notice, now: datetime) -> None:
    """Store that an officer told it; the notice is locked."""
    await connection.execute(erasure_queries().tell_by_letter, after.id, now, after.letter, after.letter_by)
