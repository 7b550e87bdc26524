"""Enrolments, the queue, attendance, and who wants to enrol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.training.domain.models import Applicant, Course, Enrolment, Listed
from services.training.store import queries
from services.training.store.courses import read_course
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.contracts.training import EnrolmentState, LeavingCause
from shared.database import Connection, Pool
from shared.outbox import Change


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants to enrol. The owner is locked, and ``erased`` is what was found then."""

    owner_id: UUID
    business_id: UUID
    erased: bool
    has_nib: bool | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked at before a batch is locked."""

    course: Course
    batch_version: int
    """Of the batch that the history was looked at for."""
    applicants: tuple[Applicant | None, ...]
    """In the order of asking; ``None``: nobody told of the business yet."""


def _enrolment(row: asyncpg.Record) -> Enrolment:
    cause = row["cause"]
    return Enrolment(
        id=row["id"],
        version=row["version"],
        batch_id=row["batch_id"],
        course_id=row["course_id"],
        owner_id=row["owner_id"],
        business_id=row["business_id"],
        kelurahan=row["kelurahan"],
        state=EnrolmentState(row["state"]),
        priority=row["priority"],
        arrival=row["arrival"],
        offer_until=row["offer_until"],
        cause=None if cause is None else LeavingCause(cause),
        score=row["score"],
    )


def _listed(row: asyncpg.Record) -> Listed:
    return Listed(_enrolment(row), row["enrolled_at"])


async def lock_owner(connection: Connection, owner_id: UUID) -> bool | None:
    """Hold an owner, and return whether they were erased; ``None`` if nobody told of them yet."""
    row = await connection.fetchrow(queries().lock_owner, owner_id)
    return None if row is None else bool(row["erased"])


async def lock_free_owners(connection: Connection, owner_ids: Iterable[UUID]) -> dict[UUID, bool]:
    """Hold those owners whom nobody else holds, and return whether they were erased; who is not there is held, or unknown."""
    rows = await connection.fetch(queries().lock_free_owners, list(owner_ids))
    return {row["owner_id"]: row["erased"] for row in rows}


async def look_for_applicants(connection: Connection, batch_id: UUID, asking: Sequence[Asking]) -> Looked | None:
    """Return what the rules look at beside a batch, which nobody waits for; ``None`` if there is no such batch."""
    owners, businesses = [one.owner_id for one in asking], [one.business_id for one in asking]
    times = [one.at for one in asking]
    rows = await connection.fetch(queries().look_for_applicants, owners, businesses, batch_id, times)
    if not rows:
        return None
    applicants = tuple(_applicant(row, one) for row, one in zip(rows, asking, strict=True))
    return Looked(read_course(rows[0]), rows[0]["batch_version"], applicants)


def _applicant(row: asyncpg.Record, asking: Asking) -> Applicant | None:
    if row["owner_ids"] is None:
        return None
    return Applicant(
        owner_id=asking.owner_id,
        owner_ids=tuple(row["owner_ids"]),
        erased=asking.erased,
        status=BusinessStatus(row["business_status"]),
        kelas=BusinessClass(row["kelas"]),
        kelurahan=row["kelurahan"],
        has_nib=asking.has_nib,
        enrolled=row["enrolled"],
        served=row["served"],
        this_year=row["this_year"],
    )


async def sealed_business(pool: Pool, business_id: UUID) -> tuple[UUID, str | None] | None:
    """Return the principal owner and the sealed part of a business."""
    row = await pool.fetchrow(queries().sealed_business, business_id)
    return None if row is None else (row["owner_id"], row["personal"])


def new_enrolments(made: Iterable[tuple[Enrolment, str, datetime]]) -> Change:
    """Return the statement that stores new enrolments, at least one, each with its actor and time."""
    rows = [
        (
            enrolment.id,
            enrolment.version,
            enrolment.batch_id,
            enrolment.course_id,
            enrolment.owner_id,
            enrolment.business_id,
            enrolment.state,
            enrolment.priority,
            enrolment.arrival,
            enrolment.kelurahan,
            actor,
            now,
        )
        for enrolment, actor, now in made
    ]
    return Change(queries().insert_enrolments, tuple(zip(*rows, strict=True)))


async def save_enrolments(connection: Connection, enrolments: Sequence[Enrolment]) -> None:
    """Store enrolments after a deed; their batch is locked. None is nothing to do."""
    if not enrolments:
        return
    rows = [(e.id, e.version, e.state.value, e.offer_until, e.cause, e.score) for e in enrolments]
    await connection.execute(queries().update_enrolments, *zip(*rows, strict=True))


async def find_enrolment(connection: Connection | Pool, enrolment_id: UUID) -> Enrolment | None:
    """Return one enrolment; it moves only while its batch is locked."""
    row = await connection.fetchrow(queries().find_enrolment, enrolment_id)
    return None if row is None else _enrolment(row)


async def show_enrolment(pool: Pool, enrolment_id: UUID) -> tuple[Listed, dict[int, bool]] | None:
    """Return one enrolment as lists show it, with what the sessions' lists say."""
    row = await pool.fetchrow(queries().find_enrolment, enrolment_id)
    if row is None:
        return None
    attendance = await pool.fetch(queries().list_attendance, enrolment_id)
    return _listed(row), {item["session"]: item["present"] for item in attendance}


