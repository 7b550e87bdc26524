"""Announcements as the office handles them: how many would hear it, made, looked at, cancelled; topics owners stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.commands import Audience, CancelAnnouncement, ChooseTopic, MakeAnnouncement, Topic
from services.notifications.domain.announcements import (
    STOPPED,
    AnnouncementState,
    EmptyAudienceError,
    NothingToCancelError,
    UnknownAnnouncementError,
    reach_of,
)
from services.notifications.domain.routes import Routes
from services.notifications.domain.text import one_line
from services.notifications.store import announcements as store
from services.notifications.store.messages import read_clock
from shared.database import Connection, Pool

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AudienceCount:
    """How many owners an announcement would reach, as things stand now."""

    total: int
    told: Mapping[str, int]
    """Channel to owners."""
    suppressed: Mapping[str, int]
    """Why not, to owners."""


@dataclass(slots=True)
class Progress:
    """How the messages of one announcement stand."""

    states: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    """Why nobody is told, to messages."""


@dataclass(frozen=True, slots=True)
class Page:
    """Announcements, newest first; ``next_place`` is where the next page begins, ``None`` at the end."""

    items: Sequence[tuple[Row, Progress]]
    next_place: tuple[datetime, UUID] | None


async def count_audience(
    source: Pool | Connection, audience: Audience, topic: Topic, places: Iterable[str], routes: Routes
) -> AudienceCount:
    """Count an audience; ``places`` are the codes of all kelurahan, ``routes`` the channels that this service runs.

    Raises ``UnclearAudienceError``, ``UnknownPlaceError``.
    """
    told: Counter[str] = Counter()
    suppressed: Counter[str] = Counter()
    for channel, reason, owners in await store.count_audience(source, reach_of(audience, places), topic, routes):
        if reason is None:
            told[channel or ""] += owners
        else:
            suppressed[reason] += owners
    return AudienceCount(told.total() + suppressed.total(), told, suppressed)


async def make_announcement(
    connection: Connection,
    command: MakeAnnouncement,
    places: Iterable[str],
    routes: Routes,
) -> None:
    """Store an announcement for the workers; inside the caller's transaction.

    Raises ``UnclearAudienceError``, ``UnknownPlaceError``, ``EmptyAudienceError``.
    """
    codes = list(places)
    count = await count_audience(connection, command.audience, command.topic, codes, routes)
    if count.total == 0:
        raise EmptyAudienceError
    now = await read_clock(connection)
    await store.insert(connection, command, reach_of(command.audience, codes), count.total, now)


async def cancel_announcement(connection: Connection, command: CancelAnnouncement) -> None:
    """Stop an announcement: what is not handed over yet never will be; inside the caller's transaction.

    One that is cancelled already stays as it is. Raises ``UnknownAnnouncementError``, ``NothingToCancelError``.
    """
    state = await store.lock_state(connection, command.announcement_id)
    if state is None:
        raise UnknownAnnouncementError(command.announcement_id)
    if state in STOPPED:
        return
    if state is AnnouncementState.DONE and not await store.has_unsent(connection, command.announcement_id):
        raise NothingToCancelError(command.announcement_id)
    now = await read_clock(connection)
    await store.cancel(connection, command.announcement_id, one_line(command.reason, 200), command.actor, now)


async def show_announcement(source: Pool | Connection, announcement_id: UUID) -> tuple[Row, Progress]:
    """Return one announcement and how its messages stand. Raises ``UnknownAnnouncementError``."""
    row = await store.get(source, announcement_id)
    if row is None:
        raise UnknownAnnouncementError(announcement_id)
    [item] = await _with_progress(source, [row])
    return item


async def list_announcements(pool: Pool, after: tuple[datetime, UUID] | None, limit: int) -> Page:
    """Return up to ``limit`` announcements after a place in the list."""
    rows = await store.list_page(pool, after, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    place = (rows[-1]["created_at"], rows[-1]["id"]) if more else None
    return Page(await _with_progress(pool, rows), place)


async def _with_progress(source: Pool | Connection, rows: Sequence[Row]) -> list[tuple[Row, Progress]]:
    found = {row["id"]: Progress() for row in rows}
    for announcement_id, state, reason, messages in await store.count_messages(source, list(found)):
        found[announcement_id].states[state] += messages
        if state == "suppressed":
            found[announcement_id].suppressed[reason or ""] += messages
    return [(row, found[row["id"]]) for row in rows]


async def choose_topic(pool: Pool, command: ChooseTopic) -> None:
    """Stop a topic for an owner, or take it up again; twice changes nothing."""
    if command.wanted:
        await store.take_up_topic(pool, command.owner_id, command.topic)
    elif await store.choice_of(pool, command.owner_id, command.topic) is not None:
        await store.stop_topic(pool, command.owner_id, command.topic, await read_clock(pool))


async def choice_of(pool: Pool, owner_id: UUID, topic: Topic) -> tuple[str, bool] | None:
    """Return an owner's language and whether the topic is stopped; ``None`` for one not known, or erased."""
    return await store.choice_of(pool, owner_id, topic)
