"""Ours: the consumer layer, whose handler writes the effects of a batch in the layer's transaction."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from told import TOLD, mark, trouble

from bench.delivery import TYPE
from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.database import Connection, create_pool
from shared.envelope import Event
from shared.process import run_process


async def apply(connection: Connection, events: Sequence[Event]) -> None:
    """Write the effects."""
    for event in events:
        trouble(mark(event.meta.subject, event.meta.sequence))
    rows = [(event.meta.subject, event.meta.sequence) for event in events]
    await connection.executemany("INSERT INTO felt (thing, sequence) VALUES ($1, $2)", rows)


async def main(stop: asyncio.Event) -> None:
    """Consume until a signal comes."""
    async with await create_pool(TOLD["dsn"], min_size=1, max_size=4) as pool:
        consumer = Consumer(
            name=TOLD["group"], topics=(TOLD["topic"],), types=frozenset({TYPE}), apply=apply, pool=pool,
            kafka=KafkaSettings(**TOLD["kafka"]), instance="bench",
        )  # fmt: skip
        await consumer.run(stop)


sys.exit(run_process(main))
