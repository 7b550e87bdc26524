"""The dashboard as a page: counts only, for everybody, without JavaScript and without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends
from jinja2 import Environment
from starlette.responses import HTMLResponse, Response

from services.projections.api.figure_views import EQUITY_SOURCE, TRAINING_SOURCE
from services.projections.api.figures import Ask as AskFigures
from services.projections.api.routes import Ask
from services.projections.api.views import SOURCE
from services.projections.domain.cells import class_cell, dashboard_cell, naik_kelas_cell
from services.projections.domain.counting import UNIT, Bucket, Dashboard, Dimension
from services.projections.domain.figures import WITHHELD, OutcomeDimension
from services.projections.domain.names import CLASS_NAMES, day, moment, number, percent
from services.projections.domain.service_cells import equity_cells, fair_cells, outcome_cells
from services.projections.handlers.answering import Overview
from services.projections.handlers.figures import Figures
from shared.auth import public
from shared.web_pages import PAGE_HEADERS, page_environment
from shared.web_pages.charts import stacked_bars

TEMPLATES = Path(__file__).parent / "templates"
KINDS = {**CLASS_NAMES, "tidak_diketahui": "Belum diketahui"}
CACHE_SECONDS = 5
NEWEST_FAIRS = 12


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """Businesses of one kecamatan, by class in the order of ``KINDS``."""

    code: str
    label: str
    by_class: tuple[int, ...]
    total: int
    newest: str
    unknown: bool


def page_router() -> APIRouter:
    """Return the routes of the page and its style sheet."""
    environment = _environment()
    router = APIRouter(tags=["halaman"], dependencies=[Depends(public())], include_in_schema=False)

    @router.get("/")
    async def dashboard_page(answers: Ask, figures: AskFigures) -> Response:
        html = render(environment, await answers.overview(), await _services(figures))
        return HTMLResponse(html, headers={**PAGE_HEADERS, "Cache-Control": f"public, max-age={CACHE_SECONDS}"})

    return router


def _environment() -> Environment:
    environment = page_environment(TEMPLATES)
    environment.filters |= {"number": number, "day": day, "moment": moment}
    environment.globals |= {
        "percent": percent,
        "kinds": KINDS,
        "withheld": WITHHELD,
        "training_source": TRAINING_SOURCE,
        "equity_source": EQUITY_SOURCE,
        "bucket_cell": _bucket_cell,
        "total_cell": dashboard_cell,
        "class_cell": class_cell,
        "naik_kelas_cell": naik_kelas_cell,
        "outcome_cells": _outcome_cells,
        "equity_cells": equity_cells,
        "fair_cells": fair_cells,
    }
    return environment


def _bucket_cell(dimension: str, code: str, number: str | None = None) -> str:
    return dashboard_cell(Dimension(dimension), code, number)


def _outcome_cells(dimension: str, code: str) -> dict[str, str]:
    return outcome_cells(OutcomeDimension(dimension), code)


async def _services(figures: Figures) -> dict[str, Any]:
    """Return what the page tells of trainings, exhibitions and help."""
    return {
        "outcome": (await figures.outcomes())[OutcomeDimension.KECAMATAN],
        "programmes": (await figures.outcomes())[OutcomeDimension.PROGRAMME],
        "equity": await figures.equity(),
        "fairs": await figures.newest_fairs(NEWEST_FAIRS),
    }


def render(environment: Environment, overview: Overview, services: Mapping[str, Any]) -> str:
    """Return the page."""
    dashboard = overview.dashboard
    places = dashboard.breakdowns[Dimension.KECAMATAN]
    rows = [*places.buckets, places.unknown]
    status = {bucket.code: bucket.businesses for bucket in dashboard.breakdowns[Dimension.STATUS].buckets}
    return environment.get_template("dashboard.html").render(
        total=dashboard.total,
        merged=dashboard.merged,
        changed_at=dashboard.changed_at,
        verified=status.get("terverifikasi", 0),
        naik_kelas=overview,
        by={dimension.value: part for dimension, part in dashboard.breakdowns.items()},
        chart=stacked_bars([(bucket.label, _cells(dashboard, bucket)) for bucket in rows]),
        matrix=[_matrix_row(dashboard, bucket, bucket is places.unknown) for bucket in rows],
        columns=[sum(_cells(dashboard, bucket)[kind] for bucket in rows) for kind in KINDS],
        caption=_caption(dashboard),
        **services,
    )


def _cells(dashboard: Dashboard, bucket: Bucket) -> dict[str, int]:
    return {kind: dashboard.cells.get((bucket.code, kind), 0) for kind in KINDS}


def _matrix_row(dashboard: Dashboard, bucket: Bucket, unknown: bool) -> MatrixRow:
    values = tuple(_cells(dashboard, bucket).values())
    return MatrixRow(bucket.code, bucket.label, values, bucket.businesses, day(bucket.newest), unknown)


def _caption(dashboard: Dashboard) -> str:
    total = dashboard.total
    return f"Satuan: {UNIT}. Sumber: {SOURCE}. Data per {day(total.oldest)} sampai {day(total.newest)}."
