"""How much a statement touches, from what PostgreSQL tells of its plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from shared.database import Connection


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


def _touched(node: dict[str, Any]) -> float:
    removed = sum(float(value) for name, value in node.items() if name.startswith("Rows Removed"))
    return float(node["Actual Loops"]) * (float(node["Actual Rows"]) + removed)


async def rows_touched(connection: Connection, statement: str, *arguments: Any) -> float:
    """Run a statement, and return how many rows the nodes of its plan gave or threw away, all together."""
    told = await connection.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, *arguments)
    return sum(map(_touched, _nodes(orjson.loads(told)[0]["Plan"])))
