"""The wiring of the projections: API, worker and rebuild, from settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from urllib.parse import unquote, urlsplit

from fastapi import FastAPI

from services.projections.api.page import page_router
from services.projections.api.routes import router
from services.projections.commands import Projection, RebuildProjections, RollBackProjections
from services.projections.consumers.projecting import project_on_business_facts
from services.projections.consumers.replay import open_log
from services.projections.handlers.answering import Answers
from services.projections.handlers.rebuilding import Progress, Rebuild, RebuildResult
from services.projections.reference import load_places
from services.projections.settings import ProjectionsSettings
from services.projections.store import generations
from services.projections.store.batches import migrations
from shared.auth import Verifier, key_source
from shared.consumer import Consumer
from shared.contracts.registry import BUSINESS_TOPIC
from shared.database import Pool, create_pool, migrate
from shared.health import Health, database_check, keys_check
from shared.process import together
from shared.settings import SettingsError
from shared.topology import TOPICS
from shared.web import create_http_app, run_health, run_http

SERVICE = "projections"
AUDIT_ROLE = "audit"
POOL_SIZE = 6
STUCK_SECONDS = 120.0
"""A consumer that lags and has neither applied nor waited for a server in this time hangs."""


def _migration_dsn(settings: ProjectionsSettings, purpose: str) -> str:
    if settings.migration_dsn is None:
        raise SettingsError(f"Cannot {purpose}: MIGRATION_DSN is not set.")
    return settings.migration_dsn.get_secret_value()


def _running_login(settings: ProjectionsSettings) -> str:
    return unquote(urlsplit(settings.database_dsn.get_secret_value()).username or SERVICE)


async def run_migrations(settings: ProjectionsSettings) -> list[str]:
    """Bring the database up to date and return the names of the files that ran. Raises ``SettingsError``."""
    roles = {"app_role": _running_login(settings), "audit_role": AUDIT_ROLE}
    return await migrate(_migration_dsn(settings, "migrate"), migrations(), roles)


async def open_pool(settings: ProjectionsSettings) -> Pool:
    """Return a pool of the running login. It connects when it is used, so a database that is away stops no start."""
    return await create_pool(settings.database_dsn.get_secret_value(), min_size=0, max_size=POOL_SIZE)


def create_app(settings: ProjectionsSettings, pool: Pool) -> FastAPI:
    """Return the API and the page."""
    verifier = Verifier(key_source(settings.jwks), settings.jwt_issuer, settings.jwt_audience)
    health = Health(SERVICE, settings.instance)
    health.add("database", database_check(pool))
    health.add("token_keys", keys_check(verifier.keys))
    app = create_http_app(
        "Proyeksi Naik Kelas",
        SERVICE,
        health=health,
        verifier=verifier,
        routers=[router, page_router()],
        description="Dasbor, riwayat usaha dan riwayat kelas: yang dibaca, bukan yang dicatat.",
    )
    app.state.answers = Answers(pool, load_places(), lambda: datetime.now(UTC))
    return app


def watch_consumer(health: Health, consumer: Consumer) -> None:
    """Add the consumer's checks: ready tells what is away, live only what a restart mends."""

    async def cause() -> str | None:
        if consumer.problem is not None:
            return f"{consumer.problem} away" if consumer.joined else "has not joined its group"
        return None if consumer.joined else "has not joined its group"

    async def died() -> str | None:
        return None if consumer.tasks_alive() else "the consuming task ended"

    async def stuck() -> str | None:
        silent = monotonic() - consumer.progress_at
        if silent < STUCK_SECONDS or not consumer.positions_lag():
            return None
        return f"lags, and has applied nothing for {silent:.0f} s"

    health.add("consumer", cause)
    health.add("consumer_tasks", died, live=True)
    health.add("consumer_progress", stuck, live=True)


async def run_api(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """Serve the API and the page until ``stop`` is set."""
    async with await open_pool(settings) as pool:
        await run_http(create_app(settings, pool), settings, stop)


async def run_worker(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings) as pool:
        consumer = project_on_business_facts(pool, settings.kafka(), settings.instance)
        health = Health(SERVICE, settings.instance)
        health.add("database", database_check(pool))
        watch_consumer(health, consumer)
        await together(stop, consumer.run, partial(run_health, health, settings))


async def run_all(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """API and worker in one process, with one health for both."""
    async with await open_pool(settings) as pool:
        app = create_app(settings, pool)
        consumer = project_on_business_facts(pool, settings.kafka(), settings.instance)
        watch_consumer(app.state.health, consumer)
        await together(stop, consumer.run, partial(run_http, app, settings))


async def rebuild(settings: ProjectionsSettings, command: RebuildProjections, progress: Progress) -> RebuildResult:
    """Rebuild beside live traffic. Raises ``RebuildRefusedError``, ``SettingsError``, and the servers' errors."""
    async with _prepare(settings, command.projections, progress) as run:
        return await run.rebuild(command)


async def roll_back(settings: ProjectionsSettings, command: RollBackProjections, progress: Progress) -> RebuildResult:
    """Go back to the generation before. Raises as ``rebuild`` does."""
    async with _prepare(settings, command.projections, progress) as run:
        return await run.roll_back(command)


@asynccontextmanager
async def _prepare(
    settings: ProjectionsSettings, projections: Sequence[Projection], progress: Progress
) -> AsyncIterator[Rebuild]:
    dsn = _migration_dsn(settings, "rebuild")
    partitions = next(topic.partitions for topic in TOPICS if topic.name == BUSINESS_TOPIC)
    connection = await generations.connect(dsn)
    try:
        async with open_log(settings.kafka(), BUSINESS_TOPIC, partitions) as log:
            yield Rebuild(connection, log, projections, _running_login(settings), progress)
    finally:
        connection.terminate()
