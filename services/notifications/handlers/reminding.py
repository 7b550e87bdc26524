"""Reminders: as the time comes, a message for each who takes part; and as a session moves, one that says so.

Any number of workers may look: the participants are locked while their messages are made, and each message has an id that is
made from what it tells, so that whoever comes second makes none. What makes a reminder untrue waits for that lock and then
takes it back (see ``void_stale``), so none slips out between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from services.notifications.domain.notices import Draft, RecipientKind
from services.notifications.domain.reminding import EVENT_TYPE, MOVED, Occasion, ReminderRule, reminder_id
from services.notifications.domain.routes import Routes
from services.notifications.handlers.recording import store_drafts
from services.notifications.store import attending as store
from services.notifications.store.attending import Untold
from shared.database import Connection, Pool
from shared.ticking import PeriodicLook

LOOK_SECONDS = 30.0
CHUNK = 500

log = structlog.get_logger(__name__)


class Reminding(PeriodicLook):
    """Reminds of sessions, waves and deadlines by a rule; ``routes`` are the channels that this service runs."""

    def __init__(
        self,
        pool: Pool,
        routes: Routes,
        rule: ReminderRule,
        *,
        seconds: float = LOOK_SECONDS,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(pool, seconds, clock)
        self._routes = routes
        self._rule = rule

    async def tick(self) -> int:
        """Make the messages that are due, and return how many; take back those that come too late."""
        now = await self.now()
        late = await store.void_late(self._pool, now)
        made = 0
        for occasion in await store.upcoming(self._pool, now, now + self._rule.horizon):
            if occasion.moved_at is not None:
                made += await self._tell(occasion, MOVED, occasion.moved_at, now)
            if self._is_due(occasion, now):
                made += await self._tell(occasion, occasion.template, self._due_at(occasion), now)
        if made or late:
            log.info("reminders_made", messages=made, too_late=late)
        return made

    def _is_due(self, occasion: Occasion, now: datetime) -> bool:
        """Whether to remind: the hour has come, and nobody was told of another time since."""
        if not self._rule.of(occasion.template).is_due(occasion.at, occasion.zone, now):
            return False
        return occasion.moved_at is None or occasion.moved_at < self._due_at(occasion)

    def _due_at(self, occasion: Occasion) -> datetime:
        return self._rule.of(occasion.template).due_at(occasion.at, occasion.zone)

    async def _tell(self, occasion: Occasion, template: str, before: datetime, now: datetime) -> int:
        """Make the messages for those who take part since before ``before``, chunk by chunk; return how many."""
        total, found = 0, CHUNK
        while found == CHUNK:
            async with self._pool.acquire() as connection, connection.transaction():
                untold = await store.find_untold(connection, occasion, template, before, CHUNK)
                await self._make(connection, occasion, template, untold, now)
            found = len(untold)
            total += found
        return total

    async def _make(
        self, connection: Connection, occasion: Occasion, template: str, untold: list[Untold], now: datetime
    ) -> None:
        drafts = [_draft(occasion, template, somebody, now) for somebody in untold]
        if drafts:
            await store_drafts(connection, drafts, self._routes, now)
        noted = zip(untold, drafts, strict=True)
        await store.insert_reminders(
            connection,
            [(who.id, template, occasion.number, who.version, d.id, occasion.at) for who, d in noted],
        )


def _draft(occasion: Occasion, template: str, somebody: Untold, now: datetime) -> Draft:
    return Draft(
        id=reminder_id(somebody.id, template, occasion.number, somebody.version),
        event_id=somebody.id,
        event_type=EVENT_TYPE,
        occurred_at=now,
        template=template,
        recipient_kind=RecipientKind.OWNER,
        recipient_id=str(somebody.owner_id),
        business_id=somebody.business_id,
        params={**occasion.details, **somebody.details},
        sealed_reason=None,
    )
