"""The wiring of the API of the partner service, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI
from starlette.requests import Request

from services.partners.api import agreements, disclosures, documents, erasures, feed, lanes, replays, webhooks
from services.partners.api.portal import deeds as portal_deeds
from services.partners.api.portal import erasures as portal_erasures
from services.partners.api.portal import lanes as portal_lanes
from services.partners.api.portal import reading as portal
from services.partners.api.portal import replays as portal_replays
from services.partners.domain.replays import Rates
from services.partners.handlers import rotation
from services.partners.handlers.feeding import Feed
from services.partners.handlers.measuring import Measures
from services.partners.handlers.opening import PURPOSE
from services.partners.handlers.replays import Replays
from services.partners.handlers.sealing import SecretBox
from services.partners.handlers.watching import Watch
from services.partners.settings import NAME, PartnersSettings
from shared.database import Pool
from shared.keys import KeyClient, token_reader
from shared.outbox import Hint
from shared.process import together
from shared.sealing import KeyRing
from shared.service import open_pool
from shared.web.api import create_api, purge_keys
from shared.web.key_rotation import key_rotation_router
from shared.web.server import run_http
from shared.web_pages.forms import FormCodes


def _ring_of(request: Request) -> KeyRing:
    box: SecretBox = request.app.state.secret_box
    return box.ring


def create_app(settings: PartnersSettings, pool: Pool) -> FastAPI:
    """Return the API; ``state.watch`` must run beside it, or nobody who waits is woken."""
    app = create_api(
        NAME,
        settings,
        pool,
        title="Instansi Naik Kelas",
        description="Perjanjian dengan instansi, aliran peristiwa yang dibaca instansi, dan catatan pengungkapan.",
        routers=[
            agreements.router,
            feed.router,
            webhooks.router,
            replays.router,
            lanes.router,
            disclosures.router,
            erasures.router,
            documents.router,
            portal.router,
            portal_deeds.router,
            portal_replays.router,
            portal_erasures.router,
            portal_lanes.router,
            portal.rest,
            key_rotation_router(_ring_of, rotation.key_uses, rotation.rewrap),
        ],
        publishes=True,
        consumes=True,
    )
    health = app.state.health
    token = token_reader(settings.service_token_file)
    app.state.pool = pool
    app.state.hint = Hint(pool)
    app.state.keys = KeyClient(settings.registry_url, token, PURPOSE)
    app.state.secret_box = SecretBox(settings.webhook_keys())
    app.state.webhook_networks = settings.networks()
    app.state.replays = Replays(settings.cursor_keys(), Rates(settings.replay_rate, settings.replay_rate_most))
    app.state.form_codes = FormCodes(settings.cursor_keys())
    app.state.watch = Watch(pool, settings.watch_seconds)
    app.state.feed = Feed(pool, settings.cursor_keys(), app.state.keys, app.state.watch, Measures(health.metrics))
    health.metrics.look("feed", app.state.watch.figures)
    health.add("watch", app.state.watch.pulse.check, live=True)
    return app


async def close_app(app: FastAPI) -> None:
    """Close what the app opened."""
    await app.state.keys.close()


async def run_api(settings: PartnersSettings, stop: asyncio.Event) -> None:
    """Serve the API until ``stop`` is set."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), app.state.watch.run, partial(purge_keys, pool))
        await close_app(app)
