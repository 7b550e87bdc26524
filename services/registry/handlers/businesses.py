"""Commands on businesses, and reading them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.registry.commands import (
    ChangeBusiness,
    MergeBusiness,
    OnBusiness,
    ProposeDuplicate,
    RegisterBusiness,
    UndoMerge,
)
from services.registry.domain import businesses as rules
from services.registry.domain.models import Business, BusinessChange
from services.registry.domain.refusals import AlreadyProposedError, BusinessNotFoundError, OwnerNotFoundError
from services.registry.handlers import Saved, publish
from services.registry.handlers.licence_endings import end_licences_of_business
from services.registry.handlers.mentoring_ends import end_with_business
from services.registry.handlers.owners import key_unless_erased, may_see, principal_key
from services.registry.reference.names import fold_name
from services.registry.store import businesses as store
from shared.contracts.registry import BusinessStatus
from shared.database import Connection, Pool
from shared.identifiers import new_id
from shared.outbox import Cause, Change, day_of
from shared.sealing import KeyRing, new_key

Rule = Callable[[Business], BusinessChange]
Rows = Callable[[Business, BusinessChange], Sequence[Change]]
"""Gives the rows that a deed stores beside the business, from the business before it and the change."""
BY_OFFICER = "petugas"


async def register_business(
    connection: Connection, ring: KeyRing, command: RegisterBusiness, cause: Cause, kelurahan: str | None
) -> Saved:
    """Store a new business. Raises ``OwnerNotFoundError``, also for one whom a caller of ``kelurahan`` may not see,
    ``OwnerErasedError``, ``UnknownPlaceError`` and the like.
    """
    await _require_sight(connection, command.profile.owner_ids, kelurahan)
    owner_id, key = await principal_key(connection, ring, command.profile.owner_ids)
    change = rules.register(command, cause.actor, day_of(cause))
    await store.insert_business(connection, change.after)
    await publish(connection, change.drafts, 1, owner_id, key, cause)
    return Saved(change.after.id, change.after.version)


async def _require_sight(connection: Connection, owner_ids: Iterable[UUID], kelurahan: str | None) -> None:
    """Whoever gives a business an owner sees that owner's data from then on, so they must see them before."""
    if unseen := [owner_id for owner_id in owner_ids if not await may_see(connection, owner_id, kelurahan)]:
        raise OwnerNotFoundError(unseen)


async def load_business(connection: Connection, business_id: UUID, kelurahan: str | None) -> Business:
    """Lock a business that a caller of ``kelurahan`` may see and return it. Raises ``BusinessNotFoundError``."""
    found = await store.lock_businesses(connection, [business_id])
    return _visible(found.get(business_id), business_id, kelurahan)


def _visible(business: Business | None, business_id: UUID, kelurahan: str | None) -> Business:
    if business is None or (kelurahan is not None and business.profile.kelurahan != kelurahan):
        raise BusinessNotFoundError(business_id)
    return business


async def shows_what_it_has(pool: Pool, business_id: UUID, kelurahan: str | None) -> bool:
    """Tell whether a caller of ``kelurahan`` may see the licences and brands of a business: it, or one that it went into, is there."""
    return kelurahan is None or kelurahan in await store.places_over(pool, business_id)


def _no_rows(_: Business, __: BusinessChange) -> Sequence[Change]:
    return ()


async def _save(
    connection: Connection,
    ring: KeyRing,
    before: Business,
    change: BusinessChange,
    cause: Cause,
    rows: Rows = _no_rows,
) -> Saved:
    after = change.after
    if not change.drafts:
        return Saved(after.id, after.version)
    owner_id, key = after.profile.owner_ids[0], None
    if any(draft.personal is not None for draft in change.drafts):
        key = await key_unless_erased(connection, ring, owner_id)
        if key is None:
            # The business of an erased owner can still be closed. What is said of it is sealed under a key that nobody
            # keeps, and kept nowhere else.
            after, key = replace(after, status_reason=None), new_key()
    first = after.version - len(change.drafts) + 1
    await publish(
        connection, change.drafts, first, owner_id, key, cause, store.changed_business(after), *rows(before, change)
    )
    if after.profile.owner_ids != before.profile.owner_ids:
        await store.replace_owners(connection, after)
    if after.status is BusinessStatus.TUTUP:
        await end_licences_of_business(connection, after.id, cause)
    if after.status != before.status:
        await end_with_business(connection, after, cause)
    return Saved(after.id, after.version)


