"""Brands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.brands import Brand
from services.registry.reference.names import fold_name
from services.registry.store import at_hand
from services.registry.store import licensing_queries as queries
from shared.contracts.organisations import BrandCause, BrandStatus
from shared.database import Connection, Pool
from shared.outbox import Change


def _brand(row: asyncpg.Record) -> Brand:
    cause = row["cause"]
    return Brand(
        id=row["id"],
        version=row["version"],
        mark=row["mark"],
        business_id=row["business_id"],
        organisation_id=row["organisation_id"],
        status=BrandStatus(row["status"]),
        cause=None if cause is None else BrandCause(cause),
        filed_on=row["filed_on"],
        registered_on=row["registered_on"],
        expires_on=row["expires_on"],
        revoked_on=row["revoked_on"],
        told=row["told"],
        filed_by=row["filed_by"],
    )


async def insert_brand(connection: Connection, brand: Brand) -> bool:
    """Store a new brand; ``False`` if its owner has this mark, or it waits for the register."""
    made = await connection.fetchval(
        queries().insert_brand,
        brand.id,
        brand.version,
        brand.mark,
        fold_name(brand.mark) or brand.mark,
        brand.business_id,
        brand.organisation_id,
        brand.status,
        brand.cause,
        brand.filed_on,
        brand.registered_on,
        brand.expires_on,
        brand.revoked_on,
        brand.told,
        brand.due_on,
        brand.filed_by,
    )
    return made is not None


def changed_brand(brand: Brand) -> Change:
    """Return what stores a brand after a deed."""
    values = (
        brand.id,
        brand.version,
        brand.status,
        brand.cause,
        brand.registered_on,
        brand.expires_on,
        brand.revoked_on,
        brand.told,
        brand.due_on,
    )
    return Change(queries().update_brand, values)


async def find_brand(pool: Pool, brand_id: UUID) -> Brand | None:
    """Return a brand, or ``None``."""
    row = await pool.fetchrow(queries().find_brand, brand_id)
    return None if row is None else _brand(row)


async def lock_brand(connection: Connection, brand_id: UUID) -> Brand | None:
    """Lock a brand and return it, or ``None``."""
    row = await connection.fetchrow(queries().lock_brand, brand_id)
    return None if row is None else _brand(row)


async def search_brands(
    pool: Pool,
    after: UUID,
    business_id: UUID | None,
    organisation_id: UUID | None,
    status: str | None,
    kelurahan: str | None,
    limit: int,
) -> list[Brand]:
    """Return brands after an id, in its order."""
    part, more = _brands_at_hand(business_id, kelurahan)
    statement = at_hand(queries().search_brands, part)
    return [_brand(row) for row in await pool.fetch(statement, after, organisation_id, status, limit, *more)]


def _brands_at_hand(business_id: UUID | None, kelurahan: str | None) -> tuple[str, tuple[Any, ...]]:
    if business_id is not None:
        return queries().brands_of_business, (business_id, kelurahan)
    if kelurahan is not None:
        return queries().brands_of_kelurahan, (kelurahan,)
    return "brand", ()


async def due_brands(connection: Connection, day: date, limit: int) -> list[UUID]:
    """Return so many brands of which something is to be told by a day; not locked."""
    return [row[0] for row in await connection.fetch(queries().due_brands, day, limit)]


async def lock_due_brands(connection: Connection, brand_ids: Sequence[UUID], day: date) -> list[Brand]:
    """Lock those brands that are still due."""
    return [_brand(row) for row in await connection.fetch(queries().lock_due_brands, brand_ids, day)]


async def update_told_brands(connection: Connection, brands: Sequence[Brand]) -> None:
    """Store brands that the pass has told of."""
    rows = [(one.id, one.version, one.status, one.told, one.due_on) for one in brands]
    await connection.execute(queries().update_told_brands, *zip(*rows, strict=True))
