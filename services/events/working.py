"""The wiring of the worker of the exhibitions, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from services.events.consumers import make_consumer
from services.events.handlers.ticking import Ticker
from services.events.settings import NAME, EventsSettings
from shared.database import Pool
from shared.health import Health, watch_consumer
from shared.process import Part, together
from shared.service import database_health, open_pool
from shared.web.health import run_health


def worker_parts(settings: EventsSettings, pool: Pool, health: Health) -> list[Part]:
    """Return consumer and ticker, watched by ``health``."""
    consumer = make_consumer(pool, settings.kafka(), settings.instance)
    ticker = Ticker(pool, settings.tick_seconds)
    watch_consumer(health, consumer)
    health.add("ticker", ticker.pulse.check, live=True)
    return [consumer.run, ticker.run]


async def run_worker(settings: EventsSettings, stop: asyncio.Event) -> None:
    """Consume and tick until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        health = database_health(NAME, settings, pool)
        parts = worker_parts(settings, pool, health)
        await together(stop, *parts, partial(run_health, health, settings))
