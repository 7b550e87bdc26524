"""What one chunk reads from and writes to the registry: lookups by arrays, new rows and facts by COPY."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.registry.handlers.rotation import marks_of
from services.registry.importing import facts
from services.registry.importing.facts import SOURCE, OutboxRow
from services.registry.importing.planning import Business, Known, Owner, Plan, is_applied, person_of
from services.registry.importing.recent import Recent
from services.registry.importing.rows import BusinessCells, CheckedRow
from services.registry.importing.store import queries
from shared.contracts.registry import UNKNOWN_PLACE, BusinessClass, ClassBasis
from shared.identifiers import id_of, new_id, new_ids
from shared.sealing import KeyRing, new_keys

EVENT_SOURCE = "/registry"
# Nested loops over indexes, whatever the planner has heard of tables that grow under it; plans are kept for the connection.
# A process more would take longer to start than what it is to do.
PLANNER_SETTINGS = """SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"""

OWNER_COLUMNS = (
    "id", "version", "name", "name_key", "nik", "birth_date", "phones", "email", "flags", "kelurahan", "source", "import_key",
    "registered_by",
)  # fmt: skip
BUSINESS_COLUMNS = (
    "id", "version", "name", "name_key", "address", "nib", "kelurahan", "sector", "kbli_version", "kbli_code", "capital",
    "sales", "founded_year", "class", "class_basis", "class_source", "class_as_of", "paid_men", "paid_women", "unpaid_men",
    "unpaid_women", "workers_as_of", "status", "flags", "source", "as_of", "import_key", "registered_by", "submitted_by",
)  # fmt: skip
OUTBOX_COLUMNS = (
    "topic", "partition_key", "event_id", "type", "source", "sequence", "occurred_at", "correlation_id", "origin", "data",
)  # fmt: skip
SEALED_TOGETHER = 250
"""Owners come in the order of their businesses, so a stretch of both needs few ciphers at a time."""
_NO_KBLI = (None, None)
_NO_WORKERS = (None,) * 4


class StaleError(Exception):
    """Somebody changed an aggregate between the lookup and the write: look again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The terms of one import: who, where, when."""

    import_id: UUID
    officer: str
    kelurahan: str
    as_of: date
    """The day of the import in WITA: the data speaks of it."""
    now: datetime


class Mark(NamedTuple):
    """A place in the outbox: the last fact of one transaction."""

    xid: str
    last_id: int


async def look_up(
    connection: asyncpg.Connection, ring: KeyRing, rows: Sequence[CheckedRow], before: Sequence[Recent]
) -> Known:
    """Return what the registry knows of the rows of a chunk, with what chunks leave that may not be stored yet."""
    named = queries()
    applied = [row for row in rows if is_applied(row)]
    niks = list({row.owner.nik for row in applied if row.owner.nik is not None})
    owner_keys = list({id_of(row.owner_key) for row in applied if row.owner_key is not None})
    owners = {_person(r): _owner(r) for r in await connection.fetch(named.known_owners, niks, owner_keys)}
    # After the owners: one who is erased in between is found there, or here.
    erased = await _erased_among(connection, ring, {person_of(row) for row in applied} - owners.keys())
    keys = [id_of(row.key) for row in applied]
    businesses = {r["import_key"].bytes: _business(r) for r in await connection.fetch(named.known_businesses, keys)}
    for recent in before:
        owners, businesses = recent.owners(owners, applied), recent.businesses(businesses, applied)
    unfound = [row for row in applied if row.key not in businesses]
    owning = list({owners[person_of(row)].id for row in unfound if person_of(row) in owners})
    by_owner: dict[UUID, list[Business]] = {}
    for record in await connection.fetch(named.businesses_of, owning) if owning else ():
        business = _business(record)
        by_owner.setdefault(business.owners[0], []).append(business)
    lookalikes = await _lookalikes(connection, unfound, [owners.get(person_of(row)) for row in unfound])
    nibs = {row.business.nib for row in applied if row.business.nib is not None and _is_news(row, businesses)}
    known = Known(owners, businesses, by_owner, lookalikes, await _nib_holders(connection, nibs, before), erased)
    for recent in before:
        known = recent.over(known)
    return known


async def _erased_among(connection: asyncpg.Connection, ring: KeyRing, persons: set[str]) -> frozenset[str]:
    if not persons:
        return frozenset()
    marks = await marks_of(connection, ring, persons)
    found = await connection.fetch(queries().erased_persons, list(marks))
    return frozenset(marks[record["digest"]] for record in found)


async def _lookalikes(
    connection: asyncpg.Connection, rows: Sequence[CheckedRow], owners: Sequence[Owner | None]
) -> dict[int, tuple[UUID, str]]:
    """Return businesses of others than the rows' own ``owners``, so far as these are known."""
    pairs = [
        (row, owner)
        for row, owner in zip(rows, owners, strict=True)
        if row.owner.phones or row.owner.birth_date is not None
    ]
    told = [row for row, _ in pairs]
    if not told:
        return {}
    found = await connection.fetch(
        queries().lookalikes,
        [row.number for row in told],
        [row.owner.name_key for row in told],
        [row.owner.birth_date for row in told],
        [row.business.kelurahan if row.business.kelurahan != UNKNOWN_PLACE else None for row in told],
        [row.owner.phones[0] if row.owner.phones else None for row in told],
        [row.owner.phones[1] if len(row.owner.phones) > 1 else None for row in told],
        [None if owner is None else owner.id for _, owner in pairs],
    )
    return {record["n"]: (record["id"], record["ground"]) for record in found}


