"""The wiring of the API of the exhibitions, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI

from services.events.api import applications, exhibitions, outlets
from services.events.settings import NAME, EventsSettings
from shared.database import Pool
from shared.outbox import Hint
from shared.process import together
from shared.service import open_pool
from shared.web.api import create_api, purge_keys
from shared.web.server import run_http


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
        consumes=True,
    )
    app.state.pool = pool
    app.state.hint = Hint(pool)
    return app


async def run_api(settings: EventsSettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), partial(purge_keys, pool))
