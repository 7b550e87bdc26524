"""The copy of registry and trainings: a few statements a batch, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.events.domain.copies import EnrolmentChange, LicenceChange
from services.events.store import queries
from shared.database import Connection, write_rows
from shared.registry_copy.folding import BusinessChange, OwnerChange, in_order, uuids_text


async def save_owners(connection: Connection, changes: Mapping[UUID, OwnerChange]) -> None:
    """Write what a batch says of owners, in the order of their ids."""
    rows = [(key, item.erased, item.version) for key, item in in_order(changes)]
    await write_rows(connection, queries().save_owners, rows)


async def save_businesses(connection: Connection, changes: Mapping[UUID, BusinessChange]) -> None:
    """Write what a batch says of businesses: those that it tells whole, and those that it tells a part of."""
    whole: list[tuple[Any, ...]] = []
    parts: list[tuple[Any, ...]] = []
    for key, item in in_order(changes):
        owner_ids = uuids_text(item.owner_ids)
        row = (key, owner_ids, item.kelurahan, item.kelas, item.status, item.merged_into, item.version)
        (whole if item.whole else parts).append(row)
    await write_rows(connection, queries().save_businesses, whole)
    await write_rows(connection, queries().change_businesses, parts)


async def save_enrolments(connection: Connection, changes: Mapping[UUID, EnrolmentChange]) -> None:
    """Write what a batch says of enrolments, in the order of their ids."""
    rows = [(key, item.owner_id, item.business_id, item.completed_on, item.version) for key, item in in_order(changes)]
    await write_rows(connection, queries().save_enrolments, rows)


async def save_licences(connection: Connection, changes: Mapping[UUID, LicenceChange]) -> None:
    """Write what a batch says of licences, in the order of their ids."""
    rows = [
        (
            key,
            item.business_id,
            item.kind,
            item.verified,
            item.valid_from,
            item.expires_on,
            item.revoked_on,
            item.version,
        )
        for key, item in in_order(changes)
    ]
    await write_rows(connection, queries().save_licences, rows)
