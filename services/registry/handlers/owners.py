"""Commands on owners, and reading them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from services.registry.commands import (
    ChangeOwnerConsent,
    ChangeOwnerContact,
    ChangeOwnerRestriction,
    EraseOwner,
    RegisterOwner,
)
from services.registry.domain import businesses as business_rules
from services.registry.domain import owners as rules
from services.registry.domain.models import Draft, Owner
from services.registry.domain.refusals import NikTakenError, OwnerErasedError, OwnerNotFoundError
from services.registry.handlers import Saved, publish
from services.registry.handlers.licence_endings import forget_licences
from services.registry.handlers.mentoring_ends import end_without_owner
from services.registry.handlers.rotation import marks_of
from services.registry.reference.names import fold_name
from services.registry.store import businesses as business_store
from services.registry.store import erasure as erasure_store
from services.registry.store import mentoring as mentoring_store
from services.registry.store import owners as store
from shared.database import Connection, Pool
from shared.outbox import Cause, day_of
from shared.sealing import KeyRing, new_key


async def register_owner(connection: Connection, ring: KeyRing, command: RegisterOwner, cause: Cause) -> Saved:
    """Store a new owner with a key of their own. Who was erased and comes anew is welcome, to spreadsheets too.

    Raises ``NikTakenError``, ``UnknownPlaceError``.
    """
    owner, draft = rules.register(command, cause.actor)
    if not await store.insert_owner(connection, owner):
        raise NikTakenError
    key = new_key()
    await store.insert_key(connection, owner.id, ring.kek_id, ring.wrap(owner.id, key))
    if owner.nik is not None:
        await erasure_store.unmark_erased(connection, await marks_of(connection, ring, [owner.nik]))
    await publish(connection, [draft], 1, owner.id, key, cause)
    return Saved(owner.id, 1)


async def _load(connection: Connection, owner_id: UUID) -> tuple[Owner, bytes | None]:
    found = await store.lock_owners(connection, [owner_id])
    if owner_id not in found:
        raise OwnerNotFoundError([owner_id])
    return found[owner_id]


async def _save(
    connection: Connection, ring: KeyRing, after: Owner, draft: Draft | None, wrapped: bytes | None, cause: Cause
) -> Saved:
    if draft is not None:
        key = None if wrapped is None else ring.unwrap(after.id, wrapped)
        await publish(connection, [draft], after.version, after.id, key, cause, store.changed_owner(after))
    return Saved(after.id, after.version)


async def change_owner_contact(
    connection: Connection, ring: KeyRing, command: ChangeOwnerContact, cause: Cause
) -> Saved:
    """Replace name, phones, e-mail. Raises ``OwnerNotFoundError``, ``OwnerErasedError``, ``StaleVersionError``."""
    owner, wrapped = await _load(connection, command.owner_id)
    after, draft = rules.change_contact(owner, command)
    return await _save(connection, ring, after, draft, wrapped, cause)


async def change_owner_consent(
    connection: Connection, ring: KeyRing, command: ChangeOwnerConsent, cause: Cause
) -> Saved:
    """Replace consent, language, channel. Raises as ``change_owner_contact``."""
    owner, wrapped = await _load(connection, command.owner_id)
    after, draft = rules.change_consent(owner, command)
    return await _save(connection, ring, after, draft, wrapped, cause)


async def change_owner_restriction(
    connection: Connection, ring: KeyRing, command: ChangeOwnerRestriction, cause: Cause
) -> Saved:
    """Restrict the use of the owner's data, or allow it again. Raises as ``change_owner_contact``."""
    owner, wrapped = await _load(connection, command.owner_id)
    after, draft = rules.change_restriction(owner, command)
    return await _save(connection, ring, after, draft, wrapped, cause)


async def erase_owner(connection: Connection, ring: KeyRing, command: EraseOwner, cause: Cause) -> Saved:
    """Delete key and personal columns; a business that others own goes on under the next one's key.

    What is left is a mark of the person, so that an old spreadsheet does not bring them back (decision 30).
    """
    done: dict[UUID, bool] = {}
    await _pass_on_all(connection, ring, command.owner_id, done, cause)
    owner, _ = await _load(connection, command.owner_id)
    # Businesses are locked before owners, as everywhere. One that was registered while this waited for the owner is seen now.
    await _pass_on_all(connection, ring, command.owner_id, done, cause)
    after, draft = rules.erase(owner, command.expected_version)
    forgotten = {business_id for business_id, goes_on in done.items() if not goes_on}
    await forget_licences(connection, after.id, forgotten, cause)
    await mentoring_store.forget_notes(connection, owner.id, done)
    await _mark(connection, ring, owner, cause)
    await store.erase_key(connection, after.id, cause.now)
    await publish(connection, [draft], after.version, after.id, None, cause, store.changed_owner(after, cause.now))
    return Saved(after.id, after.version)