async def act_on_business(
    connection: Connection,
    ring: KeyRing,
    command: OnBusiness,
    rule: Rule,
    cause: Cause,
    kelurahan: str | None,
    rows: Rows = _no_rows,
) -> Saved:
    """Do what ``rule`` says with a business: the one way of every deed that touches it alone.

    Raises ``BusinessNotFoundError`` also for one of another kelurahan, and whatever the rule refuses.
    """
    business = await load_business(connection, command.business_id, kelurahan)
    return await _save(connection, ring, business, rule(business), cause, rows)


async def change_business(
    connection: Connection, ring: KeyRing, command: ChangeBusiness, cause: Cause, kelurahan: str | None
) -> Saved:
    """Replace the profile. Raises as ``register_business`` and ``act_on_business``."""
    business = await load_business(connection, command.business_id, kelurahan)
    change = rules.change(business, command, day_of(cause))
    added = set(command.profile.owner_ids) - set(business.profile.owner_ids)
    await _require_sight(connection, sorted(added), kelurahan)
    await principal_key(connection, ring, command.profile.owner_ids)
    return await _save(connection, ring, business, change, cause)


async def propose_duplicate(
    connection: Connection, ring: KeyRing, command: ProposeDuplicate, cause: Cause, kelurahan: str | None
) -> Saved:
    """Propose that two businesses are one. Raises ``AlreadyProposedError``, ``SameBusinessError`` and the like."""
    found = await store.lock_businesses(connection, [command.business_id, command.other_id])
    business = _visible(found.get(command.business_id), command.business_id, kelurahan)
    change = rules.propose_duplicate(business, command.expected_version, command.other_id, (BY_OFFICER,))
    _visible(found.get(command.other_id), command.other_id, None)
    new = await store.insert_proposal(
        connection, new_id(), command.business_id, command.other_id, (BY_OFFICER,), cause.actor
    )
    if not new:
        raise AlreadyProposedError(command.business_id, command.other_id)
    return await _save(connection, ring, business, change, cause)


async def merge_business(connection: Connection, ring: KeyRing, command: MergeBusiness, cause: Cause) -> Saved:
    """Merge a business into another. Raises ``MergeTargetError`` and the like."""
    found = await store.lock_businesses(connection, [command.business_id, command.into_id])
    business = _visible(found.get(command.business_id), command.business_id, None)
    into = _visible(found.get(command.into_id), command.into_id, None)
    saved = await _save(connection, ring, business, rules.merge(business, command.expected_version, into), cause)
    await store.decide_proposal(connection, business.id, into.id, "digabung", cause.actor)
    return saved


async def undo_merge(connection: Connection, ring: KeyRing, command: UndoMerge, cause: Cause) -> Saved:
    """Take a merge back."""
    business = await load_business(connection, command.business_id, None)
    saved = await _save(connection, ring, business, rules.undo_merge(business, command.expected_version), cause)
    if business.merged_into is not None:
        await store.decide_proposal(connection, business.id, business.merged_into, "dibatalkan", cause.actor)
    return saved


async def find_business(pool: Pool, business_id: UUID, kelurahan: str | None) -> Business:
    """Return a business that a caller of ``kelurahan`` may see, else ``BusinessNotFoundError``."""
    return _visible(await store.find_business(pool, business_id), business_id, kelurahan)


async def search_businesses(
    pool: Pool,
    after: UUID,
    text: str | None,
    kelurahan: str | None,
    status: str | None,
    kelas: str | None,
    limit: int,
) -> list[Business]:
    """Return businesses after an id, by words of the name, place, status, class."""
    key = None if text is None else fold_name(text)
    if key == "":  # signs only: no name has such a word
        return []
    return await store.search_businesses(pool, after, key, kelurahan, status, kelas, limit)


async def list_proposals(
    pool: Pool, after: UUID, state: str, kelurahan: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return proposals of duplicates after an id."""
    return await store.list_proposals(pool, after, state, kelurahan, limit)
