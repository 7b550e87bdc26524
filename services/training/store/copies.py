"""The copy of the registry: a few statements a batch, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from services.training.domain.copies import BusinessChange, OwnerChange
from services.training.store import queries
from shared.database import Connection


async def _many(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await connection.execute(statement, *zip(*rows, strict=True))


async def save_owners(connection: Connection, changes: Mapping[UUID, OwnerChange]) -> None:
    """Write what a batch says of owners, in the order of their ids."""
    rows = [(key, item.personal, item.erased, item.version) for key, item in sorted(changes.items())]
    await _many(connection, queries().save_owners, rows)


def _row(business_id: UUID, change: BusinessChange) -> tuple[Any, ...]:
    owners = None if change.owner_ids is None else orjson.dumps([str(owner) for owner in change.owner_ids]).decode()
    return (
        business_id,
        owners,
        change.personal,
        change.kelurahan,
        change.kelas,
        change.status,
        change.version,
    )


async def save_businesses(connection: Connection, changes: Mapping[UUID, BusinessChange]) -> None:
    """Write what a batch says of businesses: those that it tells whole, and those that it tells a part of."""
    whole: list[tuple[Any, ...]] = []
    parts: list[tuple[Any, ...]] = []
    for business_id, change in sorted(changes.items()):
        complete = None not in (change.owner_ids, change.kelurahan, change.kelas, change.status)
        (whole if complete else parts).append(_row(business_id, change))
    await _many(connection, queries().save_businesses, whole)
    await _many(connection, queries().change_businesses, parts)


async def forget(connection: Connection, owner_ids: Sequence[UUID]) -> None:
    """Let go what is sealed under the keys of erased owners."""
    if owner_ids:
        await connection.execute(queries().forget_businesses, owner_ids)
        await connection.execute(queries().forget_editions, owner_ids)
