"""faststream-outbox as a queue that is handled in place, its second documented use: it brings no consumer of Kafka.

One worker, for order; the other settings are the defaults, with which its documents protect what must not be repeated.
"""

from __future__ import annotations

import asyncio

import asyncpg
from faststream import FastStream
from outbox_tables import QUEUE, broker
from told import TOLD, address, trouble

app = FastStream(broker)
pools: list[asyncpg.Pool] = []


@app.on_startup
async def connect() -> None:
    """Connect before the first row."""
    pools.append(await asyncpg.create_pool(TOLD["dsn"], min_size=1, max_size=2))


@broker.subscriber(QUEUE)
async def handle(body: dict[str, str]) -> None:
    """Write the effect."""
    trouble(body["mark"])
    await pools[0].execute("INSERT INTO felt (thing, sequence) VALUES ($1, $2)", *address(body["mark"]))


asyncio.run(app.run())
