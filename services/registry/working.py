"""The wiring of the worker of the registry, from settings."""

from __future__ import annotations

from functools import partial

from services.registry.handlers.daily_pass import DailyPass
from services.registry.handlers.overdue_erasures import OverdueErasures
from services.registry.importing.worker import run_import_worker
from services.registry.settings import NAME, RegistrySettings
from shared.database import Pool
from shared.health import Health
from shared.process import Part
from shared.service import run_parts


def worker_parts(settings: RegistrySettings, pool: Pool, health: Health) -> list[Part]:
    """Return the worker of imports, the daily pass, and the look for overdue erasures, watched by ``health``."""
    daily_pass = DailyPass(pool, settings.tick_seconds)
    health.add("daily_pass", daily_pass.pulse.check, live=True)
    overdue = OverdueErasures(pool, settings.tick_seconds)
    health.add("overdue_erasures", overdue.pulse.check, live=True)
    return [partial(run_import_worker, pool, settings), daily_pass.run, overdue.run]


run_worker = partial(run_parts, NAME, worker_parts)
"""Apply imports and run the daily pass until ``stop`` is set; on HTTP_PORT nothing but health."""
