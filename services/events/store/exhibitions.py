"""Exhibitions with their booths, and the total that was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
from pydantic import TypeAdapter

from services.events.domain.models import Booth, Exhibition, Turnover
from services.events.store import queries
from shared.contracts.exhibitions import BoothKind, Criterion, Wave
from shared.database import Connection, Pool
from shared.outbox import Change

_WAVES = TypeAdapter(tuple[Wave, ...])
_CRITERIA = TypeAdapter(tuple[Criterion, ...])


def _exhibition(row: asyncpg.Record) -> Exhibition:
    return Exhibition(
        id=row["id"],
        version=row["version"],
        title=row["title"],
        held_by=row["held_by"],
        partner=row["partner"],
        partner_id=row["partner_id"],
        place=row["place"],
        zone=row["zone"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        closes_at=row["closes_at"],
        waves=_WAVES.validate_json(row["waves"]),
        criteria=_CRITERIA.validate_json(row["criteria"]),
        pass_score=row["pass_score"],
        curators=row["curators"],
        confirm_hours=row["confirm_hours"],
        curated=row["curated"],
        cancelled=row["cancelled"],
        opened_by=row["opened_by"],
    )


def _booth(row: asyncpg.Record) -> Booth:
    return Booth(
        id=row["id"],
        version=row["version"],
        exhibition_id=row["exhibition_id"],
        number=row["number"],
        kind=BoothKind(row["kind"]),
        capacity=row["capacity"],
        placed=tuple(row["placed"]),
    )


def new_exhibition(exhibition: Exhibition) -> Change:
    """Return the statement that stores a new exhibition."""
    arguments = (
        exhibition.id,
        exhibition.version,
        exhibition.title,
        exhibition.held_by,
        exhibition.partner,
        exhibition.partner_id,
        exhibition.place,
        exhibition.zone,
        exhibition.starts_on,
        exhibition.ends_on,
        exhibition.closes_at,
        _WAVES.dump_json(exhibition.waves).decode(),
        _CRITERIA.dump_json(exhibition.criteria).decode(),
        exhibition.pass_score,
        exhibition.curators,
        exhibition.confirm_hours,
        exhibition.opened_by,
    )
    return Change(queries().insert_exhibition, arguments)


def saved_exhibition(exhibition: Exhibition) -> Change:
    """Return the statement that stores an exhibition after a deed."""
    return Change(
        queries().update_exhibition, (exhibition.id, exhibition.version, exhibition.curated, exhibition.cancelled)
    )


async def find_exhibition(connection: Connection | Pool, exhibition_id: UUID) -> Exhibition | None:
    """Return one exhibition, not locked."""
    row = await connection.fetchrow(queries().find_exhibition, exhibition_id)
    return None if row is None else _exhibition(row)


async def lock_exhibition(connection: Connection, exhibition_id: UUID) -> Exhibition | None:
    """Return one exhibition, locked: nobody else moves its places until the transaction ends."""
    row = await connection.fetchrow(queries().lock_exhibition, exhibition_id)
    return None if row is None else _exhibition(row)


async def share_exhibition(connection: Connection, exhibition_id: UUID) -> Exhibition | None:
    """Return one exhibition, of which nobody moves a place; others may hold it so too."""
    row = await connection.fetchrow(queries().share_exhibition, exhibition_id)
    return None if row is None else _exhibition(row)


async def list_exhibitions(pool: Pool, after: UUID, limit: int) -> list[Exhibition]:
    """Return exhibitions after an id."""
    return [_exhibition(row) for row in await pool.fetch(queries().list_exhibitions, after, limit)]


async def insert_booth(connection: Connection, booth: Booth) -> None:
    """Store a new booth."""
    await connection.execute(
        queries().insert_booth,
        booth.id,
        booth.version,
        booth.exhibition_id,
        booth.number,
        booth.kind,
        booth.capacity,
        list(booth.placed),
    )


async def find_booth(connection: Connection | Pool, booth_id: UUID) -> Booth | None:
    """Return one booth; it moves only while its exhibition is locked."""
    row = await connection.fetchrow(queries().find_booth, booth_id)
    return None if row is None else _booth(row)


async def list_booths(connection: Connection | Pool, exhibition_id: UUID) -> tuple[Booth, ...]:
    """Return the booths of an exhibition, by number."""
    return tuple(_booth(row) for row in await connection.fetch(queries().list_booths, exhibition_id))


async def save_booths(connection: Connection, booths: Sequence[Booth]) -> None:
    """Store booths after a deed; their exhibition is locked. None is nothing to do."""
    if booths:
        rows = [(b.id, b.version, b.capacity, orjson.dumps(b.placed).decode()) for b in booths]
        await connection.execute(queries().update_booths, *zip(*rows, strict=True))


async def find_turnover(pool: Pool, exhibition_id: UUID) -> Turnover | None:
    """Return the last published total, if there is one."""
    row = await pool.fetchrow(queries().find_turnover, exhibition_id)
    return None if row is None else Turnover(**row)


async def load_sums(connection: Connection, exhibition_id: UUID) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """Return what each who reported sold in all, and what of it the last published total was made of."""
    sums = await connection.fetch(queries().sum_sales, exhibition_id)
    parts = await connection.fetch(queries().load_parts, exhibition_id)
    return (
        {row["application_id"]: row["amount"] for row in sums},
        {row["application_id"]: row["amount"] for row in parts},
    )


async def count_participants(connection: Connection | Pool, exhibition_id: UUID) -> int:
    """Return how many took part."""
    return int(await connection.fetchval(queries().count_participants, exhibition_id))


async def save_turnover(
    connection: Connection, exhibition_id: UUID, sums: Mapping[UUID, int], turnover: Turnover
) -> None:
    """Store a total that anybody may see, and what it was made of."""
    await connection.execute(queries().save_parts, exhibition_id, list(sums), list(sums.values()))
    await connection.execute(
        queries().save_turnover,
        exhibition_id,
        turnover.participants,
        turnover.reported,
        turnover.total,
        turnover.published_at,
    )


async def exhibitions_with_late_places(pool: Pool, now: datetime) -> list[UUID]:
    """Return exhibitions that have a place which nobody confirmed in time."""
    return [row["id"] for row in await pool.fetch(queries().exhibitions_with_late_places, now)]
