"""What the operator's page shows: how messages stand by subject and channel, one by one, and one with its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifications.domain.announcements import TEMPLATE
from services.notifications.domain.overseeing import Chosen, Subject, Tally, subject_of, tally
from services.notifications.handlers.operating import show_message
from services.notifications.store import overseeing as store
from services.notifications.store.messages import read_clock
from shared.database import Pool

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """Messages with their subjects, newest first; ``next_place`` is where the next page begins, ``None`` at the end."""

    rows: Sequence[tuple[Row, Subject]]
    next_place: tuple[datetime, UUID] | None


async def count_by_subject(pool: Pool, days: int) -> list[Tally]:
    """Return how the messages of the last so many days stand."""
    return tally(await store.count_since(pool, await _since(pool, days)))


async def _since(pool: Pool, days: int) -> datetime:
    return await read_clock(pool) - timedelta(days=days)


async def list_chosen(pool: Pool, chosen: Chosen, days: int, after: tuple[datetime, UUID] | None, limit: int) -> Listed:
    """Return up to ``limit`` messages of the last so many days that fit, after a place in the list."""
    rows = await store.search(pool, chosen, await _since(pool, days), after, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    place = (rows[-1]["created_at"], rows[-1]["id"]) if more else None
    return Listed([(row, subject_of(row["template"], row["topic"])) for row in rows], place)


async def show_history(pool: Pool, message_id: UUID) -> tuple[Row, Sequence[Row], Subject]:
    """Return one message, its steps and its subject. Raises ``UnknownMessageError``."""
    row, steps = await show_message(pool, message_id)
    announced = await store.announced_topic(pool, row["event_id"]) if row["template"] == TEMPLATE else None
    return row, steps, subject_of(row["template"], announced)