async def load_enrolments(connection: Connection, batch_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Enrolment]:
    """Return those of these enrolments that belong to the batch."""
    rows = await connection.fetch(queries().load_enrolments, batch_id, list(ids))
    return {row["id"]: _enrolment(row) for row in rows}


async def load_batch_enrolments(connection: Connection, batch_id: UUID) -> list[Enrolment]:
    """Return all enrolments of a batch."""
    return [_enrolment(row) for row in await connection.fetch(queries().load_batch_enrolments, batch_id)]


async def load_queue(connection: Connection, batch_id: UUID, limit: int | None) -> list[Enrolment]:
    """Return who waits or is to be selected, in order; ``None``: all of them."""
    return [_enrolment(row) for row in await connection.fetch(queries().load_queue, batch_id, limit)]


async def load_late_offers(connection: Connection, batch_id: UUID, now: datetime) -> list[Enrolment]:
    """Return the offers of a batch that ran out."""
    return [_enrolment(row) for row in await connection.fetch(queries().load_late_offers, batch_id, now)]


async def list_enrolments(
    pool: Pool, batch_id: UUID, after: int, state: EnrolmentState | None, kelurahan: str | None, limit: int
) -> list[Listed]:
    """Return enrolments of a batch after an arrival."""
    rows = await pool.fetch(queries().list_enrolments, batch_id, after, state, kelurahan, limit)
    return [_listed(row) for row in rows]


async def live_enrolments_of(connection: Connection, owner_ids: Iterable[UUID]) -> list[Enrolment]:
    """Return enrolments of some owners that are not over, in the order in which their batches are locked."""
    return [_enrolment(row) for row in await connection.fetch(queries().live_enrolments_of, list(owner_ids))]


async def load_session_list(connection: Connection, batch_id: UUID, session: int) -> dict[UUID, bool]:
    """Return what a session's list says so far."""
    rows = await connection.fetch(queries().load_session_list, batch_id, session)
    return {row["enrolment_id"]: row["present"] for row in rows}


async def save_attendance(
    connection: Connection, session: int, presences: Mapping[UUID, bool], actor: str, now: datetime
) -> None:
    """Store what a session's list says now."""
    if presences:
        ids, present = list(presences), list(presences.values())
        await connection.execute(queries().save_attendance, ids, session, present, actor, now)


async def count_attendance(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many sessions each was at; who was at none is not there."""
    rows = await connection.fetch(queries().count_attendance, list(ids))
    return {row["enrolment_id"]: row["sessions"] for row in rows}


async def share_passed_owners(connection: Connection, batch_id: UUID) -> list[UUID]:
    """Keep from being erased who passed a batch and has no certificate yet, and return them; nobody who was erased."""
    return [row["owner_id"] for row in await connection.fetch(queries().share_passed_owners, batch_id)]


async def passed_without_certificate(
    connection: Connection, batch_id: UUID, owner_ids: Sequence[UUID]
) -> list[Enrolment]:
    """Return who of these owners, who are held, passed a locked batch and has no certificate yet."""
    rows = await connection.fetch(queries().passed_without_certificate, batch_id, owner_ids)
    return [_enrolment(row) for row in rows]
