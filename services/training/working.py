"""The wiring of the worker of the trainings, from settings."""

from __future__ import annotations

from functools import partial

from services.training.consumers import make_consumer
from services.training.handlers.ticking import Ticker
from services.training.settings import NAME, TrainingSettings
from shared.database import Pool
from shared.health import Health, watch_consumer
from shared.process import Part
from shared.service import run_parts


def worker_parts(settings: TrainingSettings, pool: Pool, health: Health) -> list[Part]:
    """Return consumer and ticker, watched by ``health``."""
    consumer = make_consumer(pool, settings.kafka(), settings.instance)
    ticker = Ticker(pool, settings.tick_seconds)
    watch_consumer(health, consumer)
    health.add("ticker", ticker.pulse.check, live=True)
    return [consumer.run, ticker.run]


run_worker = partial(run_parts, NAME, worker_parts)
"""Consume and tick until ``stop`` is set; on HTTP_PORT nothing but health."""
