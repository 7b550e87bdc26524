"""Requests to erase an owner's data, from asking to carrying out.

Locks go request, business, owner; nothing takes a request after an owner but the insertion of a new one, which waits for
nobody (its index is told of a row that is locked, not changed, while an erasure goes on).
"""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from services.registry.commands import EraseOwner
from services.registry.commands.erasure import (
    AcceptErasure,
    AskErasure,
    CancelErasure,
    CarryOutErasure,
    CheckIdentity,
    RefuseErasure,
)
from services.registry.domain import erasure as rules
from services.registry.domain.erasure import ErasureRequest, ErasureState, Loss
from services.registry.domain.erasure_refusals import ErasureNotFoundError, ErasureOpenError
from services.registry.domain.models import Owner
from services.registry.handlers import Saved
from services.registry.handlers.owners import erase_owner, find_owner, principal_key
from services.registry.store import erasure as store
from shared.database import Connection, Pool
from shared.outbox import Cause
from shared.sealing import KeyRing
from shared.trail import Deed, append

ON_REQUEST = "a granted request was carried out"
OWN_DUTY = "the office's own duty"
"""What the trail says of an erasure: whose it was stands in its request, and an owner's id tells nobody who that was."""


async def ask_erasure(connection: Connection, ring: KeyRing, command: AskErasure, cause: Cause) -> Saved:
    """Record a request. Raises ``OwnerNotFoundError``, ``OwnerErasedError``, ``ErasureOpenError``, ``AskedAheadError``."""
    request = rules.ask(command, cause.actor, cause.now)
    await principal_key(connection, ring, [command.owner_id])
    while not await store.insert_request(connection, request):
        await refuse_if_open(connection, command.owner_id)  # if it ended meanwhile, there is room for this one
    return Saved(request.id, request.version)


async def refuse_if_open(connection: Connection, owner_id: UUID) -> None:
    """Raise ``ErasureOpenError`` if the owner has a request that is not ended."""
    known = await store.open_request(connection, owner_id)
    if known is not None:
        raise ErasureOpenError(owner_id, known.id)


async def _load(connection: Connection, request_id: UUID) -> ErasureRequest:
    request = await store.lock_request(connection, request_id)
    if request is None:
        raise ErasureNotFoundError(request_id)
    return request


async def _save(connection: Connection, after: ErasureRequest) -> Saved:
    await store.update_request(connection, after)
    return Saved(after.id, after.version)


async def check_identity(connection: Connection, command: CheckIdentity, cause: Cause) -> Saved:
    """Note that who asks has shown who they are. Raises as the rule, and ``ErasureNotFoundError``, as all here."""
    request = await _load(connection, command.request_id)
    after = rules.check_identity(request, command.expected_version, command.identity, cause.actor, cause.now)
    return await _save(connection, after)


async def accept_erasure(connection: Connection, command: AcceptErasure, cause: Cause) -> Saved:
    """Grant a request."""
    request = await _load(connection, command.request_id)
    return await _save(connection, rules.accept(request, command.expected_version, cause.actor, cause.now))


async def refuse_erasure(connection: Connection, command: RefuseErasure, cause: Cause) -> Saved:
    """Refuse a request with its legal reason."""
    request = await _load(connection, command.request_id)
    after = rules.refuse(request, command.expected_version, command.reason, cause.actor, cause.now)
    return await _save(connection, after)


async def cancel_erasure(connection: Connection, command: CancelErasure, cause: Cause) -> Saved:
    """End a request that is not asked any more."""
    request = await _load(connection, command.request_id)
    return await _save(connection, rules.cancel(request, command.expected_version, cause.actor, cause.now))


async def carry_out_erasure(connection: Connection, ring: KeyRing, command: CarryOutErasure, cause: Cause) -> Saved:
    """Erase the owner as was granted, and end the request, in one transaction."""
    request = await _load(connection, command.request_id)
    after = rules.finish(request, command.expected_version, cause.actor, cause.now)
    await erase_owner(connection, ring, EraseOwner(request.owner_id, None), cause)
    saved = await _save(connection, after)
    await _tell(connection, cause, f"erasure-request/{request.id}", ON_REQUEST)
    return saved


async def erase_without_request(connection: Connection, ring: KeyRing, command: EraseOwner, cause: Cause) -> Saved:
    """Erase an owner on the office's own duty. Raises ``ErasureOpenError`` if a request is under way: that one decides."""
    saved = await erase_owner(connection, ring, command, cause)
    await refuse_if_open(connection, command.owner_id)  # now that nobody can ask: whoever does holds the owner
    await _tell(connection, cause, f"owner/{command.owner_id}", OWN_DUTY)
    return saved


async def _tell(connection: Connection, cause: Cause, thing: str, reason: str) -> None:
    """Write into the trail that an erasure was carried out; last, so that others wait for its end for a moment only."""
    await append(connection, Deed(cause.actor, "api", "erase", thing, reason, {"correlation_id": cause.correlation_id}))


async def find_request(pool: Pool, request_id: UUID) -> ErasureRequest:
    """Return a request. Raises ``ErasureNotFoundError``."""
    found = await store.find_request(pool, request_id)
    if found is None:
        raise ErasureNotFoundError(request_id)
    return found


async def list_requests(
    pool: Pool, after: UUID, state: ErasureState | None, owner_id: UUID | None, limit: int, *, overdue: bool
) -> list[ErasureRequest]:
    """Return requests after an id; with ``overdue`` only those whose deadline has passed."""
    overdue_at = datetime.now(UTC) if overdue else None
    return await store.list_requests(pool, after, state, owner_id, overdue_at, limit)


async def foresee_erasure(pool: Pool, owner_id: UUID) -> tuple[Owner, Loss, ErasureRequest | None]:
    """Return the owner, what an erasure would empty, and the open request. Raises ``OwnerNotFoundError``."""
    owner = await find_owner(pool, owner_id, None)
    return owner, await store.what_would_go(pool, owner_id), await store.open_request(pool, owner_id)
