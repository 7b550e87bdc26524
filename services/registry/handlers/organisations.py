"""Commands on organisations, and reading them."""

from __future__ import annotations

from uuid import UUID

from services.registry.commands.licensing import ChangeOrganisation, EndOrganisation, RegisterOrganisation
from services.registry.domain import organisations as rules
from services.registry.domain.licensing_refusals import OrganisationKnownError, OrganisationNotFoundError
from services.registry.domain.organisations import Organisation, OrganisationChange
from services.registry.handlers import Saved, publish_openly
from services.registry.store import organisations as store
from shared.database import Connection, Pool
from shared.outbox import Cause


async def register_organisation(connection: Connection, command: RegisterOrganisation, cause: Cause) -> Saved:
    """Store a new organisation. Raises ``OrganisationKnownError``, ``PublicTextError``."""
    change = rules.register(command, cause.actor)
    if not await store.insert_organisation(connection, change.after):
        raise OrganisationKnownError(command.title)
    await publish_openly(connection, [change], cause)
    return Saved(change.after.id, 1)


async def load_organisation(connection: Connection, organisation_id: UUID, *, share: bool = False) -> Organisation:
    """Lock an organisation and return it. Raises ``OrganisationNotFoundError``."""
    found = await store.lock_organisation(connection, organisation_id, share=share)
    if found is None:
        raise OrganisationNotFoundError(organisation_id)
    return found


async def _save(connection: Connection, change: OrganisationChange, cause: Cause) -> Saved:
    if change.drafts:
        if not await store.update_organisation(connection, change.after):
            raise OrganisationKnownError(change.after.title)
        await publish_openly(connection, [change], cause)
    return Saved(change.after.id, change.after.version)


async def change_organisation(connection: Connection, command: ChangeOrganisation, cause: Cause) -> Saved:
    """Replace title, kind, roles. Raises ``OrganisationNotFoundError``, ``OrganisationKnownError`` and the like."""
    organisation = await load_organisation(connection, command.organisation_id)
    return await _save(connection, rules.change(organisation, command), cause)


async def end_organisation(connection: Connection, command: EndOrganisation, cause: Cause) -> Saved:
    """End the work with an organisation. Raises ``OrganisationNotFoundError`` and what the rule refuses."""
    organisation = await load_organisation(connection, command.organisation_id)
    return await _save(connection, rules.end(organisation, command), cause)


async def find_organisation(pool: Pool, organisation_id: UUID) -> Organisation:
    """Return an organisation, else ``OrganisationNotFoundError``."""
    found = await store.find_organisation(pool, organisation_id)
    if found is None:
        raise OrganisationNotFoundError(organisation_id)
    return found


async def search_organisations(
    pool: Pool, after: UUID, kind: str | None, role: str | None, working: bool | None, limit: int
) -> list[Organisation]:
    """Return organisations after an id, by kind, role, and whether they still work with the office."""
    return await store.search_organisations(pool, after, kind, role, working, limit)
