"""Announcements: made, fanned out in chunks, taken back, told about; and the topics that owners stopped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.notifications.commands import MakeAnnouncement, Text, Topic
from services.notifications.domain.announcements import GONE, STOPPED, Announced, AnnouncementState, Reach
from services.notifications.domain.routes import Routes
from services.notifications.store.facts import SQL
from shared.database import Connection, Pool, load_queries

QUERIES = load_queries(SQL / "announcements.sql")
NONE, LAST = UUID(int=0), UUID(int=2**128 - 1)
"""Before and after every owner."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """An announcement that a worker has in hand."""

    id: UUID
    topic: Topic
    languages: list[str]
    reach: Reach
    state: AnnouncementState
    last_owner: UUID
    created_at: datetime


def _texts(stored: str) -> dict[str, Text]:
    return {language: Text(**text) for language, text in orjson.loads(stored).items()}


def _asked(reach: Reach, topic: Topic, routes: Routes) -> tuple[Any, ...]:
    """Return what the statements ask of an audience, as their first seven arguments."""
    gone = [status.value for status in GONE]
    by_choice = routes.by_choice()
    return reach.places, reach.classes, reach.sectors, gone, topic.value, list(by_choice), list(by_choice.values())


async def count_audience(
    source: Pool | Connection, reach: Reach, topic: Topic, routes: Routes
) -> list[tuple[str | None, str | None, int]]:
    """Return (channel that is asked first, why not told or ``None``, owners)."""
    rows = await source.fetch(QUERIES.count_audience, *_asked(reach, topic, routes))
    return [(row["channel"], row["reason"], row["owners"]) for row in rows]


async def insert(connection: Connection, command: MakeAnnouncement, reach: Reach, total: int, now: datetime) -> None:
    """Store a new announcement."""
    texts = {language: asdict(text) for language, text in command.texts.items()}
    await connection.execute(
        QUERIES.insert_announcement,
        command.id,
        command.topic.value,
        orjson.dumps(texts).decode(),
        orjson.dumps(asdict(command.audience)).decode(),
        reach.places,
        reach.classes,
        reach.sectors,
        total,
        command.actor,
        now,
    )


async def take(connection: Connection) -> Taken | None:
    """Lock and return the oldest announcement with work left that nobody has in hand."""
    row = await connection.fetchrow(QUERIES.take_announcement)
    if row is None:
        return None
    return Taken(
        id=row["id"],
        topic=Topic(row["topic"]),
        languages=list(orjson.loads(row["texts"])),
        reach=Reach(row["places"], row["classes"], row["sectors"]),
        state=AnnouncementState(row["state"]),
        last_owner=row["last_owner"],
        created_at=row["created_at"],
    )


async def be_quick(connection: Connection) -> None:
    """Let this transaction's commit wait for no disk: after a crash a chunk that is lost is made again, with the same ids.

    A message that went out cannot be lost so: its sender's commit waits, and what was written before it is then safe too.
    """
    await connection.execute("SET LOCAL synchronous_commit = off")


async def fan_out(connection: Connection, taken: Taken, routes: Routes, limit: int, now: datetime) -> bool:
    """Make the messages among the next ``limit`` owners and note how far it came; ``False``: these were the last."""
    found: UUID | None = await connection.fetchval(QUERIES.end_of_chunk, taken.last_owner, limit)
    last = found or LAST
    arguments = (
        *_asked(taken.reach, taken.topic, routes),
        taken.id,
        taken.created_at,
        taken.last_owner,
        last,
        taken.languages,
    )
    try:
        async with connection.transaction():
            made: int = await connection.fetchval(QUERIES.fan_out, *arguments, True, now)
    except asyncpg.UniqueViolationError:
        made = await connection.fetchval(QUERIES.fan_out, *arguments, False, now)
    await connection.execute(QUERIES.save_progress, taken.id, made, last, found is None, now)
    return found is not None


async def take_back(connection: Connection, taken: Taken, limit: int, now: datetime) -> bool:
    """Suppress the messages to the last ``limit`` owners that are left, and note how far back it came.

    ``False``: these were the first owners, it is ``cancelled``.
    """
    found: UUID | None = await connection.fetchval(QUERIES.start_of_chunk, taken.last_owner, limit)
    first = found or NONE
    await connection.execute(QUERIES.take_back, taken.id, first, taken.last_owner, now)
    await connection.execute(QUERIES.save_taken_back, taken.id, first, found is None)
    return found is not None


async def lock_state(connection: Connection, announcement_id: UUID) -> AnnouncementState | None:
    """Lock an announcement and return how it stands; ``None`` if there is none."""
    found = await connection.fetchval(QUERIES.lock_announcement, announcement_id)
    return None if found is None else AnnouncementState(found)


async def has_unsent(connection: Connection, announcement_id: UUID) -> bool:
    """Tell whether anything of it could still go out."""
    return bool(await connection.fetchval(QUERIES.has_unsent, announcement_id))


async def cancel(connection: Connection, announcement_id: UUID, reason: str, actor: str, now: datetime) -> None:
    """Let nothing more of it be handed over."""
    await connection.execute(QUERIES.cancel_announcement, announcement_id, reason, actor, now, LAST)


async def load_announced(source: Pool | Connection, ids: Iterable[UUID]) -> dict[UUID, Announced]:
    """Return what a sender needs to know of these announcements."""
    rows = await source.fetch(QUERIES.load_announced, list(ids))
    return {
        row["id"]: Announced(Topic(row["topic"]), _texts(row["texts"]), AnnouncementState(row["state"]) in STOPPED)
        for row in rows
    }


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    return {**row, "texts": orjson.loads(row["texts"]), "audience": orjson.loads(row["audience"])}


async def get(source: Pool | Connection, announcement_id: UUID) -> Row | None:
    """Return one announcement."""
    row = await source.fetchrow(QUERIES.get_announcement, announcement_id)
    return None if row is None else _shown(row)


async def list_page(pool: Pool, after: tuple[datetime, UUID] | None, limit: int) -> list[Row]:
    """Return announcements, newest first, after a place in the list."""
    moment, announcement_id = after or (None, None)
    return [_shown(row) for row in await pool.fetch(QUERIES.list_announcements, moment, announcement_id, limit)]


async def count_messages(source: Pool | Connection, ids: Sequence[UUID]) -> list[tuple[UUID, str, str | None, int]]:
    """Return (announcement, state, reason, messages)."""
    return [tuple(row) for row in await source.fetch(QUERIES.count_announced, ids)]


async def stop_topic(pool: Pool, owner_id: UUID, topic: Topic, now: datetime) -> None:
    """Note that an owner stopped a topic."""
    await pool.execute(QUERIES.stop_topic, owner_id, topic.value, now)


async def take_up_topic(pool: Pool, owner_id: UUID, topic: Topic) -> None:
    """Note that an owner wants a topic again."""
    await pool.execute(QUERIES.take_up_topic, owner_id, topic.value)


async def choice_of(pool: Pool, owner_id: UUID, topic: Topic) -> tuple[str, bool] | None:
    """Return an owner's language and whether the topic is stopped; ``None`` for one not known, or erased."""
    row = await pool.fetchrow(QUERIES.choice_of, owner_id, topic.value)
    return None if row is None else (row["language"], row["stopped"])
