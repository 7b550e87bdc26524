"""Ours: the change and its fact in one transaction. With ``pad``, a backlog in one commit. Runs with the project at hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

import asyncpg
from told import TOLD, drive, note

from bench.delivery import BODY, FILL, TYPE, fact_on
from shared.outbox import Cause, append

UPDATE = "UPDATE thing SET version = version + 1 WHERE id = $1 RETURNING version"


async def main() -> None:
    """Give commands, or make a backlog."""
    fact = fact_on(TOLD["topic"])
    async with asyncpg.create_pool(TOLD["dsn"], min_size=1, max_size=TOLD["workers"]) as pool:

        async def change(key: str) -> int:
            thing = UUID(key)
            async with pool.acquire() as connection, connection.transaction():
                sequence: int = await connection.fetchval(UPDATE, thing)
                cause = Cause("bench", None, "bench", "command", None, datetime.now(UTC))
                await append(connection, "bench", [(sequence, fact(business_id=thing))], cause)
            return sequence

        if TOLD["pad"]:
            await pool.execute(FILL, TOLD["topic"], TYPE, BODY, TOLD["count"])
            note("start", monotonic())
        else:
            await drive(change, (asyncpg.PostgresError, OSError))


asyncio.run(main())
