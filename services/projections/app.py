"""The wiring of the API of the projections, from settings."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI

from services.projections.api import operations
from services.projections.api.explain import router as explain_router
from services.projections.api.figures import router as figures_router
from services.projections.api.page import page_router
from services.projections.api.reports import router as reports_router
from services.projections.api.routes import router
from services.projections.domain.platform import read_platform
from services.projections.handlers.answering import Answers
from services.projections.handlers.explaining import Explaining
from services.projections.handlers.figures import Figures
from services.projections.handlers.overseeing import Overseer
from services.projections.handlers.reporting import Reports
from services.projections.handlers.watching import PlatformWatch
from services.projections.reference import load_places
from services.projections.settings import NAME, POOL_SIZE, ProjectionsSettings
from shared.database import Pool
from shared.process import together
from shared.service import open_pool
from shared.web.api import create_api, purge_keys
from shared.web.asyncapi import asyncapi_router
from shared.web.server import run_http
from shared.web_pages.forms import FormCodes


def create_app(settings: ProjectionsSettings, pool: Pool) -> FastAPI:
    """Return the API and the pages; ``state.watch`` must run beside it, or there are no pictures over time."""
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
            operations.figures_router(),
            operations.operations_router(),
            asyncapi_router(settings.schemas_url),
        ],
        consumes=True,
    )
    places = load_places()
    app.state.pool = pool
    app.state.figures = Figures(pool, places)
    app.state.answers = Answers(pool, places, lambda: datetime.now(UTC))
    app.state.reports = Reports(pool, places, lambda: datetime.now(UTC))
    app.state.explaining = Explaining(pool, places)
    app.state.watch = PlatformWatch(read_platform(settings.platform))
    app.state.overseer = Overseer(pool, app.state.watch)
    app.state.form_codes = FormCodes([settings.form_key()])
    return app


async def run_api(settings: ProjectionsSettings, stop: asyncio.Event) -> None:
    """Serve the API and the page until ``stop`` is set."""
    async with await open_pool(settings, POOL_SIZE) as pool:
        app = create_app(settings, pool)
        await together(stop, partial(run_http, app, settings), app.state.watch.run, partial(purge_keys, pool))
        await app.state.watch.close()
