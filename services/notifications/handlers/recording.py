"""Facts into recipients, contacts and messages: a few statements a batch, whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from services.notifications.domain.folding import drafts, fold
from services.notifications.domain.messages import (
    Decision,
    Recipient,
    State,
    decide,
    decide_for_officer,
)
from services.notifications.domain.notices import Draft, RecipientKind
from services.notifications.store import facts as store
from services.notifications.store import messages
from shared.database import Connection, Pool
from shared.envelope import Event

_WAITING = Decision(State.WAITING, None, None, None)


async def record_facts(connection: Connection, events: Sequence[Event], channels: AbstractSet[str]) -> None:
    """Write what a batch says, and the messages that it asks for; ``channels`` are those that this service runs."""
    changes = fold(events)
    await store.save_recipients(connection, changes.recipients)
    await store.save_contacts(connection, changes.contacts)
    await store.forget(connection, changes.erased)
    if not changes.notifying:
        return
    contacts = await store.load_contacts(connection, changes.contacts_wanted())
    asked = drafts(changes, {business_id: owner_id for business_id, (owner_id, _) in contacts.items()})
    owners = {UUID(d.recipient_id) for d in asked if d.recipient_kind is RecipientKind.OWNER}
    known = await store.load_recipients(connection, owners)
    await store.insert_messages(connection, [(draft, _decide(draft, known, channels)) for draft in asked])


def _decide(draft: Draft, known: dict[UUID, Recipient], channels: AbstractSet[str]) -> Decision:
    if draft.recipient_kind is RecipientKind.OFFICER:
        return decide_for_officer(channels)
    recipient = known.get(UUID(draft.recipient_id))
    return _WAITING if recipient is None else decide(recipient, channels)


async def complete_waiting(pool: Pool, channels: AbstractSet[str], now: datetime, limit: int = 500) -> int:
    """Decide on messages whose owner has come meanwhile, and return how many.

    Not done in the batch that brings the owner: another worker's batch, which does not see it yet, may add a waiting
    message at the same moment, and nobody would look at it again.
    """
    async with pool.acquire() as connection, connection.transaction():
        found = await messages.find_completable(connection, limit)
        if found:
            decided = [(message_id, decide(recipient, channels)) for message_id, recipient in found]
            await messages.complete_waiting(connection, decided, now)
    return len(found)
