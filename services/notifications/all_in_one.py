"""API and worker in one process: for a small machine."""

from __future__ import annotations

import asyncio
from functools import partial

from services.notifications.app import create_app
from services.notifications.settings import NotificationsSettings
from services.notifications.wiring import pool_size
from services.notifications.working import Worker
from shared.process import together
from shared.service import open_pool
from shared.web.api import purge_keys
from shared.web.server import run_http


async def run_all(settings: NotificationsSettings, stop: asyncio.Event) -> None:
    """API and worker in one process, with one health for both."""
    async with await open_pool(settings, pool_size(settings)) as pool:
        app, worker = create_app(settings, pool), Worker(settings, pool)
        worker.watch(app.state.health)
        await together(stop, *worker.parts(), partial(run_http, app, settings), partial(purge_keys, pool))
        await worker.keys.close()