async def _mark(connection: Connection, ring: KeyRing, owner: Owner, cause: Cause) -> None:
    """Keep the marks under which an import knows the owner: of the NIK, and of the natural key of a row without one."""
    import_key = await erasure_store.import_key_of(connection, owner.id)
    for person in (owner.nik, None if import_key is None else import_key.hex):
        if person is not None:
            await erasure_store.mark_erased(connection, ring.mark(person), ring.kek_id, cause.now)


async def _pass_on_all(
    connection: Connection, ring: KeyRing, owner_id: UUID, done: dict[UUID, bool], cause: Cause
) -> None:
    """Pass on what is not ``done`` yet, and note there of each business whether it goes on with another owner."""
    for business_id in await business_store.owned_first(connection, owner_id):
        if business_id not in done:
            done[business_id] = await _pass_on(connection, ring, business_id, owner_id, cause)


async def _pass_on(connection: Connection, ring: KeyRing, business_id: UUID, owner_id: UUID, cause: Cause) -> bool:
    """Seal a business under its next owner's key, or forget its name if there is no other owner: ``False`` then."""
    business = (await business_store.lock_businesses(connection, [business_id]))[business_id]
    rest = [other for other in business.profile.owner_ids if other != owner_id]
    keys = {other: wrapped for other, (_, wrapped) in (await store.lock_owners(connection, rest, share=True)).items()}
    living = tuple(other for other in rest if keys.get(other) is not None)
    if not living:
        await business_store.forget_business(connection, business_id)
        await end_without_owner(connection, business_id, cause)
        return False
    # A NIB is one person's, and what an officer wrote may name them: neither is told again under another one's key.
    profile = replace(business.profile, owner_ids=living, nib=None)
    change = business_rules.replace_profile(replace(business, status_reason=None), profile, day_of(cause))
    key = ring.unwrap(living[0], keys[living[0]] or b"")
    stored = business_store.changed_business(change.after)
    await publish(connection, change.drafts, change.after.version, living[0], key, cause, stored)
    await business_store.replace_owners(connection, change.after)
    await business_store.forget_natural_key(connection, business_id)
    return True


async def principal_key(connection: Connection, ring: KeyRing, owner_ids: Iterable[UUID]) -> tuple[UUID, bytes]:
    """Return the principal owner and their key, holding all these owners against erasure until the transaction ends.

    Raises ``OwnerNotFoundError`` naming those that are not there, ``OwnerErasedError`` for one that was erased.
    """
    wanted = list(owner_ids)
    found = await store.lock_owners(connection, wanted, share=True)
    if missing := [owner_id for owner_id in wanted if owner_id not in found]:
        raise OwnerNotFoundError(missing)
    for owner_id in wanted:
        if found[owner_id][1] is None:
            raise OwnerErasedError(owner_id)
    wrapped = found[wanted[0]][1]
    return wanted[0], ring.unwrap(wanted[0], wrapped or b"")


async def key_unless_erased(connection: Connection, ring: KeyRing, owner_id: UUID) -> bytes | None:
    """Return an owner's key, holding the owner against erasure until the transaction ends; ``None`` if erased.

    Raises ``OwnerNotFoundError``.
    """
    found = await store.lock_owners(connection, [owner_id], share=True)
    if owner_id not in found:
        raise OwnerNotFoundError([owner_id])
    wrapped = found[owner_id][1]
    return None if wrapped is None else ring.unwrap(owner_id, wrapped)


async def find_owner(pool: Pool, owner_id: UUID, kelurahan: str | None) -> Owner:
    """Return an owner that a caller of ``kelurahan`` (``None``: the whole city) may see, else ``OwnerNotFoundError``."""
    owner = await store.find_owner(pool, owner_id)
    if owner is None or not await may_see(pool, owner_id, kelurahan):
        raise OwnerNotFoundError([owner_id])
    return owner


async def may_see(executor: Pool | Connection, owner_id: UUID, kelurahan: str | None) -> bool:
    """Tell whether an officer of ``kelurahan`` has to do with the owner."""
    return kelurahan is None or await store.is_in_kelurahan(executor, owner_id, kelurahan)


async def search_owners(pool: Pool, after: UUID, text: str | None, kelurahan: str | None, limit: int) -> list[Owner]:
    """Return owners whose name has words that begin like those of ``text``, after an id."""
    key = None if text is None else fold_name(text)
    if key == "":  # signs only: no name has such a word
        return []
    return await store.search_owners(pool, after, key, kelurahan, limit)
