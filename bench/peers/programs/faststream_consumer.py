"""A plain FastStream subscriber with defaults (acknowledged before the handler runs); the group reads from its beginning."""

from __future__ import annotations

import asyncio

import asyncpg
from faststream import FastStream
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512
from told import TOLD, address, trouble

kafka = TOLD["kafka"]
broker = KafkaBroker(kafka["bootstrap"], security=SASLScram512(kafka["username"], kafka["password"]))
app = FastStream(broker)
pools: list[asyncpg.Pool] = []


@app.on_startup
async def connect() -> None:
    """Connect before the first message."""
    pools.append(await asyncpg.create_pool(TOLD["dsn"], min_size=1, max_size=2))


@broker.subscriber(TOLD["topic"], group_id=TOLD["group"], auto_offset_reset="earliest")
async def handle(body: dict[str, str]) -> None:
    """Write the effect."""
    trouble(body["mark"])
    await pools[0].execute("INSERT INTO felt (thing, sequence) VALUES ($1, $2)", *address(body["mark"]))


asyncio.run(app.run())
