"""Requests to erase, and the marks of erased persons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from functools import cache
from uuid import UUID

import asyncpg

from services.registry.commands.erasure import Asker, AskingWay, Identity, RefusalReason
from services.registry.domain.erasure import ErasureRequest, ErasureState, Loss
from services.registry.store import SQL
from shared.database import Connection, Pool, Queries, load_queries


@cache
def queries() -> Queries:
    """Return the named statements of erasure."""
    return load_queries(SQL / "queries_erasure.sql")


def _request(row: asyncpg.Record) -> ErasureRequest:
    values = {field.name: row[field.name] for field in fields(ErasureRequest)}
    values["state"], values["asker"], values["way"] = (
        ErasureState(row["state"]),
        Asker(row["asker"]),
        AskingWay(row["way"]),
    )
    values["identity"] = None if row["identity"] is None else Identity(row["identity"])
    values["reason"] = None if row["reason"] is None else RefusalReason(row["reason"])
    return ErasureRequest(**values)


async def insert_request(connection: Connection, request: ErasureRequest) -> bool:
    """Store a new request; ``False`` if the owner has an open one."""
    one = request
    made = await connection.fetchval(
        queries().insert_request,
        *(one.id, one.version, one.owner_id, one.state, one.asker, one.way, one.asked_at, one.due_at, one.recorded_by),
    )
    return made is not None


async def update_request(connection: Connection, request: ErasureRequest) -> None:
    """Store a request after a step."""
    one = request
    await connection.execute(
        queries().update_request,
        *(one.id, one.version, one.state, one.identity, one.checked_by, one.checked_at, one.reason, one.decided_by),
        *(one.decided_at, one.ended_by, one.ended_at),
    )


async def lock_request(connection: Connection, request_id: UUID) -> ErasureRequest | None:
    """Lock a request and return it, or ``None``."""
    row = await connection.fetchrow(queries().lock_request, request_id)
    return None if row is None else _request(row)


async def find_request(pool: Pool, request_id: UUID) -> ErasureRequest | None:
    """Return a request, or ``None``."""
    row = await pool.fetchrow(queries().find_request, request_id)
    return None if row is None else _request(row)


async def open_request(executor: Pool | Connection, owner_id: UUID) -> ErasureRequest | None:
    """Return the open request of an owner, or ``None``."""
    row = await executor.fetchrow(queries().open_request, owner_id)
    return None if row is None else _request(row)


async def list_requests(
    pool: Pool,
    after: UUID,
    state: ErasureState | None,
    owner_id: UUID | None,
    overdue_at: datetime | None,
    limit: int,
) -> list[ErasureRequest]:
    """Return requests after an id, in its order; with ``overdue_at`` only those that are overdue then."""
    rows = await pool.fetch(queries().list_requests, after, state, owner_id, overdue_at, limit)
    return [_request(row) for row in rows]


async def note_overdue(pool: Pool, now: datetime, limit: int) -> list[tuple[UUID, str, datetime]]:
    """Note requests that became overdue and return id, state, deadline of each; of several callers one gets it."""
    return [(row["id"], row["state"], row["due_at"]) for row in await pool.fetch(queries().note_overdue, now, limit)]


async def what_would_go(pool: Pool, owner_id: UUID) -> Loss:
    """Return what an erasure of the owner would empty."""
    return Loss(**dict(await pool.fetchrow(queries().what_would_go, owner_id)))


async def import_key_of(connection: Connection, owner_id: UUID) -> UUID | None:
    """Return the natural key of an owner who was imported without a NIK."""
    found: UUID | None = await connection.fetchval(queries().import_key_of, owner_id)
    return found


async def mark_erased(connection: Connection, digest: bytes, kek_id: str, now: datetime) -> None:
    """Keep the mark of an erased person."""
    await connection.execute(queries().insert_erased_person, digest, kek_id, now)


async def unmark_erased(connection: Connection, digests: Iterable[bytes]) -> None:
    """Drop whatever mark there is: the person is here again."""
    await connection.execute(queries().delete_erased_person, list(digests))
