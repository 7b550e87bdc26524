"""The wiring of the exhibitions: API, worker (consumer and ticker), relay, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI

from services.events.api import applications, exhibitions, outlets
from services.events.consumers import make_consumer
from services.events.handlers.ticking import Ticker
from services.events.settings import EventsSettings
from services.events.store import migrations
from shared.database import Pool
from shared.health import Health, watch_consumer
from shared.outbox import Hint
from shared.process import Part, together
from shared.service import Service, create_api, database_health, make_relay, open_pool, purge_keys, run_relay
from shared.web import run_health, run_http

NAME = "events"


def create_app(settings: EventsSettings, pool: Pool) -> FastAPI:
    """Return the API."""
    app = create_api(
        NAME,
        settings,
        pool,
        title="Pameran Naik Kelas",
        description="Pameran dan bazar UMKM Balikpapan: stan, pendaftaran, kurasi, penempatan, penjualan; gerai tetap.",
        routers=[exhibitions.router, exhibitions.booths, applications.router, outlets.router],
        publishes=True,
    )
    app.state.pool = pool
    app.state.hint = Hint(pool)
    return app


def worker_parts(settings: EventsSettings, pool: Pool, health: Health) -> list[Part]:
    """Return consumer and ticker, watched by ``health``."""
    consumer = make_consumer(pool, settings.kafka(), settings.instance)
    ticker = Ticker(pool, settings.tick_seconds)
    watch_consumer(health, consumer)
    health.add("ticker", ticker.pulse.check, live=True)
    return [consumer.run, ticker.run]


async def run_api(settings: EventsSettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), partial(purge_keys, pool))


async def run_worker(settings: EventsSettings, stop: asyncio.Event) -> None:
    """Consume and tick until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        health = database_health(NAME, settings, pool)
        parts = worker_parts(settings, pool, health)
        await together(stop, *parts, partial(run_health, health, settings))


async def run_all(settings: EventsSettings, stop: asyncio.Event) -> None:
    """Everything in one process, with one health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        health = app.state.health
        relay = make_relay(settings, health)
        parts: list[Part] = [
            partial(run_http, app, settings),
            partial(purge_keys, pool),
            relay.run,
            *worker_parts(settings, pool, health),
        ]
        await together(stop, *parts)


SERVICE = Service(
    NAME,
    EventsSettings,
    migrations,
    {"api": run_api, "worker": run_worker, "relay": partial(run_relay, NAME), "all": run_all},
)
