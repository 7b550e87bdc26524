"""A consumer in a process of its own that tells on standard output when it has its partitions, and what it has applied."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict

from bench.consuming import _apply as apply_effects
from bench.delivery import TYPE
from shared.broker import KafkaSettings
from shared.consumer import Consumer
from shared.database import create_pool
from shared.process import run_process, together

VARIABLE = "BENCH_CONSUMER"
TELL_SECONDS = 0.01


def environment(dsn: str, kafka: KafkaSettings, topic: str, group: str, instance: str) -> dict[str, str]:
    """Return what the process has to be told."""
    told = {"dsn": dsn, "kafka": asdict(kafka), "topic": topic, "group": group, "instance": instance}
    return os.environ | {VARIABLE: json.dumps(told)}


async def _tell(consumer: Consumer, stop: asyncio.Event) -> None:
    """Write ``<partitions> <applied>`` whenever one of them changes."""
    told = ""
    while not stop.is_set():
        line = f"{len(consumer.assigned)} {consumer.applied}\n"
        if line != told:
            sys.stdout.write(line)
            sys.stdout.flush()
            told = line
        await asyncio.sleep(TELL_SECONDS)


async def consume(stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set."""
    told = json.loads(os.environ[VARIABLE])
    async with await create_pool(told["dsn"], min_size=2, max_size=2) as pool:
        consumer = Consumer(
            name=told["group"],
            topics=(told["topic"],),
            types=frozenset({TYPE}),
            apply=apply_effects,
            pool=pool,
            kafka=KafkaSettings(**told["kafka"]),
            instance=told["instance"],
        )

        async def tell(stop: asyncio.Event) -> None:
            await _tell(consumer, stop)

        await together(stop, consumer.run, tell)


if __name__ == "__main__":
    sys.exit(run_process(consume))
