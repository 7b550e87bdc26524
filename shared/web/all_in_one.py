"""A service whole in one process: API, worker and relay, with one pool and one health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from fastapi import FastAPI

from shared.database import Pool
from shared.health import Health
from shared.process import Part, together
from shared.service import Pooled, make_relay, open_pool
from shared.web.api import purge_keys
from shared.web.server import run_http


async def run_all_in_one(
    create_app: Callable[[Pooled, Pool], FastAPI],
    worker_parts: Callable[[Pooled, Pool, Health], list[Part]],
    settings: Pooled,
    stop: asyncio.Event,
    *,
    beside: Callable[[FastAPI], Sequence[Part]] = lambda _app: (),
    close: Callable[[FastAPI], Awaitable[None]] | None = None,
) -> None:
    """Run everything until ``stop`` is set. ``beside`` are what the API needs running beside it, ``close`` closes what it opened."""
    async with await open_pool(settings, settings.pool_size) as pool:
        app = create_app(settings, pool)
        health = app.state.health
        relay = make_relay(settings, health, "relay_broker")
        parts: list[Part] = [
            partial(run_http, app, settings),
            *beside(app),
            partial(purge_keys, pool),
            relay.run,
            *worker_parts(settings, pool, health),
        ]
        await together(stop, *parts)
        if close is not None:
            await close(app)
