"""Looks at what time has brought, by the clock of a test, and at what came of it."""

from __future__ import annotations

from datetime import datetime

from services.notifications.handlers.reminding import Reminding
from tests.notifications.workshop import Workshop


async def reminders(workshop: Workshop) -> list[tuple[str, str, str | None]]:
    """Return template, state and reason of the messages behind which no fact stands."""
    rows = await workshop.pool.fetch(
        "SELECT template, state, reason FROM message WHERE event_type = 'reminder' ORDER BY created_at, id"
    )
    return [tuple(row) for row in rows]


async def look(workshop: Workshop, reminding: Reminding, at: datetime) -> int:
    """Look at a time and return how many messages were made."""
    workshop.rules.clock.now = at  # type: ignore[union-attr]
    made = await reminding.tick()
    await workshop.due_now()
    return made
