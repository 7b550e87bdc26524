"""faststream-outbox: the change and its outbox row in one SQLAlchemy transaction. With ``pad``, a backlog in one commit."""

from __future__ import annotations

import asyncio
from time import monotonic

from outbox_tables import QUEUE, broker, engine
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import async_sessionmaker
from told import TOLD, body, drive, note

UPDATE = text("UPDATE thing SET version = version + 1 WHERE id = :id RETURNING version")
CHUNK = 1000
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def change(key: str) -> int:
    """Change one thing and tell of it."""
    async with sessions() as session, session.begin():
        sequence: int = (await session.execute(UPDATE, {"id": key})).scalar_one()
        await broker.publish(body(key, sequence), queue=QUEUE, session=session)
    return sequence


async def fill() -> None:
    """Store a backlog that becomes visible at once."""
    keys = TOLD["keys"]
    async with sessions() as session, session.begin():
        for start in range(0, TOLD["count"], CHUNK):
            numbers = range(start, min(start + CHUNK, TOLD["count"]))
            bodies = [body(keys[n % len(keys)], n // len(keys) + 1) for n in numbers]
            await broker.publish_batch(*bodies, queue=QUEUE, session=session)
    note("start", monotonic())


async def main() -> None:
    """Give commands, or make a backlog."""
    await (fill() if TOLD["pad"] else drive(change, (SQLAlchemyError, OSError)))
    await engine.dispose()


asyncio.run(main())
