"""Licences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.licences import Licence
from services.registry.store import at_hand
from services.registry.store import licensing_queries as queries
from shared.contracts.licensing import LicenceCause, LicenceKind, LicenceStatus
from shared.database import Connection, Pool
from shared.outbox import Change


def _licence(row: asyncpg.Record) -> Licence:
    cause = row["cause"]
    return Licence(
        id=row["id"],
        version=row["version"],
        business_id=row["business_id"],
        owner_id=row["owner_id"],
        kind=LicenceKind(row["kind"]),
        number=row["number"],
        product=row["product"],
        status=LicenceStatus(row["status"]),
        cause=None if cause is None else LicenceCause(cause),
        valid_from=row["valid_from"],
        expires_on=row["expires_on"],
        renews=row["renews"],
        replaced_by=row["replaced_by"],
        revoked_on=row["revoked_on"],
        told=row["told"],
        submitted_by=row["submitted_by"],
        verified_by=row["verified_by"],
    )


async def insert_licence(connection: Connection, licence: Licence) -> bool:
    """Store a new licence; ``False`` if the business has this number, or it waits for verification."""
    made = await connection.fetchval(
        queries().insert_licence,
        licence.id,
        licence.version,
        licence.business_id,
        licence.owner_id,
        licence.kind,
        licence.number,
        licence.product,
        licence.status,
        licence.cause,
        licence.valid_from,
        licence.expires_on,
        licence.renews,
        licence.replaced_by,
        licence.revoked_on,
        licence.told,
        licence.due_on,
        licence.submitted_by,
        licence.verified_by,
    )
    return made is not None


def changed_licence(licence: Licence) -> Change:
    """Return what stores a licence after a deed."""
    values: tuple[Any, ...] = (
        licence.id,
        licence.version,
        licence.number,
        licence.product,
        licence.status,
        licence.cause,
        licence.replaced_by,
        licence.revoked_on,
        licence.told,
        licence.due_on,
        licence.verified_by,
    )
    return Change(queries().update_licence, values)


async def update_licence(connection: Connection, licence: Licence) -> None:
    """Store a licence that changed without a fact of its own."""
    change = changed_licence(licence)
    await connection.execute(change.statement, *change.arguments)


async def find_licence(executor: Pool | Connection, licence_id: UUID) -> Licence | None:
    """Return a licence, or ``None``."""
    row = await executor.fetchrow(queries().find_licence, licence_id)
    return None if row is None else _licence(row)


async def search_licences(
    pool: Pool,
    after: UUID,
    business_id: UUID | None,
    kelurahan: str | None,
    kind: str | None,
    status: str | None,
    expires_until: date | None,
    limit: int,
) -> list[Licence]:
    """Return licences after an id, in its order."""
    part, more = _licences_at_hand(business_id, kelurahan)
    statement = at_hand(queries().search_licences, part)
    return [_licence(row) for row in await pool.fetch(statement, after, kind, status, expires_until, limit, *more)]


def _licences_at_hand(business_id: UUID | None, kelurahan: str | None) -> tuple[str, tuple[Any, ...]]:
    if business_id is not None:
        return queries().licences_of_business, (business_id, kelurahan)
    if kelurahan is not None:
        return queries().licences_of_kelurahan, (kelurahan,)
    return "licence", ()


async def lock_licences(connection: Connection, licence_ids: Iterable[UUID]) -> dict[UUID, Licence]:
    """Lock licences, in the order of their ids, and return those that are there."""
    rows = await connection.fetch(queries().lock_licences, list(licence_ids))
    return {row["id"]: _licence(row) for row in rows}


async def lock_open_licences(connection: Connection, business_id: UUID) -> list[Licence]:
    """Lock what is valid or waits of a business."""
    return [_licence(row) for row in await connection.fetch(queries().lock_open_licences, business_id)]


async def lock_licences_of_erased(connection: Connection, owner_id: UUID, forgotten: Iterable[UUID]) -> list[Licence]:
    """Lock what is sealed under an owner's key, and all licences of businesses that nobody holds a key for any more."""
    rows = await connection.fetch(queries().lock_licences_of_erased, owner_id, list(forgotten))
    return [_licence(row) for row in rows]


async def due_licences(connection: Connection, day: date, limit: int) -> list[UUID]:
    """Return so many licences of which something is to be told by a day; not locked."""
    return [row[0] for row in await connection.fetch(queries().due_licences, day, limit)]


async def lock_due_licences(connection: Connection, licence_ids: Sequence[UUID], day: date) -> list[Licence]:
    """Lock those licences that are still due."""
    return [_licence(row) for row in await connection.fetch(queries().lock_due_licences, licence_ids, day)]


async def update_told_licences(connection: Connection, licences: Sequence[Licence]) -> None:
    """Store licences that the pass has told of."""
    rows = [(one.id, one.version, one.status, one.told, one.due_on) for one in licences]
    await connection.execute(queries().update_told_licences, *zip(*rows, strict=True))
