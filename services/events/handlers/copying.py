"""Facts of registry and trainings into our copy, and what an erasure brings with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.events.domain.copies import fold
from services.events.handlers.applying import release_erased
from services.events.handlers.outlets import leave_erased
from services.events.store import copies as store
from shared.database import Connection
from shared.envelope import Event
from shared.outbox import cause_by
from shared.registry_copy.partner_table import save_partners

ACTOR = "events"


async def record_facts(connection: Connection, events: Sequence[Event], now: datetime) -> None:
    """Write what a batch says; owners who were erased leave what they have open."""
    copies = fold(events)
    registry = copies.registry
    await store.save_owners(connection, registry.owners)
    await store.save_businesses(connection, registry.businesses)
    await store.save_enrolments(connection, copies.enrolments)
    await store.save_licences(connection, copies.licences)
    await save_partners(connection, copies.organisations.partners)
    if registry.erased:
        causes = {owner_id: cause_by(event, ACTOR, now) for owner_id, event in registry.erased.items()}
        await release_erased(connection, causes)
        await leave_erased(connection, causes)
