"""The wiring of the API of the registry, from settings."""

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
from services.registry.api.requests import ring_of
from services.registry.handlers import rotation
from services.registry.importing import api as imports
from services.registry.settings import NAME, RegistrySettings
from shared.database import Pool
from shared.outbox import Hint
from shared.process import together
from shared.sealing import KeyRing
from shared.service import open_pool
from shared.web.api import create_api, purge_keys
from shared.web.edge import Limits
from shared.web.key_rotation import key_rotation_router
from shared.web.parked import trail_router
from shared.web.server import run_http


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
            key_rotation_router(ring_of, rotation.key_uses, rotation.rewrap),
            trail_router(),
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
