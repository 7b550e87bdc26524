"""Owners and their keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.domain.models import Owner
from services.registry.reference.names import fold_name
from services.registry.store import queries, words_query
from shared.contracts.registry import Consents
from shared.database import Connection, Pool
from shared.outbox import Change


def _owner(row: asyncpg.Record) -> Owner:
    return Owner(
        id=row["id"],
        version=row["version"],
        name=row["name"],
        nik=row["nik"],
        birth_date=row["birth_date"],
        phones=tuple(row["phones"]),
        email=row["email"],
        language=row["language"],
        channel=row["channel"],
        consents=Consents(notifications=row["consent_notifications"], data_sharing=row["consent_data_sharing"]),
        flags=tuple(row["flags"]),
        kelurahan=row["kelurahan"],
        source=row["source"],
        registered_by=row["registered_by"],
        erased=row["erased_at"] is not None,
        restricted=row["restricted"],
    )


def _columns(owner: Owner) -> tuple[Any, ...]:
    """Return the columns that insert and update share, in their order from ``version`` to ``flags``."""
    return (
        owner.version,
        owner.name,
        None if owner.name is None else fold_name(owner.name),
        owner.nik,
        owner.birth_date,
        list(owner.phones),
        owner.email,
        owner.language,
        owner.channel,
        owner.consents.notifications,
        owner.consents.data_sharing,
        list(owner.flags),
    )


async def insert_owner(connection: Connection, owner: Owner) -> bool:
    """Store a new owner; ``False`` if the NIK is taken."""
    made = await connection.fetchval(
        queries().insert_owner, owner.id, *_columns(owner), owner.kelurahan, owner.source, owner.registered_by
    )
    return made is not None


async def insert_key(connection: Connection, owner_id: UUID, kek_id: str, wrapped: bytes) -> None:
    """Store an owner's wrapped key."""
    await connection.execute(queries().insert_owner_key, owner_id, kek_id, wrapped)


async def lock_owners(
    connection: Connection, owner_ids: Iterable[UUID], *, share: bool = False
) -> dict[UUID, tuple[Owner, bytes | None]]:
    """Lock owners and return them with their wrapped keys; the key of an erased one is ``None``.

    Where an erasure was waited for, the owner is as it left it, but the key that is read beside it is of before the wait.
    """
    statement = queries().share_owners if share else queries().lock_owners
    rows = await connection.fetch(statement, list(owner_ids))
    return {row["id"]: (_owner(row), None if row["erased_at"] else row["wrapped"]) for row in rows}


def changed_owner(owner: Owner, erased_at: datetime | None = None) -> Change:
    """Return what stores an owner after a deed."""
    return Change(queries().update_owner, (owner.id, *_columns(owner), erased_at, owner.restricted))


async def erase_key(connection: Connection, owner_id: UUID, now: datetime) -> None:
    """Delete an owner's key, leaving the mark that there was one."""
    await connection.execute(queries().erase_owner_key, owner_id, now)


async def find_owner(pool: Pool, owner_id: UUID) -> Owner | None:
    """Return an owner, or ``None``."""
    row = await pool.fetchrow(queries().find_owner, owner_id)
    return None if row is None else _owner(row)


async def is_in_kelurahan(executor: Pool | Connection, owner_id: UUID, kelurahan: str) -> bool:
    """Tell whether the owner was registered by this kelurahan or owns a business there."""
    return bool(await executor.fetchval(queries().owner_in_kelurahan, owner_id, kelurahan))


async def search_owners(
    pool: Pool, after: UUID, name_key: str | None, kelurahan: str | None, limit: int
) -> list[Owner]:
    """Return owners after an id, in its order."""
    words = None if name_key is None else words_query(name_key)
    if kelurahan is None:
        rows = await pool.fetch(queries().search_owners, after, words, limit)
    else:
        rows = await pool.fetch(queries().search_owners_of_kelurahan, after, words, limit, kelurahan)
    return [_owner(row) for row in rows]


async def resolve_keys(connection: Connection, owner_ids: Iterable[UUID]) -> dict[UUID, bytes | None]:
    """Return wrapped keys; ``None`` where the owner was erased, nothing where there never was one."""
    return {row["owner_id"]: row["wrapped"] for row in await connection.fetch(queries().resolve_keys, list(owner_ids))}


async def log_key_access(
    connection: Connection, actor: str, purpose: str, owner_ids: list[UUID], counts: tuple[int, int, int]
) -> None:
    """Note who asked for which keys; ``counts`` are answered, erased, unknown."""
    await connection.execute(queries().log_key_access, actor, purpose, owner_ids, *counts)
