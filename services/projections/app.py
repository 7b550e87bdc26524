"""The wiring of the projections: API, worker and rebuild, from settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI

from services.projections.api.explain import router as explain_router
from services.projections.api.figures import router as figures_router
from services.projections.api.page import page_router
from services.projections.api.reports import router as reports_router
from services.projections.api.routes import router
from services.projections.commands import Projection, RebuildProjections, RollBackProjections
from services.projections.consumers.projecting import project_on_facts
from services.projections.consumers.replay import open_log
from services.projections.domain.making import topics_of
from services.projections.handlers.answering import Answers
from services.projections.handlers.explaining import Explaining
from services.projections.handlers.figures import Figures
from services.projections.handlers.rebuilding import Progress, Rebuild, RebuildResult
from services.projections.handlers.reporting import Reports
from services.projections.reference import load_places
from services.projections.settings import ProjectionsSettings
from services.projections.store import generations
from services.projections.store.batches import migrations
from shared.database import Pool
from shared.health import watch_consumer
from shared.process import together
from shared.service import Service, create_api, database_health, open_pool
from shared.web import run_health, run_http
from shared.web.asyncapi import asyncapi_router

NAME = "projections"
POOL_SIZE = 6


def create_app(settings: ProjectionsSettings, pool: Pool) -> FastAPI:
    """Return the API and the page."""
    app = create_api(
        NAME,
        settings,
        pool,
        title="Proyeksi Naik Kelas",
        description="Dasbor, riwayat usaha dan kelas, hasil pelatihan, pameran, pendampingan, pemerataan: yang dibaca, bukan yang dicatat.",
        routers=[
            router,
            figures_router,
            reports_router,
            explain_router,
            page_router(),
            asyncapi_router(settings.schemas_url),
        ],
    )
    places = load_places()
    app.state.figures = Figures(pool, places)
    app.state.answers = Answers(pool, places, lambda: datetime.now(UTC))
    app.state.reports = Reports(pool, places, lambda: datetime.now(UTC))
    app.state.explaining = Explaining(pool, places)
    return app


async def run_api(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """Serve the API and the page until ``stop`` is set."""
    async with await open_pool(settings, POOL_SIZE) as pool:
        await run_http(create_app(settings, pool), settings, stop)


async def run_worker(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, POOL_SIZE) as pool:
        consumer = project_on_facts(pool, settings.kafka(), settings.instance)
        health = database_health(NAME, settings, pool)
        watch_consumer(health, consumer)
        await together(stop, consumer.run, partial(run_health, health, settings))


async def run_all(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """API and worker in one process, with one health for both."""
    async with await open_pool(settings, POOL_SIZE) as pool:
        app = create_app(settings, pool)
        consumer = project_on_facts(pool, settings.kafka(), settings.instance)
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
    dsn = settings.owner_dsn("rebuild")
    connection = await generations.connect(dsn)
    try:
        async with open_log(settings.kafka(), topics_of(projections)) as log:
            yield Rebuild(connection, log, projections, settings.running_login() or NAME, progress)
    finally:
        connection.terminate()


SERVICE = Service(
    NAME,
    ProjectionsSettings,
    migrations,
    {"api": run_api, "worker": run_worker, "all": run_all},
    further=("rebuild PROJECTION…",),
)
