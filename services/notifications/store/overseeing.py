"""Answers for the operator's page: ids, states and codes, nothing personal of an owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.overseeing import Chosen, Counted
from services.notifications.store.facts import SQL
from shared.database import Pool, load_queries

QUERIES = load_queries(SQL / "overseeing.sql")
Row = Mapping[str, Any]


async def count_since(pool: Pool, since: datetime) -> list[Counted]:
    """Return the counts of the messages that were made since an instant."""
    return [tuple(row) for row in await pool.fetch(QUERIES.count_since, since)]


async def search(
    pool: Pool, chosen: Chosen, since: datetime, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Row]:
    """Return messages that were made since an instant, newest first, after a place in the list."""
    moment, message_id = after or (None, None)
    state = None if chosen.state is None else chosen.state.value
    rows: Sequence[Row] = await pool.fetch(
        QUERIES.search_messages, state, chosen.channel, chosen.templates, chosen.topic, moment, message_id, limit, since
    )
    return rows


async def announced_topic(pool: Pool, announcement_id: UUID) -> str | None:
    """Return the topic of an announcement."""
    topic: str | None = await pool.fetchval(QUERIES.topic_of_announcement, announcement_id)
    return topic
