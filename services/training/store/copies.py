"""The copy of the registry: a few statements a batch, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.training.store import queries
from shared.database import Connection, write_rows
from shared.registry_copy.folding import BusinessChange, OwnerChange, in_order, uuids_text


async def save_owners(connection: Connection, changes: Mapping[UUID, OwnerChange]) -> None:
    """Write what a batch says of owners, in the order of their ids."""
    rows = [(key, item.personal, item.erased, item.version) for key, item in in_order(changes)]
    await write_rows(connection, queries().save_owners, rows)


async def save_businesses(connection: Connection, changes: Mapping[UUID, BusinessChange]) -> None:
    """Write what a batch says of businesses: those that it tells whole, and those that it tells a part of."""
    whole: list[tuple[Any, ...]] = []
    parts: list[tuple[Any, ...]] = []
    for key, item in in_order(changes):
        owners = uuids_text(item.owner_ids)
        row = (key, owners, item.personal, item.kelurahan, item.kelas, item.status, item.version)
        (whole if item.whole else parts).append(row)
    await write_rows(connection, queries().save_businesses, whole)
    await write_rows(connection, queries().change_businesses, parts)


async def forget(connection: Connection, owner_ids: Sequence[UUID]) -> None:
    """Let go what is sealed under the keys of erased owners."""
    if owner_ids:
        await connection.execute(queries().forget_businesses, owner_ids)
        await connection.execute(queries().forget_editions, owner_ids)
