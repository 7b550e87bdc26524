"""Facts into the streams that agencies read: each once, labelled, in an order that no reader can miss anything of."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.partners.domain.labels import business_of, label_all
from services.partners.store import erasures
from services.partners.store import events as store
from services.partners.store.events import OwnerChange
from shared.contracts.registry import OWNER_TOPIC, OwnerConsentChanged, OwnerErased, OwnerRegistered
from shared.database import Connection
from shared.envelope import Event

OWNERS_TOLD_BY = (OwnerRegistered, OwnerConsentChanged, OwnerErased)
"""The facts by which owners say what ``owners_told`` folds."""


async def record_facts(connection: Connection, events: Sequence[Event]) -> None:
    """Record a batch. Whoever records holds all streams first: labels then see what everybody before has told."""
    last, now = await store.lock_streams(connection)
    named = sorted({found for event in events if (found := business_of(event)) is not None}, key=lambda key: key.bytes)
    known = await store.load_businesses(connection, named)
    before = await store.load_waiting(connection, named)
    labelling = label_all(events, known, before)
    owners = owners_told(events)
    await store.save_owners(connection, owners)
    if erased := [owner_id for owner_id, change in owners.items() if change.erased]:
        await erasures.insert_erasures(connection, erased, now)
    await store.save_businesses(connection, {key: labelling.known[key] for key in labelling.changed})
    added = [
        (key, event) for key, waiting in labelling.waiting.items() for event in waiting[len(before.get(key, ())) :]
    ]
    await store.replace_waiting(connection, labelling.released & before.keys(), added)
    await store.record(connection, last, labelling.ready, now)


def owners_told(events: Sequence[Event]) -> dict[UUID, OwnerChange]:
    """Fold what a batch says of owners: consent to sharing, restriction, erasure. A fact that says nothing of them moves the version."""
    found: dict[UUID, OwnerChange] = {}
    for event in events:
        fact = event.fact
        if fact.TOPIC != OWNER_TOPIC:
            continue
        before = found.get(fact.aggregate_id, OwnerChange(0))
        sharing, restricted = before.sharing, before.restricted
        if isinstance(fact, (OwnerRegistered, OwnerConsentChanged)):
            sharing = fact.consents.data_sharing
        if isinstance(fact, OwnerConsentChanged):
            restricted = fact.restricted
        erased = before.erased or isinstance(fact, OwnerErased)
        sharing = False if erased else sharing
        found[fact.aggregate_id] = OwnerChange(event.meta.sequence, sharing, restricted, erased)
    return found
