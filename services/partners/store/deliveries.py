"""Who serves which endpoint, and how far it is. What is written under an old epoch changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.partners.domain.webhooks import DisabledReason
from services.partners.store import webhook_queries
from services.partners.store.webhooks import Try
from shared.database import Connection, Pool

RING = 50
"""So many tries of each endpoint are kept."""


class NotOursError(ConnectionError):
    """Another worker serves the endpoint by now, or nobody may: begin from who holds it."""


@dataclass(frozen=True, slots=True)
class Held:
    """An endpoint that this worker serves, with the text that grants at the moment."""

    id: UUID
    version: int
    agency: str
    url: str
    test_id: UUID | None
    epoch: int
    agreement_id: UUID
    revision: int
    now: datetime
    """The database's clock when this was read."""
    replay_id: UUID | None
    """The replay of it that goes on, if one does."""


@dataclass(slots=True)
class Place:
    """Where an endpoint is in a stream."""

    stream: str
    position: int
    done: set[int] = field(default_factory=set)
    """Delivered beyond the position."""
    noted_upto: int = 0
    noted_revision: int = 0
    noted_agreement: UUID | None = None
    noted_withheld: tuple[int, ...] = ()
    tries: int = 0
    failing_since: datetime | None = None
    due_at: datetime | None = None


@asynccontextmanager
async def brief(pool: Pool) -> AsyncIterator[Connection]:
    """Open a transaction that the server ends when its worker is frozen in the middle: others wait for its rows."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(webhook_queries().end_soon)
        yield connection


async def hold(pool: Pool, holder: str, instance: str, lease: timedelta) -> list[Held]:
    """Take what nobody serves, renew what is held, and return what may be served now."""
    await pool.execute(webhook_queries().hold_webhooks, holder, instance, lease, lease / 2)
    return [Held(**row) for row in await pool.fetch(webhook_queries().held_webhooks, holder)]


async def release(pool: Pool, holder: str) -> None:
    """Let others serve what this worker served."""
    await pool.execute(webhook_queries().release_webhooks, holder)


async def add_positions(pool: Pool) -> None:
    """Give every endpoint a place in every stream."""
    await pool.execute(webhook_queries().add_positions)


async def load_places(pool: Pool, webhook_id: UUID) -> dict[str, Place]:
    """Return where an endpoint is, by stream."""
    found = {}
    for row in await pool.fetch(webhook_queries().load_positions, webhook_id):
        told = dict(row) | {"done": set(row["done"]), "noted_withheld": tuple(row["noted_withheld"])}
        found[row["stream"]] = Place(**told)
    return found


async def note_page(pool: Pool, held: Held, place: Place, upto: int, events: int, withheld: tuple[int, ...]) -> None:
    """Store what is on its way from now on, with its row in the disclosure log, in one statement.

    Raises ``NotOursError``, also if the text does not count any more.
    """
    text = (held.agreement_id, held.revision)
    told = (upto, *text, list(withheld), place.position, held.epoch, held.agency, events)
    if await pool.fetchval(webhook_queries().note_page, held.id, place.stream, *told) is None:
        raise NotOursError(f"endpoint {held.id} is not ours any more, or its text has ceased to count")


async def text_counts(pool: Pool, held: Held) -> bool:
    """Tell whether the text still counts now, and the endpoint is still ours."""
    told = (held.agreement_id, held.revision, held.id, held.epoch)
    return bool(await pool.fetchval(webhook_queries().text_counts, *told))


async def lock_served(connection: Connection, held: Held, count: int) -> int:
    """Lock an endpoint for who serves it, and return how many tries there were before these. Raises ``NotOursError``."""
    tried = await connection.fetchval(webhook_queries().lock_served, held.id, held.epoch, count)
    if tried is None:
        raise NotOursError(f"endpoint {held.id} is not ours any more")
    return int(tried) - count


async def save_place(connection: Connection, held: Held, place: Place) -> None:
    """Store where an endpoint is; it is locked."""
    due_at = place.due_at or held.now
    told = (place.position, sorted(place.done), place.tries, place.failing_since, due_at)
    await connection.execute(webhook_queries().save_position, held.id, place.stream, *told)


def _columns(numbers: Sequence[int], tries: Sequence[Try]) -> list[list[object]]:
    """Return the columns of the last tries, each with its number; older ones are forgotten."""
    rows = [
        (n, item.position, item.event_id, item.type, item.status, item.error, item.millis, item.tried_at)
        for n, item in zip(numbers, tries, strict=True)
    ][-RING:]
    return [[row[column] for row in rows] for column in range(8)]


async def settle(source: Connection | Pool, held: Held, place: Place, tries: Sequence[Try], count: int) -> None:
    """Store where an endpoint is in a stream, how it stands, and what was tried, in one statement; ``tries`` are the last of ``count``.

    Raises ``NotOursError``.
    """
    standing = (place.tries, place.failing_since, place.due_at or held.now)
    told = (place.stream, place.position, sorted(place.done), *standing)
    columns = _columns(range(count - len(tries), count), tries)
    query = webhook_queries().settle_page
    if await source.fetchval(query, held.id, held.epoch, count, RING, *told, *columns) is None:
        raise NotOursError(f"endpoint {held.id} is not ours any more")


async def save_tries(connection: Connection, held: Held, before: int, tries: Sequence[Try]) -> None:
    """Store the last of these tries, numbered from ``before``; older ones are forgotten."""
    numbers, *columns = _columns(range(before, before + len(tries)), tries)
    if numbers:
        streams = [item.stream for item in tries][-RING:]
        await connection.execute(webhook_queries().save_tries, held.id, RING, numbers, streams, *columns)


async def disable(connection: Connection, held: Held, reason: DisabledReason) -> None:
    """Post nothing to an endpoint any more, until somebody resumes it."""
    await connection.execute(webhook_queries().disable_webhook, held.id, held.epoch, reason.value)


async def end_test(connection: Connection, held: Held) -> None:
    """Forget a test that was posted."""
    await connection.execute(webhook_queries().end_test, held.id, held.test_id)
