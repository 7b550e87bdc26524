"""Businesses, their owners, and proposals of duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg

from services.registry.commands import Profile
from services.registry.domain.models import Business
from services.registry.reference.names import fold_name
from services.registry.store import at_hand, queries, words_query
from shared.contracts.registry import BusinessStatus, ClassRecord, Kbli, Workers
from shared.database import Connection, Pool
from shared.outbox import Change


def _business(row: asyncpg.Record) -> Business:
    return Business(
        id=row["id"],
        version=row["version"],
        profile=_profile(row),
        kelas=ClassRecord(
            kelas=row["class"],
            basis=row["class_basis"],
            year=row["class_year"],
            source=row["class_source"],
            as_of=row["class_as_of"],
        ),
        workers=_workers(row),
        workers_as_of=row["workers_as_of"],
        status=BusinessStatus(row["status"]),
        status_before=_status(row["status_before"]),
        status_reason=row["status_reason"],
        merged_into=row["merged_into"],
        closed_on=row["closed_on"],
        flags=tuple(row["flags"]),
        source=row["source"],
        as_of=row["as_of"],
        registered_by=row["registered_by"],
        submitted_by=row["submitted_by"],
        verified_by=row["verified_by"],
        status_before_merge=_status(row["status_before_merge"]),
    )


def _status(text: str | None) -> BusinessStatus | None:
    return None if text is None else BusinessStatus(text)


def _profile(row: asyncpg.Record) -> Profile:
    code = row["kbli_code"]
    return Profile(
        owner_ids=tuple(row["owner_ids"]),
        name=row["name"] or "",
        address=row["address"],
        nib=row["nib"],
        kelurahan=row["kelurahan"],
        sector=row["sector"],
        kbli=None if code is None else Kbli(version=row["kbli_version"], code=code),
        capital=row["capital"],
        sales=row["sales"],
        founded_year=row["founded_year"],
    )


_WORKERS = ("paid_men", "paid_women", "unpaid_men", "unpaid_women")


def _workers(row: asyncpg.Record) -> Workers | None:
    return None if row["workers_as_of"] is None else Workers(**{name: row[name] for name in _WORKERS})


def _columns(business: Business) -> tuple[Any, ...]:
    """Return the columns that insert and update share, in their order from ``version`` to ``status_before_merge``."""
    profile, kelas, workers = business.profile, business.kelas, business.workers or Workers()
    return (
        business.version,
        profile.name or None,
        fold_name(profile.name) or None,
        profile.address,
        profile.nib,
        profile.kelurahan,
        profile.sector,
        profile.kbli.version if profile.kbli else None,
        profile.kbli.code if profile.kbli else None,
        profile.capital,
        profile.sales,
        profile.founded_year,
        kelas.kelas,
        kelas.basis,
        kelas.year,
        kelas.source,
        kelas.as_of,
        *(getattr(workers, name) for name in _WORKERS),
        business.workers_as_of,
        business.status,
        business.status_before,
        business.status_reason,
        business.merged_into,
        business.closed_on,
        list(business.flags),
        business.source,
        business.as_of,
        business.registered_by,
        business.submitted_by,
        business.verified_by,
        business.status_before_merge,
    )


async def insert_business(connection: Connection, business: Business) -> None:
    """Store a new business with its owners."""
    await connection.execute(
        queries().insert_business, business.id, *_columns(business), list(business.profile.owner_ids)
    )


async def lock_businesses(connection: Connection, business_ids: Iterable[UUID]) -> dict[UUID, Business]:
    """Lock businesses, in the order of their ids, and return those that are there."""
    rows = await connection.fetch(queries().lock_businesses, list(business_ids))
    return {row["id"]: _business(row) for row in rows}


def changed_business(business: Business) -> Change:
    """Return what stores a business after a deed; its owners apart (``replace_owners``)."""
    return Change(queries().update_business, (business.id, *_columns(business)))


async def replace_owners(connection: Connection, business: Business) -> None:
    """Store the owners of a business, where they changed."""
    await connection.execute(queries().replace_business_owners, business.id, list(business.profile.owner_ids))


async def owned_first(connection: Connection, owner_id: UUID) -> list[UUID]:
    """Return the businesses whose personal part is sealed under this owner's key."""
    return [row[0] for row in await connection.fetch(queries().businesses_owned_first, owner_id)]


async def forget_business(connection: Connection, business_id: UUID) -> None:
    """Empty the personal columns of a business that nobody holds a key for any more."""
    await connection.execute(queries().forget_business, business_id)


async def forget_natural_key(connection: Connection, business_id: UUID) -> None:
    """Empty what an import knows a business by: it is a digest of its first owner's NIK."""
    await connection.execute(queries().forget_natural_key, business_id)


async def places_over(pool: Pool, business_id: UUID) -> frozenset[str]:
    """Return the kelurahan of a business and of all that it was merged into; none: there is no such business."""
    return frozenset(row["kelurahan"] for row in await pool.fetch(queries().places_over, business_id))


async def find_business(pool: Pool, business_id: UUID) -> Business | None:
    """Return a business, or ``None``."""
    row = await pool.fetchrow(queries().find_business, business_id)
    return None if row is None else _business(row)


async def search_businesses(
    pool: Pool,
    after: UUID,
    name_key: str | None,
    kelurahan: str | None,
    status: str | None,
    kelas: str | None,
    limit: int,
) -> list[Business]:
    """Return businesses after an id, in its order."""
    words = None if name_key is None else words_query(name_key)
    part, more = _businesses_at_hand(kelurahan, status)
    statement = at_hand(queries().search_businesses, part)
    return [_business(row) for row in await pool.fetch(statement, after, words, status, kelas, limit, *more)]


def _businesses_at_hand(kelurahan: str | None, status: str | None) -> tuple[str, tuple[str, ...]]:
    """Return what the list reads from, by the index that leaves least of it, and its arguments."""
    if kelurahan is not None:
        return queries().businesses_of_kelurahan, (kelurahan,)
    if status is not None and status != BusinessStatus.DIAJUKAN:
        return queries().businesses_of_status, ()
    return "business", ()


async def insert_proposal(
    connection: Connection, proposal_id: UUID, business_id: UUID, other_id: UUID, grounds: tuple[str, ...], actor: str
) -> bool:
    """Store a proposal; ``False`` if the pair was proposed before."""
    made = await connection.fetchval(
        queries().insert_proposal, proposal_id, business_id, other_id, list(grounds), actor
    )
    return made is not None


async def decide_proposal(connection: Connection, business_id: UUID, other_id: UUID, state: str, actor: str) -> None:
    """Note what a person decided about a pair, if it was proposed."""
    await connection.execute(queries().decide_proposal, business_id, other_id, state, actor)


async def list_proposals(
    pool: Pool, after: UUID, state: str, kelurahan: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return proposals after an id, in its order."""
    part, more = ("duplicate_proposal", ()) if kelurahan is None else (queries().proposals_of_kelurahan, (kelurahan,))
    statement = at_hand(queries().list_proposals, part)
    return [dict(row) for row in await pool.fetch(statement, after, state, limit, *more)]
