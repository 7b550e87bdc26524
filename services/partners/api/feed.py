"""The feed that agencies read: a batch of CloudEvents (JSON batch format), with where the next one begins in the headers."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.partners.api.forms import Moment
from services.partners.api.requests import Agency, refusals_as_problems
from services.partners.domain.refusals import NoAgreementError
from services.partners.handlers.erasures import count_open
from services.partners.handlers.feeding import Asked, Batch, Feed
from shared.web.deeds import pool_of

router = APIRouter(prefix="/feed", tags=["aliran"])

BATCH_TYPE = "application/cloudevents-batch+json"
_ANSWER = {
    "description": "Peristiwa dalam format batch CloudEvents; kosong bila belum ada.",
    "content": {BATCH_TYPE: {"schema": {"type": "array", "items": {"type": "object"}}}},
    "headers": {
        "Feed-Next": {"description": "Kursor untuk halaman berikutnya.", "schema": {"type": "string"}},
        "Feed-Lag-Events": {"description": "Peristiwa sesudah halaman ini.", "schema": {"type": "integer"}},
        "Feed-Lag-Seconds": {"description": "Umur peristiwa pertama sesudahnya.", "schema": {"type": "number"}},
        "Feed-Erasures": {"description": "Pemberitahuan penghapusan yang menunggu.", "schema": {"type": "integer"}},
        "Feed-Complete": {"description": "Rentang waktu sudah habis.", "schema": {"type": "string"}},
    },
}
Cursor = Annotated[str | None, Query(max_length=200, description="`Feed-Next` dari halaman sebelumnya.")]
Time = Annotated[Moment | None, Query(description="Saat peristiwa tercatat di sini, dengan zona.")]


@router.get("/{stream}", responses={200: _ANSWER}, response_class=Response, summary="Baca aliran")
async def read(
    request: Request,
    stream: Annotated[str, Path(max_length=40, examples=["business"])],
    principal: Agency,
    after: Cursor = None,
    since: Time = None,
    until: Time = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    wait: Annotated[float, Query(ge=0, le=30, allow_inf_nan=False, description="Detik menunggu.")] = 0,
) -> Response:
    """Peristiwa sesudah kursor, sejauh perjanjian instansi Anda memberikannya. Tanpa kursor: dari `since`, atau dari awal."""
    feed: Feed = request.app.state.feed
    async with refusals_as_problems():
        if principal.agency is None:
            raise NoAgreementError(None, None)
        batch = await feed.read(Asked(principal.agency, stream, after, since, until, limit, wait))
        erasures = await count_open(pool_of(request), principal.agency)
    headers = _headers(request, batch) | {"Feed-Erasures": str(erasures)}
    return Response(orjson.dumps(batch.events), media_type=BATCH_TYPE, headers=headers)


def _headers(request: Request, batch: Batch) -> dict[str, str]:
    kept = {name: value for name, value in request.query_params.items() if name in {"until", "limit", "wait"}}
    following = urlencode({"after": batch.cursor, **kept})
    return {
        "Cache-Control": "no-store",
        "Feed-Next": batch.cursor,
        "Feed-Lag-Events": str(batch.lag_events),
        "Feed-Lag-Seconds": f"{batch.lag_seconds:.3f}",
        "Feed-Complete": "true" if batch.complete else "false",
        "Link": f'<?{following}>; rel="next"',
    }
