"""The copy of registry and trainings: a few statements a batch, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from services.events.domain.copies import BusinessChange, EnrolmentChange, OwnerChange
from services.events.store import queries
from shared.database import Connection


async def _many(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await connection.execute(statement, *zip(*rows, strict=True))


async def save_owners(connection: Connection, changes: Mapping[UUID, OwnerChange]) -> None:
    """Write what a batch says of owners, in the order of their ids."""
    rows = [(key, item.erased, item.version) for key, item in sorted(changes.items())]
    await _many(connection, queries().save_owners, rows)


def _row(business_id: UUID, change: BusinessChange) -> tuple[Any, ...]:
    owners = None if change.owner_ids is None else orjson.dumps([str(owner) for owner in change.owner_ids]).decode()
    return (business_id, owners, change.kelurahan, change.kelas, change.status, change.version)


async def save_businesses(connection: Connection, changes: Mapping[UUID, BusinessChange]) -> None:
    """Write what a batch says of businesses: those that it tells whole, and those that it tells a part of."""
    whole: list[tuple[Any, ...]] = []
    parts: list[tuple[Any, ...]] = []
    for business_id, change in sorted(changes.items()):
        complete = None not in (change.owner_ids, change.kelurahan, change.kelas, change.status)
        (whole if complete else parts).append(_row(business_id, change))
    await _many(connection, queries().save_businesses, whole)
    await _many(connection, queries().change_businesses, parts)


async def save_enrolments(connection: Connection, changes: Mapping[UUID, EnrolmentChange]) -> None:
    """Write what a batch says of enrolments, in the order of their ids."""
    rows = [
        (key, item.owner_id, item.business_id, item.completed_on, item.version) for key, item in sorted(changes.items())
    ]
    await _many(connection, queries().save_enrolments, rows)
