"""Endpoints with their secrets, as people see and change them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.partners.domain.webhooks import DisabledReason, Webhook, WebhookState
from services.partners.store import webhook_queries
from shared.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A secret as it is kept."""

    id: UUID
    webhook_id: UUID
    wrapped: bytes
    kek_id: str
    expires_at: datetime | None


class Try(NamedTuple):
    """What came of posting one event once. Neither what was posted nor what was answered is kept."""

    stream: str | None
    """``None``: a test."""
    position: int | None
    event_id: UUID
    type: str
    status: int | None
    error: str | None
    millis: int
    tried_at: datetime


@dataclass(frozen=True, slots=True)
class Lag:
    """How far an endpoint is in a stream."""

    stream: str
    position: int
    last: int
    tries: int
    failing_since: datetime | None
    due_at: datetime


def _webhook(row: asyncpg.Record | None) -> Webhook | None:
    if row is None:
        return None
    reason = row["reason"]
    return Webhook(
        row["id"],
        row["version"],
        row["agency"],
        row["url"],
        WebhookState(row["state"]),
        None if reason is None else DisabledReason(reason),
        row["test_id"],
        row["created_at"],
    )


async def count_webhooks(connection: Connection, agency: str) -> int:
    """Return how many endpoints an agency has."""
    return int(await connection.fetchval(webhook_queries().count_webhooks, agency))


async def insert_webhook(connection: Connection, webhook: Webhook, *, from_first: bool) -> None:
    """Store a new endpoint, which begins with what is kept, or with what comes."""
    told = (webhook.id, webhook.version, webhook.agency, webhook.url, webhook.state.value, webhook.created_at)
    await connection.execute(webhook_queries().insert_webhook, *told)
    await connection.execute(webhook_queries().insert_positions, webhook.id, from_first)


async def lock_webhook(connection: Connection, webhook_id: UUID) -> Webhook | None:
    """Return an endpoint, locked."""
    return _webhook(await connection.fetchrow(webhook_queries().lock_webhook, webhook_id))


async def find_webhook(pool: Pool, webhook_id: UUID) -> Webhook | None:
    """Return an endpoint, not locked."""
    return _webhook(await pool.fetchrow(webhook_queries().find_webhook, webhook_id))


async def list_webhooks(pool: Pool, after: UUID, agency: str | None, limit: int) -> list[Webhook]:
    """Return endpoints after an id, of one agency or of all."""
    rows = await pool.fetch(webhook_queries().list_webhooks, after, agency, limit)
    return [found for row in rows if (found := _webhook(row)) is not None]


async def update_webhook(connection: Connection, webhook: Webhook) -> None:
    """Store an endpoint after a deed."""
    reason = None if webhook.reason is None else webhook.reason.value
    told = (webhook.id, webhook.version, webhook.state.value, reason, webhook.test_id)
    await connection.execute(webhook_queries().update_webhook, *told)


async def streams_with_a_hole(connection: Connection, webhook_id: UUID) -> tuple[str, ...]:
    """Return the streams of which something that was not delivered is not kept any more."""
    rows = await connection.fetch(webhook_queries().streams_with_a_hole, webhook_id)
    return tuple(row["stream"] for row in rows)


async def skip_holes(connection: Connection, webhook_id: UUID) -> None:
    """Let an endpoint go on with what is kept."""
    await connection.execute(webhook_queries().skip_holes, webhook_id)


async def try_at_once(connection: Connection, webhook_id: UUID) -> None:
    """Let an endpoint wait for no earlier failure."""
    await connection.execute(webhook_queries().try_at_once, webhook_id)


async def end_secrets(connection: Connection, webhook_id: UUID, ends_at: datetime, now: datetime) -> None:
    """Let the secrets that there are end at a time; forget those that ended."""
    await connection.execute(webhook_queries().end_secrets, webhook_id, ends_at, now)


async def delete_secrets(connection: Connection, webhook_id: UUID) -> None:
    """Forget the secrets of an endpoint."""
    await connection.execute(webhook_queries().delete_secrets, webhook_id)


async def insert_secret(connection: Connection, secret: Wrapped, now: datetime) -> None:
    """Store another secret of an endpoint."""
    told = (secret.id, secret.webhook_id, secret.wrapped, secret.kek_id, now)
    await connection.execute(webhook_queries().insert_secret, *told)


async def load_secrets(connection: Connection | Pool, webhook_ids: Collection[UUID], now: datetime) -> list[Wrapped]:
    """Return the secrets of endpoints that are valid at a time, each endpoint's newest first."""
    rows = await connection.fetch(webhook_queries().load_secrets, list(webhook_ids), now)
    return [Wrapped(**row) for row in rows]


async def fresh_secret(pool: Pool, webhook_id: UUID, version: int, since: datetime) -> Wrapped | None:
    """Return the newest secret of an endpoint that is still in this version, if it was made after a time."""
    row = await pool.fetchrow(webhook_queries().fresh_secret, webhook_id, version, since)
    return None if row is None else Wrapped(**row)


async def load_tries(pool: Pool, webhook_id: UUID, limit: int) -> list[Try]:
    """Return the last tries of an endpoint, newest first."""
    rows = await pool.fetch(webhook_queries().load_tries, webhook_id, limit)
    return [Try(**{name: value for name, value in row.items() if name != "number"}) for row in rows]


async def lags(pool: Pool, webhook_id: UUID) -> list[Lag]:
    """Return how far an endpoint is in each stream."""
    return [Lag(**row) for row in await pool.fetch(webhook_queries().lags, webhook_id)]
