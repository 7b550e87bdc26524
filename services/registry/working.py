"""The wiring of the worker of the registry, from settings."""

from __future__ import annotations

import asyncio
from functools import partial

from services.registry.handlers.daily_pass import DailyPass
from services.registry.handlers.overdue_erasures import OverdueErasures
from services.registry.importing.worker import run_import_worker
from services.registry.settings import NAME, RegistrySettings
from shared.database import Pool
from shared.health import Health
from shared.process import Part, together
from shared.service import database_health, open_pool
from shared.web.health import run_health


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
