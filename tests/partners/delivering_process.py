"""A deliverer as a process of its own, for tests that kill it: ``python -m tests.partners.delivering_process DSN INSTANCE``."""

from __future__ import annotations

import asyncio
import sys
from ipaddress import ip_network

import httpx2

from services.partners.domain.replays import Budget
from services.partners.handlers.carrying import Means
from services.partners.handlers.delivering import Deliverer
from services.partners.handlers.posting import Poster
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.tail import Tails
from services.partners.handlers.texts import Texts
from shared.database import create_pool
from shared.keys import KeyClient
from shared.process import run_process
from tests.partners.bureau import WEBHOOK_KEYS


async def main(stop: asyncio.Event) -> None:
    """Deliver until it is told to stop, or killed."""
    dsn, instance = sys.argv[1:]
    async with await create_pool(dsn, min_size=1, max_size=8) as pool:
        keys = KeyClient("http://127.0.0.1:1", str, "uji", httpx2.AsyncHTTPTransport())
        box = SecretBox(WEBHOOK_KEYS.splitlines())
        means = Means(
            pool,
            keys,
            Poster((ip_network("127.0.0.0/8"),)),
            box,
            Budget(200),
            Texts(pool),
            Tails(pool),
            chance=lambda: 0.0,
        )
        await Deliverer(means, instance, 0.02).run(stop)


if __name__ == "__main__":
    sys.exit(run_process(main))
