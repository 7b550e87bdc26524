"""API, worker and relay in one process: for a small machine."""

from __future__ import annotations

import asyncio
from functools import partial

from services.training.app import close_app, create_app
from services.training.settings import TrainingSettings
from services.training.working import worker_parts
from shared.process import Part, together
from shared.service import make_relay, open_pool
from shared.web.api import purge_keys
from shared.web.server import run_http


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
