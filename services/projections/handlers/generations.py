"""Which generations there are, and how far rebuilds are, for who asks in the terminal."""

from __future__ import annotations

from collections.abc import Collection

from services.projections.store import operations
from services.projections.store.operations import Generation, RebuildRun
from shared.database import Connection

__all__ = ["Generation", "RebuildRun", "look_at_generations"]


async def look_at_generations(
    connection: Connection, count: int, projections: Collection[str] = ()
) -> tuple[list[Generation], list[RebuildRun]]:
    """Return the generations that are there, by projection, and the newest rebuilds, the last first; ``count``: at most so many.

    ``projections``: only of these, or, where none is named, of all.
    """
    generations = await operations.list_generations(connection)
    wanted = [it for it in generations if not projections or it.projection in projections]
    return wanted, await operations.last_rebuilds(connection, count, projections)
