"""The wiring of the API of the notifications, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI

from services.notifications.api import routers
from services.notifications.reference import load_kelurahan
from services.notifications.settings import NAME, NotificationsSettings
from services.notifications.wiring import lines_of, pool_size, receipt_secrets, sending_rules, unsubscribe_links
from shared.database import Pool
from shared.process import together
from shared.service import open_pool
from shared.web.api import create_api, purge_keys
from shared.web.edge import Limits
from shared.web.server import run_http
from shared.web_pages.forms import FormCodes

LARGEST_CALLBACK = 3 * 1024 * 1024
"""Bytes; Meta bundles receipts up to this."""


def create_app(settings: NotificationsSettings, pool: Pool) -> FastAPI:
    """Return the API."""
    app = create_api(
        NAME,
        settings,
        pool,
        title="Notifikasi Naik Kelas",
        description=(
            "Pesan kepada pemilik usaha dan petugas: apa yang dikirim, dan apa hasilnya; pengumuman kepada banyak pemilik."
        ),
        routers=routers(),
        limits=Limits(body=LARGEST_CALLBACK),
        consumes=True,
    )
    app.state.pool = pool
    app.state.places = tuple(load_kelurahan())
    app.state.links = unsubscribe_links(settings)
    app.state.routes = sending_rules(settings).routes
    app.state.receipt_secrets = receipt_secrets(settings)
    app.state.form_codes = FormCodes(lines_of(settings.unsubscribe_key))
    return app


async def run_api(settings: NotificationsSettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, pool_size(settings)) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), partial(purge_keys, pool))
