"""The rows of the trail: written with the deed, in its transaction; read by number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import orjson

from shared.topology import CONSUMING
from shared.trail.checking import Checked, Entry, Head

PAGE = 5_000
NEWEST = 2**63 - 1
KEEPING = ("registry", *CONSUMING)
"""The services that take orders from operators: on keys, and on parked events."""

_COLUMNS = "number, at, actor, way, deed, object, reason, details, digest"
_APPEND = """
INSERT INTO trail (actor, way, deed, object, reason, details) VALUES ($1, $2, $3, $4, $5, $6) RETURNING number
"""
_NEWEST = f"SELECT {_COLUMNS} FROM trail WHERE number < $1 ORDER BY number DESC LIMIT $2"  # noqa: S608 - constants
_NEXT = f"SELECT {_COLUMNS} FROM trail WHERE number > $1 ORDER BY number LIMIT $2"  # noqa: S608
_LAST_ON = f"SELECT {_COLUMNS} FROM trail WHERE object = $1 ORDER BY number DESC LIMIT 1"  # noqa: S608
_HEAD = "SELECT number, digest FROM trail_head"


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, to what, and why. Nothing personal may stand in it: it is kept for ever."""

    actor: str
    way: str
    """``api`` or ``cli``."""
    name: str
    thing: str
    reason: str
    details: Mapping[str, object]
    """For programs: ids, codes and counts."""


async def append(connection: asyncpg.Connection, deed: Deed) -> int:
    """Write a deed in the caller's transaction and return its number.

    The end of the trail is locked until that transaction ends: append last, so that others wait for a moment only.
    """
    details = orjson.dumps(dict(deed.details), option=orjson.OPT_SORT_KEYS).decode()
    row = (deed.actor, deed.way, deed.name, deed.thing, deed.reason, details)
    number: int = await connection.fetchval(_APPEND, *row)
    return number


async def read_newest(connection: asyncpg.Connection | asyncpg.Pool, before: int, limit: int) -> list[Entry]:
    """Return rows below a number, the newest first; ``NEWEST``: from the end."""
    return [Entry(*row) for row in await connection.fetch(_NEWEST, before, limit)]


async def last_on(connection: asyncpg.Connection | asyncpg.Pool, thing: str) -> Entry | None:
    """Return the newest deed on a thing."""
    row = await connection.fetchrow(_LAST_ON, thing)
    return None if row is None else Entry(*row)


async def verify(connection: asyncpg.Connection, known: Head | None = None) -> tuple[Checked, Head]:
    """Check the whole trail as it stands at one moment; return what was found, and its end. ``known``: an end kept elsewhere."""
    checked, after = Checked(known), 0
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        while page := [Entry(*row) for row in await connection.fetch(_NEXT, after, PAGE)]:
            checked.take(page)
            after = page[-1].number
        head = await connection.fetchrow(_HEAD)
    return checked, checked.end(None if head is None else Head(*head))
