"""Whether a message still holds when it is about to go out: asked when it is taken in hand, and once more at its hand-over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.domain.deadlines import is_late
from services.notifications.domain.messages import Claimed, Suppression
from services.notifications.domain.notices import REMINDER_TEMPLATES
from services.notifications.store import attending
from shared.database import Pool


async def why_over(pool: Pool, claimed: Sequence[Claimed], now: datetime) -> Mapping[UUID, Suppression]:
    """Return which of these messages are not to go out any more, and why."""
    late = {message.id: Suppression.TOO_LATE for message in claimed if is_late(message, now)}
    reminders = [message.id for message in claimed if message.template in REMINDER_TEMPLATES]
    return late | (await attending.find_over(pool, reminders, now) if reminders else {})
