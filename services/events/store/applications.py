"""Applications, scores, the reserve, sales, and who wants to apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from services.events.commands import Judgement
from services.events.domain.curation import AWAY, GONE, Entry, Given
from services.events.domain.models import Applicant, Application, History
from services.events.store import queries
from shared.contracts.exhibitions import ApplicationCause, ApplicationState, BoothKind
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.database import Connection, Pool
from shared.outbox import Change


@dataclass(frozen=True, slots=True)
class Scored:
    """What one curator gives for one criterion."""

    curator: str
    criterion: str
    score: int
    given_at: datetime


def _application(row: asyncpg.Record) -> Application:
    cause, scores = row["cause"], row["scores"]
    return Application(
        id=row["id"],
        version=row["version"],
        exhibition_id=row["exhibition_id"],
        owner_id=row["owner_id"],
        business_id=row["business_id"],
        kelurahan=row["kelurahan"],
        kind=BoothKind(row["kind"]),
        state=ApplicationState(row["state"]),
        applied_at=row["applied_at"],
        scores=None if scores is None else orjson.loads(scores),
        total=row["total"],
        rank=row["rank"],
        booth_id=row["booth_id"],
        wave=row["wave"],
        confirm_by=row["confirm_by"],
        cause=None if cause is None else ApplicationCause(cause),
    )


def _history(row: asyncpg.Record) -> History:
    return History(
        BusinessStatus(row["status"]),
        BusinessClass(row["kelas"]),
        row["trainings"],
        row["helped"],
        frozenset(row["licences"]),
    )


async def share_owner(connection: Connection, owner_id: UUID) -> bool | None:
    """Keep an owner from being erased, and return whether they were; ``None`` if nobody told of them yet."""
    row = await connection.fetchrow(queries().share_owner, owner_id)
    return None if row is None else bool(row["erased"])


async def lock_applicant(
    connection: Connection, business_id: UUID, exhibition_id: UUID, *, erased: bool
) -> Applicant | None:
    """Hold a business, and return what the rules look at; ``None`` if nobody told of it yet. The owner is held before."""
    row = await connection.fetchrow(queries().lock_business, business_id)
    if row is None:
        return None
    # A statement of its own: it must see what those committed who held the business before.
    applied = await connection.fetchval(queries().has_live_application, exhibition_id, business_id)
    return Applicant(tuple(row["owner_ids"]), erased, BusinessStatus(row["status"]), row["kelurahan"], applied)


def new_application(application: Application, actor: str) -> Change:
    """Return the statement that stores a new application."""
    arguments = (
        application.id,
        application.version,
        application.exhibition_id,
        application.owner_id,
        application.business_id,
        application.kelurahan,
        application.kind,
        application.state,
        actor,
        application.applied_at,
    )
    return Change(queries().insert_application, arguments)


async def save_applications(connection: Connection, applications: Sequence[Application]) -> None:
    """Store applications after a deed; they are locked. None is nothing to do."""
    if applications:
        rows = [(a.id, a.version, a.state.value, a.booth_id, a.wave, a.confirm_by, a.cause) for a in applications]
        await connection.execute(queries().update_applications, *zip(*rows, strict=True))


async def save_curated(connection: Connection, applications: Sequence[Application]) -> None:
    """Store applications after their curation; their exhibition is locked. None is nothing to do."""
    if applications:
        rows = [
            (a.id, a.version, a.state.value, orjson.dumps(a.scores).decode(), a.total, a.rank, a.cause)
            for a in applications
        ]
        await connection.execute(queries().update_curated, *zip(*rows, strict=True))


async def find_application(connection: Connection | Pool, application_id: UUID) -> Application | None:
    """Return one application."""
    row = await connection.fetchrow(queries().find_application, application_id)
    return None if row is None else _application(row)


async def lock_applications(
    connection: Connection, exhibition_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Application]:
    """Return those of these applications that belong to the exhibition, locked."""
    rows = await connection.fetch(queries().lock_applications, exhibition_id, list(ids))
    return {row["id"]: _application(row) for row in rows}


async def load_applications(
    connection: Connection, exhibition_id: UUID, ids: Iterable[UUID]
) -> dict[UUID, Application]:
    """Return those of these applications that belong to the locked exhibition."""
    rows = await connection.fetch(queries().load_applications, exhibition_id, list(ids))
    return {row["id"]: _application(row) for row in rows}


async def load_in_state(
    connection: Connection, exhibition_id: UUID, states: Iterable[ApplicationState]
) -> list[Application]:
    """Return applications of a locked exhibition in some states, by rank."""
    rows = await connection.fetch(queries().load_in_state, exhibition_id, [state.value for state in states])
    return [_application(row) for row in rows]


async def load_reserve(connection: Connection, exhibition_id: UUID, kind: BoothKind, limit: int) -> list[Application]:
    """Return the head of the reserve of a kind, of those that are there."""
    rows = await connection.fetch(queries().load_reserve, exhibition_id, kind, limit, list(AWAY))
    return [_application(row) for row in rows]


async def load_promised(connection: Connection, exhibition_id: UUID) -> list[Application]:
    """Return who was chosen at a locked exhibition, has no place yet, and is there."""
    return [_application(row) for row in await connection.fetch(queries().load_promised, exhibition_id, list(AWAY))]


async def count_promised(connection: Connection, exhibition_id: UUID) -> dict[BoothKind, int]:
    """Return how many of each kind were chosen and have no place yet. Nothing is kept for who is gone for good; a rest ends."""
    rows = await connection.fetch(queries().count_promised, exhibition_id, list(GONE))
    return {BoothKind(row["kind"]): row["promised"] for row in rows}


async def count_states(connection: Connection, exhibition_id: UUID) -> Counter[ApplicationState]:
    """Return how many applications stand how."""
    rows = await connection.fetch(queries().count_states, exhibition_id)
    return Counter({ApplicationState(row["state"]): row["applications"] for row in rows})


async def list_applications(
    pool: Pool, exhibition_id: UUID, after: UUID, state: ApplicationState | None, kelurahan: str | None, limit: int
) -> list[Application]:
    """Return applications of an exhibition after an id."""
    rows = await pool.fetch(queries().list_applications, exhibition_id, after, state, kelurahan, limit)
    return [_application(row) for row in rows]


async def live_applications_of(connection: Connection, owner_ids: Iterable[UUID]) -> list[Application]:
    """Return applications of some owners that are not over, in the order in which their exhibitions are locked."""
    return [_application(row) for row in await connection.fetch(queries().live_applications_of, list(owner_ids))]


async def load_late_places(connection: Connection, exhibition_id: UUID, now: datetime) -> list[Application]:
    """Return the places of a locked exhibition that nobody confirmed in time."""
    return [_application(row) for row in await connection.fetch(queries().load_late_places, exhibition_id, now)]


async def save_scores(connection: Connection, curator: str, judgements: Sequence[Judgement], now: datetime) -> None:
    """Store what a curator gives now, and keep it beside what was given before."""
    rows = [(item.application_id, code, score) for item in judgements for code, score in item.scores]
    ids, codes, scores = (list(column) for column in zip(*rows, strict=True))
    for statement in (queries().save_scores, queries().log_scores):
        await connection.execute(statement, ids, curator, codes, scores, now)


async def list_scores(pool: Pool, application_id: UUID) -> list[Scored]:
    """Return what each curator gives one application."""
    return [Scored(**row) for row in await pool.fetch(queries().list_scores, application_id)]


async def load_entries(connection: Connection, exhibition_id: UUID, since: date, first_day: date) -> list[Entry]:
    """Return the applications to be curated, with their scores and the history of their businesses.

    Trainings count from ``since`` on, licences that are valid on ``first_day``.
    """
    given = {
        row["application_id"]: dict(zip(row["criteria"], map(Given, row["totals"], row["curators"]), strict=True))
        for row in await connection.fetch(queries().sum_scores, exhibition_id)
    }
    rows = await connection.fetch(queries().load_entries, exhibition_id, since, first_day)
    return [Entry(_application(row), _history(row), given.get(row["id"], {}), row["double"]) for row in rows]


async def history_of(
    pool: Pool, exhibition_id: UUID, business_id: UUID, since: date, first_day: date
) -> History | None:
    """Return the history of one business, or of the one that goes on for it, as the curation of an exhibition reads it."""
    row = await pool.fetchrow(queries().history_of, exhibition_id, business_id, since, first_day)
    return None if row is None else _history(row)


async def find_sales(connection: Connection, application_id: UUID, day: date) -> int | None:
    """Return what was reported of a day; ``None``: nothing yet."""
    found: int | None = await connection.fetchval(queries().find_sales, application_id, day)
    return found


async def save_sales(
    connection: Connection, application: Application, day: date, amount: int, actor: str, now: datetime
) -> None:
    """Store a day's report of a locked application."""
    await connection.execute(queries().save_sales, application.id, day, amount, actor, now)
    await connection.execute(queries().move_application, application.id, application.version)


async def with_sales(connection: Connection, ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return which of some applications have reported."""
    return frozenset(row["application_id"] for row in await connection.fetch(queries().with_sales, list(ids)))


async def list_sales(
    pool: Pool, exhibition_id: UUID, after: UUID, kelurahan: str | None, limit: int
) -> list[tuple[Application, Mapping[date, int]]]:
    """Return who took part, after an id, with the days reported."""
    rows = await pool.fetch(queries().list_sales, exhibition_id, after, kelurahan, limit)
    return [(_application(row), dict(zip(row["days"], row["amounts"], strict=True))) for row in rows]
