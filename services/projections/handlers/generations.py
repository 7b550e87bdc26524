"""Which generations there are, and how far rebuilds are, for who asks in the terminal."""

from __future__ import annotations

from services.projections.store import operations
from services.projections.store.operations import Generation, RebuildRun
from shared.database import Connection

__all__ = ["Generation", "RebuildRun", "look_at_generations"]


async def look_at_generations(connection: Connection, count: int) -> tuple[list[Generation], list[RebuildRun]]:
    """Return the generations that are there, by projection, and the newest rebuilds, the last first; ``count``: at most so many."""
    return await operations.list_generations(connection), await operations.last_rebuilds(connection, count)
