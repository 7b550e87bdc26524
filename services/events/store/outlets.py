"""Outlets: members, turns, and who has a stall."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from services.events.domain.models import Member, Outlet, Turn, Turns
from services.events.domain.outlets import Handed
from services.events.store import queries
from shared.contracts.registry import BusinessStatus
from shared.database import Connection, Pool
from shared.outbox import Change


def _outlet(row: asyncpg.Record) -> Outlet:
    return Outlet(
        id=row["id"],
        version=row["version"],
        title=row["title"],
        held_by=row["held_by"],
        partner=row["partner"],
        partner_id=row["partner_id"],
        place=row["place"],
        stalls=row["stalls"],
        opened_by=row["opened_by"],
    )


def new_outlet(outlet: Outlet) -> Change:
    """Return the statement that stores a new outlet."""
    arguments = (
        outlet.id,
        outlet.version,
        outlet.title,
        outlet.held_by,
        outlet.partner,
        outlet.partner_id,
        outlet.place,
        outlet.stalls,
        outlet.opened_by,
    )
    return Change(queries().insert_outlet, arguments)


def moved_outlet(outlet: Outlet) -> Change:
    """Return the statement that moves the version of an outlet."""
    return Change(queries().move_outlet, (outlet.id, outlet.version))


async def find_outlet(pool: Pool, outlet_id: UUID) -> Outlet | None:
    """Return one outlet, not locked."""
    row = await pool.fetchrow(queries().find_outlet, outlet_id)
    return None if row is None else _outlet(row)


async def lock_outlet(connection: Connection, outlet_id: UUID) -> Outlet | None:
    """Return one outlet, locked: nobody else moves its rota until the transaction ends."""
    row = await connection.fetchrow(queries().lock_outlet, outlet_id)
    return None if row is None else _outlet(row)


async def list_outlets(pool: Pool, after: UUID, limit: int) -> list[Outlet]:
    """Return outlets after an id."""
    return [_outlet(row) for row in await pool.fetch(queries().list_outlets, after, limit)]


async def load_members(connection: Connection | Pool, outlet_id: UUID) -> list[Member]:
    """Return the members of a rota, those who left too, with the turns they had."""
    return [
        Member(**{**row, "status": None if row["status"] is None else BusinessStatus(row["status"])})
        for row in await connection.fetch(queries().load_members, outlet_id)
    ]


async def save_member(
    connection: Connection, outlet_id: UUID, business_id: UUID, owner_id: UUID, kelurahan: str
) -> None:
    """Store a member who joins, or comes back; the outlet is locked."""
    await connection.execute(queries().save_member, outlet_id, business_id, owner_id, kelurahan)


async def leave_member(connection: Connection, outlet_id: UUID, business_id: UUID) -> None:
    """Store that a member takes part no more."""
    await connection.execute(queries().leave_member, outlet_id, business_id)


async def memberships_of(connection: Connection, owner_ids: Iterable[UUID]) -> list[tuple[UUID, UUID, UUID]]:
    """Return outlet, business and owner of what some owners take part in, in the order in which outlets are locked."""
    rows = await connection.fetch(queries().memberships_of, list(owner_ids))
    return [(row["outlet_id"], row["business_id"], row["owner_id"]) for row in rows]


async def insert_turn(connection: Connection, outlet: Outlet, turn: Turn) -> None:
    """Store a new turn with who has a stall."""
    await connection.execute(
        queries().insert_turn,
        outlet.id,
        turn.number,
        turn.starts_on,
        turn.ends_on,
        outlet.stalls,
        len(turn.business_ids),
    )
    await connection.execute(queries().insert_stalls, outlet.id, turn.number, list(turn.business_ids))


async def hand_on(connection: Connection, outlet_id: UUID, handed: Sequence[Handed]) -> None:
    """Store that stalls changed hands; the outlet is locked."""
    for item in handed:
        await connection.execute(queries().give_up_stall, outlet_id, item.turn, item.from_id)
        if item.to_id is not None:
            await connection.execute(queries().insert_stalls, outlet_id, item.turn, [item.to_id])
        await connection.execute(queries().count_held, outlet_id, item.turn)


async def last_turn(connection: Connection, outlet_id: UUID) -> int:
    """Return the number of the last turn; 0: none."""
    return int(await connection.fetchval(queries().last_turn, outlet_id))


async def load_turns(connection: Connection | Pool, outlet_id: UUID, first: int = 1) -> Turns:
    """Return turns from a number."""
    rows = await connection.fetch(queries().load_turns, outlet_id, first)
    return [
        (
            Turn(row["number"], row["starts_on"], row["ends_on"], tuple(row["business_ids"])),
            frozenset(row["gave_up"]),
        )
        for row in rows
    ]
