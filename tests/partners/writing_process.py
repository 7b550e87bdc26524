"""Who writes topics as a process of its own, for tests that kill it: ``python -m tests.partners.writing_process DSN``, Kafka by variables."""

from __future__ import annotations

import asyncio
import os
import sys

from services.partners.handlers.texts import Texts
from services.partners.handlers.writing import AgencyPublisher, Writer
from shared.broker import KafkaSettings
from shared.database import create_pool
from shared.process import run_process


async def main(stop: asyncio.Event) -> None:
    """Write until it is told to stop, or killed."""
    kafka = KafkaSettings(*(os.environ[f"WRITER_{name}"] for name in ("BOOTSTRAP", "USERNAME", "PASSWORD", "PROTOCOL")))
    async with await create_pool(sys.argv[1], min_size=1, max_size=4) as pool:
        await Writer(pool, AgencyPublisher(kafka, "killed"), Texts(pool), 0.02).run(stop)


if __name__ == "__main__":
    sys.exit(run_process(main))
