"""Agreements with their texts and signatures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import asyncpg

from services.partners.commands import Terms
from services.partners.domain.models import Agreement, Text
from services.partners.store import queries
from shared.contracts.partnership import AgreementState, SuspensionCause
from shared.database import Connection, Pool
from shared.outbox import Change


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency: its agreement that goes on, else its last one, and how many of its endpoints are in which state."""

    agreement: Agreement
    active: int
    paused: int
    disabled: int


@lru_cache(maxsize=500)  # a text is read for each page, and never changed
def _terms(text: str | None) -> Terms | None:
    return None if text is None else Terms.model_validate_json(text)


def _agreement(row: asyncpg.Record) -> Agreement:
    return Agreement(
        id=row["id"],
        version=row["version"],
        agency=row["agency"],
        state=AgreementState(row["state"]),
        revision=row["revision"],
        latest=row["latest"],
        terms=_terms(row["terms"]),
        draft=_terms(row["draft"]),
        signers=tuple(row["signers"]),
        cause=None if row["cause"] is None else SuspensionCause(row["cause"]),
    )


async def hold_agency(connection: Connection, agency: str) -> UUID | None:
    """Hold an agency's code until the transaction ends, and return its agreement that is not over."""
    await connection.execute(queries().hold_agency, agency)
    found: UUID | None = await connection.fetchval(queries().live_agreement, agency)
    return found


async def lock_agreement(connection: Connection, agreement_id: UUID) -> Agreement | None:
    """Return one agreement, locked."""
    if await connection.fetchval(queries().lock_agreement, agreement_id) is None:
        return None
    return await find_agreement(connection, agreement_id)


async def find_agreement(connection: Connection | Pool, agreement_id: UUID) -> Agreement | None:
    """Return one agreement, not locked."""
    row = await connection.fetchrow(queries().find_agreement, agreement_id)
    return None if row is None else _agreement(row)


async def agreement_of(connection: Connection | Pool, agency: str) -> Agreement | None:
    """Return the agreement of an agency that goes on, else its last one."""
    found = await connection.fetchval(queries().agreement_of, agency)
    return None if found is None else await find_agreement(connection, found)


async def list_agreements(pool: Pool, after: UUID, agency: str | None, limit: int) -> list[Agreement]:
    """Return agreements after an id, of one agency or of all."""
    ids = [row["id"] for row in await pool.fetch(queries().list_agreements, after, agency, limit)]
    found = [await find_agreement(pool, agreement_id) for agreement_id in ids]
    return [agreement for agreement in found if agreement is not None]


async def list_agencies(pool: Pool, after: str, limit: int) -> list[Agency]:
    """Return agencies after a code."""
    found = []
    for row in await pool.fetch(queries().list_agencies, after, limit):
        agreement = await find_agreement(pool, row["id"])
        if agreement is not None:
            found.append(Agency(agreement, row["active"], row["paused"], row["disabled"]))
    return found


async def clock(pool: Pool) -> datetime:
    """Return the database's time."""
    now: datetime = await pool.fetchval(queries().clock)
    return now


async def load_texts(connection: Connection | Pool, agreement_id: UUID) -> list[Text]:
    """Return all texts of an agreement, oldest first."""
    rows = await connection.fetch(queries().load_texts, agreement_id)
    return [
        Text(
            row["revision"],
            Terms.model_validate_json(row["terms"]),
            row["drafted_by"],
            row["drafted_at"],
            tuple(row["signers"]),
        )
        for row in rows
    ]


async def load_terms(pool: Pool, keys: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Terms]:
    """Return texts by agreement and revision; one that there is not is left out."""
    ids, revisions = [key for key, _ in keys], [revision for _, revision in keys]
    rows = await pool.fetch(queries().load_terms, ids, revisions)
    return {(row["agreement_id"], row["revision"]): Terms.model_validate_json(row["terms"]) for row in rows}


async def due_agreements(pool: Pool, now: datetime) -> list[UUID]:
    """Return the agreements to which time has brought something."""
    return [row["id"] for row in await pool.fetch(queries().due_agreements, now)]


def saved_agreement(agreement: Agreement, *, new: bool) -> Change:
    """Return the statement that stores an agreement."""
    terms = agreement.terms
    arguments = (
        agreement.id,
        agreement.version,
        agreement.agency,
        agreement.state.value,
        agreement.revision,
        agreement.latest,
        agreement.draft is not None,
        None if terms is None else terms.starts_at,
        None if terms is None else terms.expires_at,
        None if agreement.cause is None else agreement.cause.value,
    )
    return Change(queries().insert_agreement if new else queries().update_agreement, arguments)


def new_text(agreement: Agreement, terms: Terms, author: str, now: datetime) -> Change:
    """Return the statement that stores the last text of an agreement."""
    return Change(queries().insert_text, (agreement.id, agreement.latest, terms.model_dump_json(), author, now))


def new_signature(agreement_id: UUID, revision: int, signer: str, now: datetime) -> Change:
    """Return the statement that stores a signature."""
    return Change(queries().insert_signature, (agreement_id, revision, signer, now))
