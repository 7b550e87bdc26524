"""The wiring of the registry: API, worker (imports and the daily pass), relay, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI

from services.registry.api import (
    brands,
    businesses,
    erasure,
    keys,
    licences,
    mentoring,
    mentors,
    organisations,
    owners,
    progress,
)
from services.registry.handlers.daily_pass import DailyPass
from services.registry.handlers.overdue_erasures import OverdueErasures
from services.registry.importing import api as imports
from services.registry.importing.worker import run_import_worker
from services.registry.settings import RegistrySettings
from services.registry.store import migrations
from shared.database import Pool
from shared.health import Health
from shared.outbox import Hint
from shared.process import Part, together
from shared.sealing import KeyRing
from shared.service import Service, create_api, database_health, make_relay, open_pool, purge_keys, run_relay
from shared.web import Limits, run_health, run_http

NAME = "registry"


def create_app(settings: RegistrySettings, pool: Pool) -> FastAPI:
    """Return the API."""
    app = create_api(
        NAME,
        settings,
        pool,
        title="Registri Naik Kelas",
        description="Pemilik, usaha (UMKM), izin, merek, organisasi, dan pendampingan di Balikpapan: pendaftaran, verifikasi, kelas, impor.",
        routers=[
            owners.router,
            businesses.router,
            businesses.proposals,
            licences.router,
            organisations.router,
            brands.router,
            imports.router,
            keys.router,
            mentors.router,
            mentoring.router,
            progress.router,
            erasure.router,
            erasure.previews,
        ],
        limits=Limits(uploads=imports.UPLOAD_LIMITS),
        publishes=True,
    )
    app.state.pool = pool
    app.state.ring = KeyRing(settings.key_encryption_key.get_secret_value())
    app.state.hint = Hint(pool)
    return app


async def run_api(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), partial(purge_keys, pool))


def worker_parts(settings: RegistrySettings, pool: Pool, health: Health) -> list[Part]:
    """Return the worker of imports, the daily pass, and the look for overdue erasures, watched by ``health``."""
    daily_pass = DailyPass(pool, settings.tick_seconds)
    health.add("daily_pass", daily_pass.pulse.check, live=True)
    overdue = OverdueErasures(pool, settings.tick_seconds)
    health.add("overdue_erasures", overdue.pulse.check, live=True)
    return [partial(run_import_worker, pool, settings), daily_pass.run, overdue.run]


async def run_worker(settings: RegistrySettings, stop: asyncio.Event) -> None:
    """Apply imports and run the daily pass until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, settings.pool_size) as pool:
        health = database_health(NAME, settings, pool)
        parts = worker_parts(settings, pool, health)
        await together(stop, *parts, partial(run_health, health, settings))


async def run_all(settings: RegistrySettings, stop: asyncio.Event) -> None:
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
    RegistrySettings,
    migrations,
    {"api": run_api, "worker": run_worker, "relay": partial(run_relay, NAME), "all": run_all},
)
