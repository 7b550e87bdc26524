"""Organisations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.organisations import Organisation
from services.registry.reference.names import fold_name
from services.registry.store import licensing_queries as queries
from shared.contracts.organisations import OrganisationKind, OrganisationRole
from shared.database import Connection, Pool


def _organisation(row: asyncpg.Record) -> Organisation:
    return Organisation(
        id=row["id"],
        version=row["version"],
        title=row["title"],
        kind=OrganisationKind(row["kind"]),
        roles=tuple(OrganisationRole(role) for role in row["roles"]),
        ended_on=row["ended_on"],
        registered_by=row["registered_by"],
    )


def _columns(organisation: Organisation) -> tuple[Any, ...]:
    """Return the columns that insert and update share, in their order from ``id`` to ``ended_on``."""
    return (
        organisation.id,
        organisation.version,
        organisation.title,
        _title_key(organisation.title),
        organisation.kind,
        list(organisation.roles),
        organisation.ended_on,
    )


def _title_key(title: str) -> str:
    """Return under what a title is compared: folded, or as it is where folding leaves nothing."""
    return fold_name(title) or title


async def insert_organisation(connection: Connection, organisation: Organisation) -> bool:
    """Store a new organisation; ``False`` if one of this title works with the office."""
    made = await connection.fetchval(queries().insert_organisation, *_columns(organisation), organisation.registered_by)
    return made is not None


async def update_organisation(connection: Connection, organisation: Organisation) -> bool:
    """Store an organisation after a deed; ``False`` if another one that works with the office has its title."""
    try:
        async with connection.transaction():
            await connection.execute(queries().update_organisation, *_columns(organisation))
    except asyncpg.UniqueViolationError:
        return False
    return True


async def find_organisation(pool: Pool, organisation_id: UUID) -> Organisation | None:
    """Return an organisation, or ``None``."""
    row = await pool.fetchrow(queries().find_organisation, organisation_id)
    return None if row is None else _organisation(row)


async def lock_organisation(
    connection: Connection, organisation_id: UUID, *, share: bool = False
) -> Organisation | None:
    """Lock an organisation and return it, or ``None``."""
    statement = queries().share_organisation if share else queries().lock_organisation
    row = await connection.fetchrow(statement, organisation_id)
    return None if row is None else _organisation(row)


async def search_organisations(
    pool: Pool, after: UUID, kind: str | None, role: str | None, working: bool | None, limit: int
) -> list[Organisation]:
    """Return organisations after an id, in its order."""
    rows = await pool.fetch(queries().search_organisations, after, kind, role, working, limit)
    return [_organisation(row) for row in rows]
