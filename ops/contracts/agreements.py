"""What agreements say of who reads, from the partner service's database as the login ``audit``. Reads only."""

from __future__ import annotations

import json

import asyncpg

from ops.contracts.readers import Agreed, Agreements
from services.partners.commands import Terms
from shared.database import connected

_AGREED = """
SELECT a.agency, a.agreement_id::text, a.revision, a.state, t.terms::text
FROM audit.agreement a JOIN audit.agreement_text t USING (agreement_id, revision) ORDER BY a.agency, a.agreement_id
"""
"""Each agreement with the text that two have signed; one that nobody has signed yet has none."""
_GIVEN = """
SELECT agency, stream, way, max(given_at) FROM audit.disclosure WHERE agency = ANY ($1::text[]) GROUP BY 1, 2, 3
"""


async def read_agreements(dsn: str) -> Agreements:
    """Return what all agreements grant, and when each agency was last given anything. Raises the errors of the server."""
    async with connected(dsn) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        now = await connection.fetchval("SELECT clock_timestamp()")
        agreed = tuple(_agreed(row) for row in await connection.fetch(_AGREED))
        rows = await connection.fetch(_GIVEN, sorted({item.agency for item in agreed if item.may_grant(now)}))
    return Agreements(now, agreed, {(row[0], row[1], row[2]): row[3] for row in rows})


def _agreed(row: asyncpg.Record) -> Agreed:
    agency, agreement_id, revision, state, text = row
    terms = Terms.model_validate(json.loads(text))
    types = frozenset(grant.type for grant in terms.grants)
    ways = tuple(way.value for way in terms.ways)
    return Agreed(agency, agreement_id, revision, state, types, ways, terms.starts_at, terms.expires_at)
