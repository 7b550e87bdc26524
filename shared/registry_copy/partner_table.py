"""The table ``organisation_copy``: the organisations as their facts tell of them. Every function takes the caller's connection."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from uuid import UUID

from shared.contracts.organisations import OrganisationRole
from shared.database import KERNEL_SQL, Connection, Queries, load_queries, write_rows
from shared.registry_copy.folding import in_order
from shared.registry_copy.partners import Partner, PartnerChange


@cache
def _queries() -> Queries:
    return load_queries(KERNEL_SQL / "partners" / "queries.sql")


async def save_partners(connection: Connection, changes: Mapping[UUID, PartnerChange]) -> None:
    """Write what a batch says of organisations: those that it tells whole, and those that it tells a part of."""
    whole, parts = [], []
    for partner_id, change in in_order(changes):
        if change.title is None or change.roles is None:
            parts.append((partner_id, change.ended_on, change.version))
        else:
            roles = "{" + ",".join(change.roles) + "}"
            whole.append((partner_id, change.title, roles, change.ended_on, change.version))
    await write_rows(connection, _queries().save_partners, whole)
    await write_rows(connection, _queries().change_partners, parts)


async def share_partner(connection: Connection, partner_id: UUID | None) -> Partner | None:
    """Return an organisation that stays as it is until the transaction ends; ``None``: nobody told of it yet, or none is asked for."""
    if partner_id is None:
        return None
    row = await connection.fetchrow(_queries().share_partner, partner_id)
    if row is None:
        return None
    return Partner(row["id"], row["title"], frozenset(map(OrganisationRole, row["roles"])), row["ended_on"])
