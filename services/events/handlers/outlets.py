"""Commands on outlets and their rota, and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from services.events.commands import JoinOutlet, LeaveOutlet, OpenOutlet, OpenTurn, PassTurnOn
from services.events.domain import outlets as rules
from services.events.domain.curation import GONE
from services.events.domain.models import Member, Outlet, Turns
from services.events.domain.refusals import BusinessGoneError, NotAnOwnerError, OwnerErasedError
from services.events.handlers import Saved, publish
from services.events.handlers.holding import hold_applicant
from services.events.store import outlets as store
from shared.contracts.exhibitions import ApplicationCause
from shared.database import Connection, Pool
from shared.outbox import Cause, day_of
from shared.refusals import NotFoundError
from shared.registry_copy.partner_table import share_partner

RECENT_TURNS = 50
"""Turns that have not ended are among the last so many."""


async def _lock(connection: Connection, outlet_id: UUID) -> Outlet:
    outlet = await store.lock_outlet(connection, outlet_id)
    if outlet is None:
        raise NotFoundError("Gerai", outlet_id)
    return outlet


async def open_outlet(connection: Connection, command: OpenOutlet, cause: Cause) -> Saved:
    """Store a new outlet. Raises what the rules refuse."""
    partner = await share_partner(connection, command.partner_id)
    change = rules.open_outlet(command, cause.actor, partner)
    await publish(connection, [change], cause, store.new_outlet(change.after))
    return Saved(change.after.id, change.after.version)


async def join(connection: Connection, command: JoinOutlet, cause: Cause) -> Saved:
    """Let a business take part in the rota. Raises ``AlreadyMemberError``, ``UnknownBusinessError`` and the like."""
    applicant = await hold_applicant(
        connection, command.owner_id, command.business_id, command.outlet_id, kelurahan=None
    )
    if command.owner_id not in applicant.owner_ids:
        raise NotAnOwnerError(command.owner_id, command.business_id)
    if applicant.erased:
        raise OwnerErasedError(command.owner_id)
    if applicant.status in GONE:
        raise BusinessGoneError(command.business_id, applicant.status)
    outlet = await _lock(connection, command.outlet_id)
    members = await store.load_members(connection, outlet.id)
    change = rules.join(outlet, members, command.owner_id, command.business_id)
    await store.save_member(connection, outlet.id, command.business_id, command.owner_id, applicant.kelurahan)
    await publish(connection, [change], cause, store.moved_outlet(change.after))
    return Saved(outlet.id, change.after.version)


async def open_turn(connection: Connection, command: OpenTurn, cause: Cause) -> Saved:
    """Open the next turn; the rota says whose it is."""
    outlet = await _lock(connection, command.outlet_id)
    last = await store.load_turns(connection, outlet.id, await store.last_turn(connection, outlet.id))
    members = await store.load_members(connection, outlet.id)
    change, turn = rules.open_turn(outlet, members, last[-1][0] if last else None, command)
    await store.insert_turn(connection, outlet, turn)
    await publish(connection, [change], cause, store.moved_outlet(change.after))
    return Saved(outlet.id, change.after.version)


async def pass_on(connection: Connection, command: PassTurnOn, cause: Cause) -> Saved:
    """Give up a turn; the next in the rota has it. Said twice, the second changes nothing."""
    outlet = await _lock(connection, command.outlet_id)
    turns = await store.load_turns(connection, outlet.id, command.turn)
    if not turns or turns[0][0].number != command.turn:
        raise NotFoundError("Giliran", command.turn)
    members = await store.load_members(connection, outlet.id)
    today = day_of(cause)
    change, handed = rules.pass_on(outlet, members, *turns[0], command.business_id, today)
    if handed is not None:
        await store.hand_on(connection, outlet.id, [handed])
        await publish(connection, [change], cause, store.moved_outlet(change.after))
    return Saved(outlet.id, change.after.version)


async def leave(connection: Connection, command: LeaveOutlet, cause: Cause) -> Saved:
    """Take a business out of the rota; its turns that have not ended go on."""
    outlet = await _lock(connection, command.outlet_id)
    first = await store.last_turn(connection, outlet.id) - RECENT_TURNS
    today = day_of(cause)
    turns = [item for item in await store.load_turns(connection, outlet.id, first) if item[0].ends_on >= today]
    members = await store.load_members(connection, outlet.id)
    change, handed = rules.leave(outlet, members, turns, command.business_id, command.cause, today)
    if change.facts:
        await store.leave_member(connection, outlet.id, command.business_id)
        await store.hand_on(connection, outlet.id, handed)
        await publish(connection, [change], cause, store.moved_outlet(change.after))
    return Saved(outlet.id, change.after.version)


async def leave_erased(connection: Connection, erased: Mapping[UUID, Cause]) -> None:
    """Take out of every rota what owners who were erased have in it."""
    for outlet_id, business_id, owner_id in await store.memberships_of(connection, erased):
        command = LeaveOutlet(outlet_id, business_id, ApplicationCause.PEMILIK_DIHAPUS)
        await leave(connection, command, erased[owner_id])


async def list_outlets(pool: Pool, after: UUID, limit: int) -> list[Outlet]:
    """Return outlets after an id."""
    return await store.list_outlets(pool, after, limit)


async def show_outlet(pool: Pool, outlet_id: UUID) -> tuple[Outlet, list[Member], Turns]:
    """Return an outlet with members and turns, else ``NotFoundError``."""
    outlet = await store.find_outlet(pool, outlet_id)
    if outlet is None:
        raise NotFoundError("Gerai", outlet_id)
    return outlet, await store.load_members(pool, outlet_id), await store.load_turns(pool, outlet_id)
