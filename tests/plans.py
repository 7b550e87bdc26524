"""How much a statement touches, from what PostgreSQL tells of its plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson

from shared.database import Connection


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _touched(node: dict[str, Any]) -> float:
    removed = sum(float(value) for name, value in node.items() if name.startswith("Rows Removed"))
    return float(node["Actual Loops"]) * (float(node["Actual Rows"]) + removed)


async def _plan(connection: Connection, statement: str, *arguments: Any) -> dict[str, Any]:
    told = await connection.fetchval("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement, *arguments)
    plan: dict[str, Any] = orjson.loads(told)[0]["Plan"]
    return plan


async def rows_touched(connection: Connection, statement: str, *arguments: Any) -> float:
    """Run a statement, and return how many rows the nodes of its plan gave or threw away, all together."""
    return sum(map(_touched, _nodes(await _plan(connection, statement, *arguments))))


async def blocks_touched(connection: Connection, statement: str, *arguments: Any) -> int:
    """Run a statement, and return how many blocks of 8 KiB it looked at, those too of which an index gave no row."""
    plan = await _plan(connection, statement, *arguments)
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


class Told:
    """A connection that keeps what it is asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask, and keep what was asked."""
        self.asked.append((statement, arguments))
        found: list[asyncpg.Record] = await self._connection.fetch(statement, *arguments)
        return found
