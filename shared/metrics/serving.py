"""``GET /metrics``: open, like health, to who reaches a process's own port; the proxy does not pass it on (decision 33)."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from shared.auth import public
from shared.metrics.exposition import CONTENT_TYPE
from shared.metrics.holding import Metrics


def metrics_router(metrics: Metrics) -> APIRouter:
    """Return the route. It stands in no OpenAPI document: it is for machines inside, and speaks no JSON."""
    router = APIRouter(tags=["health"], dependencies=[Depends(public())], include_in_schema=False)

    @router.get("/metrics", summary="Angka proses ini untuk Prometheus")
    async def read_metrics() -> Response:
        return Response(await metrics.read(), media_type=CONTENT_TYPE)

    return router