def _is_news(row: CheckedRow, businesses: Mapping[bytes, Business]) -> bool:
    """Tell whether the registry does not know the NIB of a row as that of its business."""
    stored = businesses.get(row.key)
    return stored is None or stored.cells.nib != row.business.nib


async def _nib_holders(
    connection: asyncpg.Connection, nibs: Collection[str], before: Sequence[Recent]
) -> dict[str, set[UUID]]:
    """Return who holds NIBs, once what chunks leave is stored: a business that they change counts as they leave it alone."""
    if not nibs:
        return {}
    left = {business.id: business for recent in before for business in recent.left}
    changed = [business.id for business in left.values() if business.version]
    holders: dict[str, set[UUID]] = {}
    for record in await connection.fetch(queries().nib_holders, list(nibs), changed):
        holders.setdefault(record["nib"], set()).add(record["owner_id"])
    for business in left.values():
        if business.cells.nib is not None and business.cells.nib in nibs:
            holders.setdefault(business.cells.nib, set()).update(business.owners)
    return holders


def _person(record: asyncpg.Record) -> str:
    return str(record["nik"] or record["import_key"].hex)


def _owner(record: asyncpg.Record) -> Owner:
    return Owner(
        record["id"], record["version"], record["nik"], record["import_key"], record["name"], record["name_key"],
        record["birth_date"], list(record["phones"]), record["email"], list(record["flags"]),
    )  # fmt: skip


def _business(record: asyncpg.Record) -> Business:
    workers = (record["paid_men"], record["paid_women"], record["unpaid_men"], record["unpaid_women"])
    cells = BusinessCells(
        record["name"] or "", record["name_key"] or "", record["address"], record["kelurahan"], record["sector"],
        None if record["kbli_code"] is None else (record["kbli_version"], record["kbli_code"]), record["nib"],
        record["capital"], record["sales"], record["founded_year"], BusinessClass(record["class"]),
        None if record["class_basis"] is None else ClassBasis(record["class_basis"]),
        None if workers == (None,) * 4 else workers,
    )  # fmt: skip
    return Business(
        record["id"], record["version"], tuple(record["owners"] or ()), record["import_key"], cells, record["status"],
        list(record["flags"]), workers_as_of=record["workers_as_of"], sealable=record["sealable"],
    )  # fmt: skip


