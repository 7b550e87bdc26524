"""The end of a mentoring that comes of something else: its business is gone, or nobody of its owners is left."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.registry.domain import mentoring as rules
from services.registry.domain.models import Business
from services.registry.handlers import SOURCE
from services.registry.store import mentoring as store
from shared.contracts.mentoring import MentoringCause
from shared.database import Connection
from shared.outbox import Cause, append, day_of


async def end_with_business(connection: Connection, business: Business, cause: Cause) -> None:
    """End the mentoring of a business that is closed, merged or rejected now. The business is locked by the caller."""
    why = rules.CAUSE_OF_STATUS.get(business.status)
    if why is not None:
        await _end(connection, business.id, why, business.closed_on or day_of(cause), cause)


async def end_without_owner(connection: Connection, business_id: UUID, cause: Cause) -> None:
    """End the mentoring of a business whose last owner is erased. The business is locked by the caller."""
    await _end(connection, business_id, MentoringCause.PEMILIK_DIHAPUS, day_of(cause), cause)


async def _end(connection: Connection, business_id: UUID, why: MentoringCause, day: date, cause: Cause) -> None:
    mentoring = await store.lock_live(connection, business_id)
    if mentoring is None:
        return
    after, fact = rules.end_with_business(mentoring, why, day)
    await append(connection, SOURCE, [(after.version, fact)], cause, store.changed_mentoring(after))
