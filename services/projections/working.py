"""The wiring of worker and rebuild, from settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from services.projections.commands import Projection, RebuildProjections, RollBackProjections
from services.projections.consumers.projecting import project_on_facts
from services.projections.consumers.replay import open_log
from services.projections.domain.making import topics_of
from services.projections.handlers.rebuilding import Progress, Rebuild, RebuildResult
from services.projections.handlers.telling import Teller, telling
from services.projections.settings import NAME, POOL_SIZE, ProjectionsSettings
from services.projections.store import generations
from shared.health import watch_consumer
from shared.process import together
from shared.service import database_health, open_pool
from shared.web.health import run_health


async def run_worker(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set; on HTTP_PORT nothing but health."""
    async with await open_pool(settings, POOL_SIZE) as pool:
        consumer = project_on_facts(pool, settings.kafka(), settings.instance)
        health = database_health(NAME, settings, pool)
        watch_consumer(health, consumer)
        await together(stop, consumer.run, partial(run_health, health, settings))


async def rebuild(settings: ProjectionsSettings, command: RebuildProjections, progress: Progress) -> RebuildResult:
    """Rebuild beside live traffic. Raises ``RebuildRefusedError``, ``SettingsError``, and the servers' errors."""
    async with _prepare(settings, command.projections, progress) as (run, teller):
        return teller.ended(await run.rebuild(command))


async def roll_back(settings: ProjectionsSettings, command: RollBackProjections, progress: Progress) -> RebuildResult:
    """Go back to the generation before. Raises as ``rebuild`` does."""
    async with _prepare(settings, command.projections, progress) as (run, teller):
        return teller.ended(await run.roll_back(command))


@asynccontextmanager
async def _prepare(
    settings: ProjectionsSettings, projections: Sequence[Projection], progress: Progress
) -> AsyncIterator[tuple[Rebuild, Teller]]:
    dsn = settings.owner_dsn("rebuild")
    connection = await generations.connect(dsn)
    try:
        async with (
            open_log(settings.kafka(), topics_of(projections)) as log,
            telling(dsn, projections, progress) as told,
        ):
            yield Rebuild(connection, log, projections, settings.running_login() or NAME, told.tell), told
    finally:
        connection.terminate()