async def keys_needed(
    connection: asyncpg.Connection, ring: KeyRing, plan: Plan, recent: Mapping[UUID, bytes]
) -> dict[UUID, bytes]:
    """Return the keys of known owners under which the plan seals, ``recent`` ones as they are.

    Raises ``StaleError`` if one of them was erased since they were looked up.
    """
    new = {owner.id for owner in plan.new_owners}
    wanted = {owner.id for owner in plan.changed_owners}
    keyed = [
        business for business, _ in plan.keyed
    ]  # a natural key holds the NIK: it goes with an erasure, and stays gone
    wanted.update(b.owners[0] for b in (*plan.new_businesses, *plan.changed_businesses, *keyed) if b.owners)
    wanted -= new
    keys = {owner_id: recent[owner_id] for owner_id in wanted & recent.keys()}
    wanted -= keys.keys()
    records = await connection.fetch(queries().owner_keys, list(wanted)) if wanted else ()
    if len(records) != len(wanted):
        raise StaleError
    return keys | {record["owner_id"]: ring.unwrap(record["owner_id"], record["wrapped"]) for record in records}


@dataclass(slots=True)
class Tuples:
    """The rows that a chunk writes, ready for COPY, and its facts in the order of their aggregates."""

    owners: list[tuple[Any, ...]]
    keys: list[tuple[Any, ...]]
    businesses: list[tuple[Any, ...]]
    links: list[tuple[Any, ...]]
    outbox: list[tuple[Any, ...]]


def make_tuples(plan: Plan, ring: KeyRing, keys: dict[UUID, bytes], batch: Batch) -> Tuples:
    """Seal what is personal and build all rows; ``keys`` of known owners, to which those of new owners are added.

    Works for some 10 µs per row, so it runs beside the event loop.
    """
    fresh = list(zip([owner.id for owner in plan.new_owners], new_keys(len(plan.new_owners)), strict=True))
    wrapped = zip(fresh, ring.wrap_all(fresh), strict=True)
    keys.update(fresh)
    seals = facts.Seals(keys)
    owners: list[OutboxRow] = []
    businesses: list[OutboxRow] = []
    for start in range(0, max(len(plan.new_owners), len(plan.new_businesses)), SEALED_TOGETHER):
        piece = slice(start, start + SEALED_TOGETHER)
        owners.extend(facts.owners_registered(plan.new_owners[piece], seals))
        businesses.extend(facts.businesses_registered(plan.new_businesses[piece], seals, batch.as_of))
    owners.extend(facts.owner_contacts_changed(plan.changed_owners, seals))
    businesses.extend(facts.businesses_changed(plan.changed_businesses, seals, batch.as_of))
    return Tuples(
        [_owner_tuple(owner, batch) for owner in plan.new_owners],
        [(owner_id, ring.kek_id, key) for (owner_id, _), key in wrapped],
        [_business_tuple(business, batch) for business in plan.new_businesses],
        [(business.id, business.owners[0], 0) for business in plan.new_businesses],
        _outbox_tuples(owners + businesses, batch),
    )


def _owner_tuple(owner: Owner, batch: Batch) -> tuple[Any, ...]:
    return (
        owner.id, 1, owner.name, owner.name_key, owner.nik, owner.birth_date, owner.phones, owner.email, owner.flags,
        batch.kelurahan, SOURCE, owner.import_key, batch.officer,
    )  # fmt: skip


def _business_tuple(business: Business, batch: Batch) -> tuple[Any, ...]:
    (name, name_key, address, kelurahan, sector, kbli, nib, capital, sales, founded_year, kelas, basis, workers) = (
        business.cells
    )
    version, code = kbli or _NO_KBLI
    return (
        business.id, business.facts, name, name_key, address, nib, kelurahan, sector, version, code, capital, sales,
        founded_year, kelas.value, None if basis is None else basis.value, SOURCE, batch.as_of, *(workers or _NO_WORKERS),
        None if workers is None else batch.as_of, business.status, business.flags, SOURCE, batch.as_of,
        business.import_key, batch.officer, batch.officer,
    )  # fmt: skip


