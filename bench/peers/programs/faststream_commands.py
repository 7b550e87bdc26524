"""A plain FastStream publisher with defaults: the change is committed, then the event is published and waited for."""

from __future__ import annotations

import asyncio

import asyncpg
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512
from told import TOLD, body, drive

UPDATE = "UPDATE thing SET version = version + 1 WHERE id = $1 RETURNING version"
kafka = TOLD["kafka"]
broker = KafkaBroker(kafka["bootstrap"], security=SASLScram512(kafka["username"], kafka["password"]))


async def main() -> None:
    """Give commands."""
    counts = dict.fromkeys(TOLD["keys"], 0)
    async with asyncpg.create_pool(TOLD["dsn"], min_size=1, max_size=TOLD["workers"]) as pool, broker:

        async def change(key: str) -> int:
            sequence: int = await pool.fetchval(UPDATE, key)
            await broker.publish(body(key, sequence), topic=TOLD["topic"], key=key.encode())
            return sequence

        async def tell_only(key: str) -> int:
            counts[key] += 1
            await broker.publish(body(key, counts[key]), topic=TOLD["topic"], key=key.encode())
            return counts[key]

        await drive(tell_only if TOLD["pad"] else change, (KafkaError, OSError, TimeoutError))


asyncio.run(main())
