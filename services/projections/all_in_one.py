"""API and worker in one process: for a small machine."""

from __future__ import annotations

import asyncio
from functools import partial

from services.projections.app import create_app
from services.projections.consumers.projecting import project_on_facts
from services.projections.settings import POOL_SIZE, ProjectionsSettings
from shared.health import watch_consumer
from shared.process import together
from shared.service import open_pool
from shared.web.api import purge_keys
from shared.web.server import run_http


async def run_all(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """API and worker in one process, with one health for both."""
    async with await open_pool(settings, POOL_SIZE) as pool:
        app = create_app(settings, pool)
        consumer = project_on_facts(pool, settings.kafka(), settings.instance)
        watch_consumer(app.state.health, consumer)
        beside = (app.state.watch.run, partial(purge_keys, pool))
        await together(stop, consumer.run, partial(run_http, app, settings), *beside)
        await app.state.watch.close()
