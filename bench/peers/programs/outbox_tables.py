"""The tables and brokers of faststream-outbox, as its documents set them up."""

from __future__ import annotations

from faststream_outbox import OutboxBroker, make_dlq_table, make_outbox_table
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from told import TOLD

QUEUE = "things_outbox"
metadata = MetaData()
outbox_table = make_outbox_table(metadata, table_name="peer_outbox")
dlq_table = make_dlq_table(metadata, table_name="peer_outbox_dlq")
engine = create_async_engine(
    TOLD["dsn"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=TOLD["workers"] + 2
)
broker = OutboxBroker(engine, outbox_table=outbox_table, dlq_table=dlq_table, logger=None)


async def make_tables() -> None:
    """Make the tables, if they are not there."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
