"""Identifiers: UUIDv7 (RFC 9562), so that what is made later sorts later.

They are of the class that asyncpg gives for every ``uuid`` it reads: a ``uuid.UUID`` in all respects, made, written as text
and stored in a fraction of the time, which counts where a file brings 100,000 of them.
"""

from __future__ import annotations

from uuid import UUID

from asyncpg.pgproto import pgproto
from uuid_utils import uuid7

_UUID = pgproto.UUID
FIRST = UUID(int=0)
"""Before every other: where a list by identifiers begins."""


def new_id() -> UUID:
    """Return a fresh UUIDv7."""
    made: UUID = _UUID(uuid7().bytes)
    return made


def new_ids(count: int) -> list[UUID]:
    """Return so many fresh UUIDv7, the earliest first."""
    return [_UUID(uuid7().bytes) for _ in range(count)]


def id_of(octets: bytes) -> UUID:
    """Return the identifier that 16 bytes stand for."""
    made: UUID = _UUID(octets)
    return made
