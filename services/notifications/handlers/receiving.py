"""Receipts: what a provider tells of a message, kept once, and the message moved forward by it.

A receipt may come twice, in any order, and before the sender has committed what the provider answered. It is found by
our own reference, which is committed before anything goes out; where the provider does not repeat that, it is kept
until the sender writes down the provider's id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog

from services.notifications.domain.messages import State
from services.notifications.domain.receipts import Receipt, message_after
from services.notifications.domain.routes import Routes, fallback_reason
from services.notifications.store import receipts as store
from services.notifications.store.messages import read_clock
from shared.database import Connection, Pool
from shared.ticking import PeriodicLook

UNMATCHED_FOR = timedelta(days=30)
REASONS_FOR = timedelta(days=7)
"""A provider that has told nothing more for so long tells nothing more."""
KEEPING_SECONDS = 3_600.0

log = structlog.get_logger(__name__)


class Effect(StrEnum):
    """What came of a receipt."""

    APPLIED = "applied"  # an attempt moved forward
    KNOWN = "known"  # it was as far already
    KEPT = "kept"  # nothing is known of it yet, or it is of somebody else's message


async def take_receipts(pool: Pool, receipts: Sequence[Receipt], routes: Routes) -> Mapping[Effect, int]:
    """Take receipts in, each in a transaction of its own: after a failure all may be told again. How many came to what."""
    counted: Counter[Effect] = Counter()
    for receipt in receipts:
        async with pool.acquire() as connection, connection.transaction():
            effect = await take_receipt(connection, receipt, routes)
        counted[effect] += 1
        log.info("receipt_taken", channel=receipt.channel, state=receipt.state, reason=receipt.reason, effect=effect)
    return counted


async def take_receipt(connection: Connection, receipt: Receipt, routes: Routes) -> Effect:
    """Keep one receipt and move its message; inside the caller's transaction."""
    await store.lock_provider_key(connection, receipt.channel, receipt.provider_key)
    now = await read_clock(connection)
    found = await store.find_attempt(connection, receipt)
    await store.keep(connection, receipt, found[0] if found else None, now)
    if found is None:
        return Effect.KEPT
    return Effect.APPLIED if await _apply(connection, *found, receipt, routes, now) else Effect.KNOWN


async def take_early(
    connection: Connection, channel: str, provider_key: str, attempt_id: UUID, message_id: UUID, routes: Routes
) -> None:
    """Apply what was told of an attempt before its provider's id was known; in the transaction that stores the id."""
    kept = await store.take_kept(connection, channel, provider_key, attempt_id)
    now = await read_clock(connection)
    for receipt in kept:
        await _apply(connection, attempt_id, message_id, receipt, routes, now)


async def _apply(
    connection: Connection, attempt_id: UUID, message_id: UUID, receipt: Receipt, routes: Routes, now: datetime
) -> bool:
    # The message first, as the senders do, so that two who hold one of both never wait for each other.
    told = await store.lock_message(connection, message_id)
    if not await store.advance(connection, attempt_id, receipt, now):
        return False
    target = message_after(told.state, receipt.state, current=told.current_attempt == attempt_id)
    if target is not None and target is not told.state:
        actor = f"receipt/{receipt.channel}"
        await store.move(connection, message_id, target, receipt.reason, now, actor)
        if target is State.FAILED:
            await _fall_back(connection, message_id, told, receipt, routes, now, actor)
    return True


async def _fall_back(
    connection: Connection,
    message_id: UUID,
    told: store.Told,
    receipt: Receipt,
    routes: Routes,
    now: datetime,
    actor: str,
) -> None:
    following = routes.next_channel(told.chosen, {*told.failed_channels, receipt.channel})
    if following is not None:
        reason = fallback_reason(following, receipt.reason)
        await store.fall_back(connection, message_id, following, reason, now, actor)


async def list_attempts(pool: Pool, message_id: UUID) -> Sequence[Mapping[str, Any]]:
    """Return every hand-over of a message, in order."""
    return await store.list_attempts(pool, message_id)


class Keeping(PeriodicLook):
    """Once an hour lets go of receipts that nothing was found for, and of reasons that no channel needs any more."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(pool, KEEPING_SECONDS, clock)

    async def tick(self) -> int:
        """Let go of what is due and return how many rows that were."""
        now, total = await self.now(), 0
        while found := await store.forget_unmatched(self._pool, now - UNMATCHED_FOR):
            total += found
        while found := await store.forget_sealed_reasons(self._pool, now - REASONS_FOR):
            total += found
        return total
