"""Commands on brands, and reading them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from services.registry.commands.licensing import FileBrand
from services.registry.domain import brands as rules
from services.registry.domain.brands import Brand, BrandChange
from services.registry.domain.licensing_refusals import BrandKnownError, BrandNotFoundError
from services.registry.domain.models import Business
from services.registry.domain.organisations import Organisation
from services.registry.handlers import Saved, publish_openly
from services.registry.handlers.businesses import load_business, shows_what_it_has
from services.registry.handlers.organisations import load_organisation
from services.registry.store import brands as store
from shared.database import Connection, Pool
from shared.outbox import Cause

Rule = Callable[[Brand], BrandChange]


async def file_brand(connection: Connection, command: FileBrand, cause: Cause, kelurahan: str | None) -> Saved:
    """Store a brand that waits for the register of trade marks, of a business or else of an organisation.

    Raises ``BusinessNotFoundError`` (also for one of another kelurahan), ``OrganisationNotFoundError``,
    ``BrandKnownError``, and whatever the rule refuses.
    """
    change = rules.file(command, await _load_owner(connection, command, kelurahan), cause.actor)
    if not await store.insert_brand(connection, change.after):
        raise BrandKnownError(command.mark)
    await publish_openly(connection, [change], cause)
    return Saved(change.after.id, 1)


async def _load_owner(connection: Connection, command: FileBrand, kelurahan: str | None) -> Business | Organisation:
    if command.whose == "business":
        return await load_business(connection, command.whose_id, kelurahan)
    return await load_organisation(connection, command.whose_id, share=True)


async def act_on_brand(connection: Connection, brand_id: UUID, rule: Rule, cause: Cause) -> Saved:
    """Do what ``rule`` says with a brand. Raises ``BrandNotFoundError`` and what the rule refuses."""
    brand = await store.lock_brand(connection, brand_id)
    if brand is None:
        raise BrandNotFoundError(brand_id)
    change = rule(brand)
    await publish_openly(connection, [change], cause, store.changed_brand(change.after))
    return Saved(change.after.id, change.after.version)


async def find_brand(pool: Pool, brand_id: UUID, kelurahan: str | None) -> Brand:
    """Return a brand that a caller of ``kelurahan`` may see: an organisation's is everybody's to see."""
    found = await store.find_brand(pool, brand_id)
    if found is None:
        raise BrandNotFoundError(brand_id)
    if found.business_id is not None and not await shows_what_it_has(pool, found.business_id, kelurahan):
        raise BrandNotFoundError(brand_id)
    return found


async def search_brands(
    pool: Pool,
    after: UUID,
    business_id: UUID | None,
    organisation_id: UUID | None,
    status: str | None,
    kelurahan: str | None,
    limit: int,
) -> list[Brand]:
    """Return brands after an id, by owner, status and kelurahan."""
    return await store.search_brands(pool, after, business_id, organisation_id, status, kelurahan, limit)
