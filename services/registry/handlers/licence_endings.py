"""What ends with its business, and what is forgotten with its owner; in the transaction of that deed."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from services.registry.domain import licences as rules
from services.registry.domain.licences import LicenceChange
from services.registry.domain.models import Changed
from services.registry.handlers import Saved, publish_openly
from services.registry.store import licences as store
from shared.contracts.licensing import LicenceCause, LicenceStatus
from shared.database import Connection
from shared.outbox import Cause, day_of


async def save_licence(connection: Connection, change: LicenceChange, cause: Cause) -> Saved:
    """Store a licence after a deed, with what happened. No fact but the first one holds anything personal."""
    after = change.after
    if change.drafts:
        await publish_openly(connection, [change], cause, store.changed_licence(after))
    else:
        await store.update_licence(connection, after)
    return Saved(after.id, after.version)


async def end_licences_of_business(connection: Connection, business_id: UUID, cause: Cause) -> None:
    """End what is valid or waits of a business that was closed. The caller holds the business."""
    for licence in await store.lock_open_licences(connection, business_id):
        change = rules.end(licence, LicenceCause.USAHA_TUTUP, day_of(cause))
        if change.drafts:
            await save_licence(connection, change, cause)


async def forget_licences(connection: Connection, owner_id: UUID, forgotten: Collection[UUID], cause: Cause) -> None:
    """Empty the numbers of an erased owner, and of ``forgotten``, the businesses that are left without an owner.

    Those of businesses without an owner end. Where another owner goes on, what is valid stays valid; what waits is turned
    down, because nobody can look a number up that is gone. The caller holds owner and businesses.
    """
    for licence in await store.lock_licences_of_erased(connection, owner_id, forgotten):
        ends = licence.business_id in forgotten or licence.status is LicenceStatus.DIAJUKAN
        change = Changed(licence)
        if ends:
            change = rules.end(licence, LicenceCause.PEMILIK_DIHAPUS, day_of(cause))
        await save_licence(connection, rules.forget(change), cause)
