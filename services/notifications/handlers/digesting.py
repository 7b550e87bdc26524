"""Digests: at its hour, one message for each owner for whom something was kept.

One worker makes them at a time; the id of a digest is made from owner and day, so that another run of the same day makes no
second one. What is kept after the hour, or comes late, waits for the next.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from uuid import UUID

import structlog

from services.notifications.commands import ChooseDigest, Digest
from services.notifications.domain.digesting import EVENT_TYPE, TEMPLATE, digest_id, last_due
from services.notifications.domain.notices import Draft, RecipientKind
from services.notifications.domain.routes import Routes
from services.notifications.handlers.recording import store_drafts
from services.notifications.store import digests as store
from services.notifications.store.messages import read_clock
from shared.database import Pool
from shared.ticking import PeriodicLook

LOOK_SECONDS = 60.0
CHUNK = 500
FIRST = UUID(int=0)

log = structlog.get_logger(__name__)


class Digesting(PeriodicLook):
    """Makes digests at a time of the day (WITA); ``routes`` are the channels that this service runs."""

    def __init__(
        self,
        pool: Pool,
        routes: Routes,
        at: time,
        *,
        seconds: float = LOOK_SECONDS,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(pool, seconds, clock)
        self._routes = routes
        self._at = at

    async def tick(self) -> int:
        """Make the digests that are due and return how many; let go of what those before have told."""
        await store.forget_told(self._pool)
        now, made = await self.now(), 0
        for every in (Digest.HARIAN, Digest.MINGGUAN):
            due, after = last_due(every, self._at, now), FIRST
            while True:
                owners, new = await self._chunk(every, due, after)
                made += new
                if len(owners) < CHUNK:
                    break
                after = owners[-1]
        if made:
            log.info("digests_made", messages=made)
        return made

    async def _chunk(self, every: Digest, due: datetime, after: UUID) -> tuple[list[UUID], int]:
        """Make the digests of the next owners; return the owners looked at, and how many digests are new."""
        async with self._pool.acquire() as connection, connection.transaction():
            if not await store.lock_making(connection):
                return [], 0
            owners = await store.owners_due(connection, every, due, after, CHUNK)
            ids = {owner_id: digest_id(owner_id, due) for owner_id in owners}
            there = await store.existing(connection, ids.values())
            new = {owner_id: key for owner_id, key in ids.items() if key not in there}
            if new:
                drafts = [_draft(owner_id, key, every, due) for owner_id, key in new.items()]
                await store_drafts(connection, drafts, self._routes, due)
                await store.give(connection, new, due)
        return owners, len(new)


def _draft(owner_id: UUID, key: UUID, every: Digest, due: datetime) -> Draft:
    return Draft(
        id=key,
        event_id=key,
        event_type=EVENT_TYPE,
        occurred_at=due,
        template=TEMPLATE,
        recipient_kind=RecipientKind.OWNER,
        recipient_id=str(owner_id),
        business_id=None,
        params={"every": every.value, "day": due.date().isoformat()},
        sealed_reason=None,
    )


async def choose_digest(pool: Pool, command: ChooseDigest) -> None:
    """Note how often an owner wants a digest; what is kept already comes with the next one."""
    await store.choose(pool, command, await read_clock(pool))
