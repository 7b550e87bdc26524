"""Identifiers: UUIDv7 (RFC 9562), so that what is made later sorts later.

They are of the class that asyncpg gives for every ``uuid`` it reads: a ``uuid.UUID`` in all respects, made, written as text
and stored in a fraction of the time, which counts where a file brings 100,000 of them.
"""

from __future__ import annotations

from uuid import UUID

import uuid_utils
from asyncpg.pgproto import pgproto


def new_id() -> UUID:
    """Return a fresh UUIDv7."""
    made: UUID = pgproto.UUID(uuid_utils.uuid7().bytes)
    return made
