"""Make the tables of faststream-outbox and apply the autovacuum settings that its documents recommend."""

from __future__ import annotations

import asyncio

from faststream_outbox import outbox_autovacuum_ddl
from outbox_tables import engine, make_tables
from sqlalchemy import text


async def main() -> None:
    """Make them."""
    await make_tables()
    async with engine.begin() as connection:
        await connection.execute(text(outbox_autovacuum_ddl("peer_outbox")))
    await engine.dispose()


asyncio.run(main())
