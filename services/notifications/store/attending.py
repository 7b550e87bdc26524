"""Who is to be where and when: written from facts, asked when the time comes, and who was reminded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.notifications.domain.attending import Attending, ParticipationChange
from services.notifications.domain.messages import Suppression
from services.notifications.domain.reminding import DEADLINE, SESSION, WAVE, Occasion
from services.notifications.store.facts import SQL
from shared.database import Connection, Pool, load_queries, write_rows
from shared.wita import WITA

QUERIES = load_queries(SQL / "reminders.sql")
TRAINING_ZONE = str(WITA)
"""Courses are held in the city."""


@dataclass(frozen=True, slots=True)
class Untold:
    """Somebody who is to be told of an occasion."""

    id: UUID
    """Of the enrolment or application."""
    owner_id: UUID
    business_id: UUID
    version: int
    """The sequence of the fact that told the time."""
    details: Mapping[str, Any]


async def save(connection: Connection, folded: Attending) -> None:
    """Write what a batch says."""
    courses = [(key, title, version) for key, (title, version) in folded.courses.items()]
    batches = [(key, course_id, place) for key, (course_id, place) in folded.batches.items()]
    sessions = [(*key, s.starts_at, s.version, s.moved_at) for key, s in folded.sessions.items()]
    await write_rows(connection, QUERIES.save_courses, courses)
    await write_rows(connection, QUERIES.save_batches, batches)
    if folded.cancelled:
        await connection.execute(QUERIES.cancel_batches, list(folded.cancelled))
    await write_rows(connection, QUERIES.save_sessions, sessions)
    participations = [_row(key, change) for key, change in sorted(folded.participations.items())]
    await write_rows(connection, QUERIES.save_participations, participations)


def _row(key: UUID, change: ParticipationChange) -> tuple[Any, ...]:
    details = None if change.details is None else orjson.dumps(change.details).decode()
    whose = (key, change.kind, change.gathering_id, change.owner_id, change.business_id, change.version)
    told = (change.attending, change.since, change.said, change.starts_at, details)
    return *whose, *told, change.unconfirmed, change.confirm_by


async def void_stale(
    connection: Connection, participations: AbstractSet[UUID], batches: AbstractSet[UUID], now: datetime
) -> None:
    """Take back reminders of these that are not true any more and have not gone out."""
    if participations or batches:
        await connection.execute(QUERIES.void_stale, list(participations), list(batches), now)


async def find_over(pool: Pool, reminders: Sequence[UUID], now: datetime) -> dict[UUID, Suppression]:
    """Return which of these messages remind of what is not so any more, or has begun, and which of both."""
    rows = await pool.fetch(QUERIES.find_over, reminders, now)
    return {row["id"]: Suppression(row["reason"]) for row in rows}


async def void_late(pool: Pool, now: datetime) -> int:
    """Take back reminders of what has begun meanwhile, and return how many."""
    count: int = await pool.fetchval(QUERIES.void_late, now)
    return count


async def upcoming(pool: Pool, now: datetime, until: datetime) -> list[Occasion]:
    """Return what is after ``now`` and up to ``until``: sessions, waves, deadlines; and sessions ahead that were moved."""
    sessions = [_session(row) for row in await pool.fetch(QUERIES.upcoming_sessions, now, until)]
    waves = await pool.fetch(QUERIES.upcoming_waves, now, until)
    deadlines = await pool.fetch(QUERIES.upcoming_deadlines, now, until)
    return [
        *sessions,
        *(Occasion(WAVE, *row) for row in waves),
        *(Occasion(DEADLINE, *row) for row in deadlines),
    ]


def _session(row: asyncpg.Record) -> Occasion:
    details = {
        "title": row["title"],
        "place": row["place"],
        "number": row["number"],
        "starts_at": row["starts_at"].isoformat(),
        "zone": TRAINING_ZONE,
    }
    place = (row["batch_id"], row["number"], row["starts_at"], TRAINING_ZONE)
    return Occasion(SESSION, *place, details, row["version"], row["moved_at"])


async def find_untold(
    connection: Connection, occasion: Occasion, template: str, before: datetime, limit: int
) -> list[Untold]:
    """Lock and return those who take part since before ``before`` and have no such message about this time yet."""
    statements = {WAVE: QUERIES.find_untold_of_wave, DEADLINE: QUERIES.find_untold_of_deadline}
    statement = statements.get(occasion.template, QUERIES.find_untold_of_session)
    which = occasion.version if occasion.template == SESSION else occasion.at
    rows = await connection.fetch(statement, occasion.gathering_id, occasion.number, which, template, before, limit)
    return [
        Untold(row["id"], row["owner_id"], row["business_id"], row["version"], orjson.loads(row["details"] or "{}"))
        for row in rows
    ]


async def insert_reminders(connection: Connection, made: Sequence[tuple[UUID, str, int, int, UUID, datetime]]) -> None:
    """Note reminders: participation, template, number, version, message, and when it begins."""
    await write_rows(connection, QUERIES.insert_reminders, made)
