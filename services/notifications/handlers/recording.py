"""Facts into recipients, contacts, participations and messages: a few statements a batch, whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from services.notifications.domain.attending import fold_attending
from services.notifications.domain.digesting import held_back
from services.notifications.domain.folding import drafts, fold
from services.notifications.domain.messages import (
    Decision,
    Recipient,
    State,
    Suppression,
    decide,
    decide_for_officer,
)
from services.notifications.domain.notices import Draft, RecipientKind
from services.notifications.domain.routes import Routes
from services.notifications.domain.topics import stoppable_topic
from services.notifications.store import attending, digests, messages
from services.notifications.store import facts as store
from shared.database import Connection, Pool
from shared.envelope import Event

_WAITING = Decision(State.WAITING, None, None, None)


async def record_facts(
    connection: Connection,
    events: Sequence[Event],
    routes: Routes,
    clock: Callable[[], datetime] | None = None,
) -> None:
    """Write what a batch says, and the messages that it asks for; ``routes`` are the channels that this service runs.

    Without ``clock`` the database's time counts.
    """
    changes = fold(events)
    await store.save_recipients(connection, changes.recipients)
    await store.save_contacts(connection, changes.contacts)
    await store.forget(connection, changes.erased)
    now = clock() if clock else await messages.read_clock(connection)
    await _record_attending(connection, events, now)
    if not changes.notifying:
        return
    contacts = await store.load_contacts(connection, changes.contacts_wanted())
    asked = drafts(changes, {business_id: owner_id for business_id, (owner_id, _) in contacts.items()})
    await store_drafts(connection, asked, routes, now)


async def _record_attending(connection: Connection, events: Sequence[Event], now: datetime) -> None:
    """Write who is to be where and when, and take back the reminders that this makes untrue."""
    folded = fold_attending(events)
    if not (folded.courses or folded.participations):
        return
    await attending.save(connection, folded)
    await attending.void_stale(connection, folded.changed, folded.touched, now)


async def store_drafts(connection: Connection, asked: Sequence[Draft], routes: Routes, now: datetime) -> None:
    """Store messages, each with what is decided of it; those that are there already stay as they are.

    What can wait is kept for the next digest of an owner who wants digests, from ``now`` on.
    """
    owners = {UUID(d.recipient_id) for d in asked if d.recipient_kind is RecipientKind.OWNER and d.recipient_id}
    known = await store.load_recipients(connection, owners)
    decided = [(draft, _decide(draft, known, routes)) for draft in asked]
    await store.insert_messages(connection, decided)
    await digests.hold(connection, [draft.id for draft, decision in decided if _is_kept(decision)], now)


def _is_kept(decision: Decision) -> bool:
    return decision.reason == Suppression.IN_DIGEST


def _decide(draft: Draft, known: dict[UUID, Recipient], routes: Routes) -> Decision:
    if draft.recipient_kind is RecipientKind.OFFICER:
        return decide_for_officer(routes)
    recipient = known.get(UUID(draft.recipient_id)) if draft.recipient_id else None
    return _WAITING if recipient is None else _decide_for(recipient, draft.template, routes)


def _decide_for(recipient: Recipient, template: str, routes: Routes) -> Decision:
    return held_back(decide(recipient, routes, stoppable_topic(template)), template, recipient.digest)


async def complete_waiting(pool: Pool, routes: Routes, now: datetime, limit: int = 500) -> int:
    """Decide on messages whose owner, or whose business with its owner, has come meanwhile, and return how many.

    Not done in the batch that brings the owner: another worker's batch, which does not see it yet, may add a waiting
    message at the same moment, and nobody would look at it again.
    """
    async with pool.acquire() as connection, connection.transaction():
        await messages.find_owners(connection, limit)
        found = await messages.find_completable(connection, limit)
        if found:
            decided = [(key, _decide_for(recipient, template, routes)) for key, template, recipient in found]
            await messages.complete_waiting(connection, decided, now)
            await digests.hold(connection, [key for key, decision in decided if _is_kept(decision)], now)
    return len(found)
