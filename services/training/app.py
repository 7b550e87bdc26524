"""The wiring of the trainings: API, worker (consumer and ticker), relay, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI

from services.training.api import certificates, courses, enrolments
from services.training.api.page import page_router
from services.training.consumers import make_consumer
from services.training.handlers.printing import Printer
from services.training.handlers.ticking import Ticker
from services.training.handlers.turnstile import Turnstile
from services.training.settings import TrainingSettings
from services.training.store import migrations
from shared.database import Pool
from shared.health import Health, watch_consumer
from shared.keys import KeyClient, token_reader
from shared.outbox import Hint
from shared.process import Part, together
from shared.service import Service, create_api, database_health, make_relay, open_pool, purge_keys, run_relay
from shared.web import run_health, run_http

NAME = "training"
PRINTING, ENROLLING = "sertifikat", "syarat pelatihan"
"""What keys are asked for, as the registry notes it."""


def create_app(settings: TrainingSettings, pool: Pool) -> FastAPI:
    """Return the API and the page that checks certificates."""
    app = create_api(
        NAME,
        settings,
        pool,
        title="Pelatihan Naik Kelas",
        description="Pelatihan UMKM Balikpapan: angkatan, pendaftaran, kehadiran, kelulusan, sertifikat.",
        routers=[courses.router, courses.batches, enrolments.router, certificates.router, page_router()],
        publishes=True,
    )
    token = token_reader(settings.service_token_file)
    app.state.pool = pool
    app.state.hint = Hint(pool)
    app.state.turnstile = Turnstile()
    app.state.printer = Printer(settings.public_url)
    app.state.name_keys = KeyClient(settings.registry_url, token, PRINTING)
    app.state.nib_keys = KeyClient(settings.registry_url, token, ENROLLING)
    return app


async def close_app(app: FastAPI) -> None:
    """Close what the app opened."""
    await app.state.name_keys.close()
    await app.state.nib_keys.close()


def worker_parts(settings: TrainingSettings, pool: Pool, health: Health) -> list[Part]:
    """Return consumer and ticker, watched by ``health``."""
    consumer = make_consumer(pool, settings.kafka(), settings.instance)
    ticker = Ticker(pool, settings.tick_seconds)
    watch_consumer(health, consumer)
    health.add("ticker", ticker.pulse.check, live=True)
    return [consumer.run, ticker.run]


async def run_api(settings: TrainingSettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), partial(purge_keys, pool))
        await close_app(app)


async def run_worker(settings: TrainingSettings, stop: asyncio.Event) -> None:
    """Consume and tick until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        health = database_health(NAME, settings, pool)
        parts = worker_parts(settings, pool, health)
        await together(stop, *parts, partial(run_health, health, settings))


async def run_all(settings: TrainingSettings, stop: asyncio.Event) -> None:
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
        await close_app(app)


SERVICE = Service(
    NAME,
    TrainingSettings,
    migrations,
    {"api": run_api, "worker": run_worker, "relay": partial(run_relay, NAME), "all": run_all},
)