def _outbox_tuples(rows: Sequence[OutboxRow], batch: Batch) -> list[tuple[Any, ...]]:
    correlation, now = str(batch.import_id), batch.now
    return [
        (topic, aggregate, event_id, kind, EVENT_SOURCE, sequence, now, correlation, "import", data)
        for (topic, aggregate, kind, sequence, data), event_id in zip(rows, new_ids(len(rows)), strict=True)
    ]


async def write(
    connection: asyncpg.Connection, plan: Plan, keys: Collection[UUID], tuples: Tuples, batch: Batch
) -> Mark | None:
    """Write a chunk inside the caller's transaction; return where its facts end, if it has any.

    ``keys``: the owners of before under whose keys it was sealed. Raises ``StaleError`` if an aggregate changed meanwhile,
    or one of these was erased.
    """
    await _change_businesses(connection, plan.changed_businesses, batch.as_of)
    if plan.keyed:
        keys_of = [(one.id, one.version + (one.facts if one.changed else 0), key) for one, key in plan.keyed]
        await connection.execute(queries().set_natural_keys, *map(list, zip(*keys_of, strict=True)))
    await _hold_owners(connection, set(keys) - {owner.id for owner in plan.changed_owners})  # these their change holds
    await _change_owners(connection, plan.changed_owners)
    for table, columns, records in (
        ("owner", OWNER_COLUMNS, tuples.owners),
        ("owner_key", ("owner_id", "kek_id", "wrapped"), tuples.keys),
        ("business", BUSINESS_COLUMNS, tuples.businesses),
        ("business_owner", ("business_id", "owner_id", "position"), tuples.links),
        ("outbox", OUTBOX_COLUMNS, tuples.outbox),
    ):
        if records:
            await connection.copy_records_to_table(table, columns=columns, records=records)
    doubles = [business for business in plan.new_businesses if business.duplicate_of is not None]
    if doubles:
        await connection.execute(
            queries().insert_proposals,
            [new_id() for _ in doubles],
            [business.id for business in doubles],
            [business.duplicate_of for business in doubles],
            [business.ground for business in doubles],
            batch.officer,
        )
    return Mark(*await connection.fetchrow(queries().mark)) if tuples.outbox else None


async def _hold_owners(connection: asyncpg.Connection, owners: Collection[UUID]) -> None:
    """Hold owners against erasure until the transaction ends, as a command does that registers a business of theirs."""
    if owners and await connection.fetchval(queries().hold_owners, list(owners)) != len(owners):
        raise StaleError


async def _change_owners(connection: asyncpg.Connection, owners: Sequence[Owner]) -> None:
    if not owners:
        return
    tag = await connection.execute(
        queries().change_owners,
        [owner.id for owner in owners],
        [owner.version for owner in owners],
        [" ".join(owner.phones) for owner in owners],
        [owner.email for owner in owners],
        [owner.birth_date for owner in owners],
    )
    _all_changed(tag, len(owners))


async def _change_businesses(connection: asyncpg.Connection, changed: Sequence[Business], as_of: date) -> None:
    if not changed:
        return
    cells = [business.cells for business in changed]
    workers = [c.workers or _NO_WORKERS for c in cells]
    counted = [as_of if "workers" in business.changed else business.workers_as_of for business in changed]
    if recounted := [business.id for business in changed if "workers" in business.changed]:
        await connection.execute(queries().keep_workers, recounted)
    tag = await connection.execute(
        queries().change_businesses,
        [business.id for business in changed],
        [business.version for business in changed],
        [business.facts for business in changed],
        [c.address for c in cells],
        [c.nib for c in cells],
        [c.sector for c in cells],
        [c.kbli[0] if c.kbli else None for c in cells],
        [c.kbli[1] if c.kbli else None for c in cells],
        [c.capital for c in cells],
        [c.sales for c in cells],
        [c.founded_year for c in cells],
        *([counts[index] for counts in workers] for index in range(4)),
        counted,
        [" ".join(business.flags) for business in changed],
        [as_of] * len(changed),
    )
    _all_changed(tag, len(changed))


def _all_changed(tag: str, expected: int) -> None:
    if int(tag.rpartition(" ")[2]) != expected:
        raise StaleError
