"""The wiring of the API of the trainings, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI

from services.training.api import certificates, courses, enrolments
from services.training.api.page import page_router
from services.training.handlers.printing import Printer
from services.training.handlers.turnstile import Turnstile
from services.training.settings import NAME, TrainingSettings
from shared.database import Pool
from shared.keys import KeyClient, token_reader
from shared.outbox import Hint
from shared.process import together
from shared.service import open_pool
from shared.web.api import create_api, purge_keys
from shared.web.server import run_http

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
        consumes=True,
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


async def run_api(settings: TrainingSettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), partial(purge_keys, pool))
        await close_app(app)
