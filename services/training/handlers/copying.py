"""The registry's facts into our copy, and what an erasure brings with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.training.domain.copies import fold
from services.training.handlers.enrolling import release_erased
from services.training.store import copies as store
from shared.database import Connection
from shared.envelope import Event
from shared.outbox import cause_by
from shared.registry_copy.partner_table import save_partners

ACTOR = "training"


async def record_facts(connection: Connection, events: Sequence[Event], now: datetime) -> None:
    """Write what a batch says; owners who were erased leave what they have open."""
    copies = fold(events)
    registry = copies.registry
    await store.save_owners(connection, registry.owners)
    await store.save_businesses(connection, registry.businesses)
    await save_partners(connection, copies.organisations.partners)
    if registry.erased:
        await store.forget(connection, list(registry.erased))
        causes = {owner_id: cause_by(event, ACTOR, now) for owner_id, event in registry.erased.items()}
        await release_erased(connection, causes)
