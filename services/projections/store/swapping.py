"""Two generations of a projection change places. Run by the migrating login.

Looking at every stream takes longer than batches should wait, so it is done before they are stopped. From then on the
database notes each stream that moves, and under the lock only those are looked at (decision 19).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from services.projections.commands import Projection
from services.projections.domain.making import MAKINGS
from services.projections.store.batches import GENERATION_LOCK, QUERIES
from services.projections.store.generations import REBUILD, statement
from shared.database import Connection
from shared.trail import Deed, append

WATCH_LOCK = 0x6E_6B77_6174_6368  # "nkwatch"; the trigger of migration 0003 shares it

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"


class SwapBusyError(RuntimeError):
    """Batches or readers held the tables too long; nothing changed, try again."""


@asynccontextmanager
async def watching(connection: Connection, projections: Sequence[Projection]) -> AsyncIterator[None]:
    """Look at all streams once, and have each noted that moves after that, until the block ends.

    Nobody waits for it. Raises ``SwapBusyError`` if a batch, or another rebuild that watches, does not end within 3 s.
    """
    try:
        async with connection.transaction():
            await connection.execute(_LOCK_TIMEOUT)
            await connection.execute(REBUILD.watch, WATCH_LOCK)
    except asyncpg.LockNotAvailableError as error:
        raise SwapBusyError("a batch or another rebuild did not end") from error
    try:
        await connection.execute(REBUILD.forget_moved)
        for projection in projections:
            await connection.execute(REBUILD.note_uneven, projection.consumer, MAKINGS[projection].topics)
        await connection.execute(REBUILD.analyze_moved)
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(REBUILD.unwatch, WATCH_LOCK)


async def keep_vacuum_away(connection: Connection, projections: Sequence[Projection]) -> None:
    """Keep vacuum from the tables until the transaction ends. Raises ``SwapBusyError`` after 3 s."""
    await connection.execute(_LOCK_TIMEOUT)
    try:
        for projection in projections:
            await connection.execute(statement("keep_vacuum_away", projection))
    except asyncpg.LockNotAvailableError as error:
        raise SwapBusyError("a vacuum did not end") from error


async def stop_batches(connection: Connection) -> None:
    """Keep batches waiting until the transaction ends. Raises ``SwapBusyError`` after 3 s."""
    await connection.execute(_LOCK_TIMEOUT)
    try:
        await connection.execute(QUERIES.stop_batches, GENERATION_LOCK)
    except asyncpg.LockNotAvailableError as error:
        raise SwapBusyError("a batch did not end") from error


async def behind(connection: Connection, projections: Sequence[Projection]) -> dict[str, int]:
    """Return how many streams the live generation has brought further, by consumer of the other one; only within a watch."""
    rows = await connection.fetch(REBUILD.moved_behind, *_wanted(projections))
    return {row["consumer"]: row["streams"] for row in rows}


async def swap(connection: Connection, projections: Sequence[Projection]) -> None:
    """Exchange the tables, inside a watch and a transaction that has stopped the batches.

    Raises ``SwapBusyError`` after 3 s.
    """
    try:
        await connection.execute("; ".join(statement("swap_names", projection) for projection in projections))
    except asyncpg.LockNotAvailableError as error:
        raise SwapBusyError("a reader did not end") from error
    await connection.execute(REBUILD.swap_states, [projection.value for projection in projections])
    await connection.execute(REBUILD.forget_parked, _consumers(projections))
    await connection.execute(REBUILD.adopt_positions, *_wanted(projections))


async def tell(connection: Connection, projections: Sequence[Projection], deed: Deed) -> None:
    """Write a deed of each projection into the trail, in the transaction of the swap.

    Raises ``SwapBusyError`` if somebody else's deed does not end within 3 s.
    """
    try:
        for projection in projections:
            generation = await connection.fetchval(REBUILD.live_generation, projection.value)
            details = {**deed.details, "live": generation}
            await append(connection, replace(deed, thing=f"{deed.thing}/{projection.value}", details=details))
    except asyncpg.LockNotAvailableError as error:
        raise SwapBusyError("another deed of the trail did not end") from error


def _consumers(projections: Sequence[Projection]) -> list[str]:
    return [projection.consumer for projection in projections]


def _wanted(projections: Sequence[Projection]) -> tuple[list[str], list[str]]:
    """Return the consumers of other generations, each with each of its topics, as two lists of one length."""
    pairs = [(projection.consumer, topic) for projection in projections for topic in MAKINGS[projection].topics]
    return [consumer for consumer, _ in pairs], [topic for _, topic in pairs]
