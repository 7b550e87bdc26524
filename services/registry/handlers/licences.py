"""Commands on licences, and reading them.

Locks are taken in one order: business, owner, licences by their ids.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import UUID

from services.registry.commands.licensing import SubmitLicence
from services.registry.domain import licences as rules
from services.registry.domain.licences import Licence, LicenceChange
from services.registry.domain.licensing_refusals import LicenceKnownError, LicenceNotFoundError
from services.registry.handlers import Saved, publish
from services.registry.handlers.businesses import load_business, shows_what_it_has
from services.registry.handlers.licence_endings import save_licence
from services.registry.handlers.owners import principal_key
from services.registry.store import licences as store
from shared.database import Connection, Pool
from shared.outbox import Cause, day_of
from shared.sealing import KeyRing

Rule = Callable[[Licence], LicenceChange]


async def submit_licence(
    connection: Connection, ring: KeyRing, command: SubmitLicence, cause: Cause, kelurahan: str | None
) -> Saved:
    """Store a licence that waits for verification, its number sealed in the fact under the principal owner's key.

    Raises ``BusinessNotFoundError`` (also for one of another kelurahan), ``OwnerErasedError``, ``LicenceKnownError``, and
    whatever the rule refuses.
    """
    business = await load_business(connection, command.business_id, kelurahan)
    owner_id, key = await principal_key(connection, ring, business.profile.owner_ids[:1])
    renewed = None
    if command.renews is not None:
        renewed = (await store.lock_licences(connection, [command.renews])).get(command.renews)
    change = rules.submit(command, business, renewed, cause.actor, day_of(cause))
    if not await store.insert_licence(connection, change.after):
        raise LicenceKnownError
    await publish(connection, change.drafts, 1, owner_id, key, cause)
    return Saved(change.after.id, 1)


async def verify_licence(connection: Connection, licence_id: UUID, expected_version: int, cause: Cause) -> Saved:
    """Verify a licence; one that it renews gives its place up. Raises ``LicenceNotFoundError`` and what the rule refuses."""
    seen = await store.find_licence(connection, licence_id)
    if seen is None:
        raise LicenceNotFoundError(licence_id)
    renews = seen.renews
    found = await store.lock_licences(connection, [licence_id] if renews is None else [licence_id, renews])
    renewed = None if renews is None else found[renews]
    change = rules.verify(found[licence_id], expected_version, renewed, cause.actor, day_of(cause))
    if renewed is not None:
        await store.update_licence(connection, rules.give_place(renewed, licence_id))
    return await save_licence(connection, change, cause)


async def act_on_licence(connection: Connection, licence_id: UUID, rule: Rule, cause: Cause) -> Saved:
    """Do what ``rule`` says with a licence. Raises ``LicenceNotFoundError`` and what the rule refuses."""
    found = await store.lock_licences(connection, [licence_id])
    if licence_id not in found:
        raise LicenceNotFoundError(licence_id)
    return await save_licence(connection, rule(found[licence_id]), cause)


async def find_licence(pool: Pool, licence_id: UUID, kelurahan: str | None) -> Licence:
    """Return a licence that a caller of ``kelurahan`` may see, else ``LicenceNotFoundError``."""
    found = await store.find_licence(pool, licence_id)
    if found is None or not await shows_what_it_has(pool, found.business_id, kelurahan):
        raise LicenceNotFoundError(licence_id)
    return found


async def search_licences(
    pool: Pool,
    after: UUID,
    business_id: UUID | None,
    kelurahan: str | None,
    kind: str | None,
    status: str | None,
    expires_until: date | None,
    limit: int,
) -> list[Licence]:
    """Return licences after an id, by business, kelurahan, kind, status, last day."""
    return await store.search_licences(pool, after, business_id, kelurahan, kind, status, expires_until, limit)
