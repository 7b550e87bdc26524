"""Debezium: the change and a row of the outbox table of its documents, in one transaction. With ``pad``, a backlog."""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from uuid import uuid4

import asyncpg
from told import TOLD, body, drive, note

UPDATE = "UPDATE thing SET version = version + 1 WHERE id = $1 RETURNING version"
INSERT = "INSERT INTO outboxevent (id, aggregatetype, aggregateid, type, payload) VALUES ($1, $2, $3, $4, $5)"


def row(key: str, sequence: int) -> tuple[object, ...]:
    """Return the row of an event. The router makes the topic of the aggregate's type."""
    return uuid4(), TOLD["topic"].removeprefix("outbox."), key, "ThingChanged", json.dumps(body(key, sequence))


async def fill(pool: asyncpg.Pool) -> None:
    """Store a backlog that becomes visible at once."""
    keys = TOLD["keys"]
    rows = [row(keys[n % len(keys)], n // len(keys) + 1) for n in range(TOLD["count"])]
    await pool.executemany(INSERT, rows)
    note("start", monotonic())


async def main() -> None:
    """Give commands, or make a backlog."""
    async with asyncpg.create_pool(TOLD["dsn"], min_size=1, max_size=TOLD["workers"]) as pool:

        async def change(key: str) -> int:
            async with pool.acquire() as connection, connection.transaction():
                sequence: int = await connection.fetchval(UPDATE, key)
                await connection.execute(INSERT, *row(key, sequence))
            return sequence

        await (fill(pool) if TOLD["pad"] else drive(change, (asyncpg.PostgresError, OSError)))


asyncio.run(main())
