"""What every service serves beside its pages, those of refusals too: their one style sheet, and the way to an address that ends with a slash."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.auth import public
from shared.web_pages import STYLE_PATH, style_sheet


def style_router() -> APIRouter:
    """Return the route of the style sheet, which browsers may keep for ever: its address changes with its content."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(public())])

    @router.get(STYLE_PATH)
    async def style() -> Response:
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(style_sheet(), media_type="text/css", headers=headers)

    return router


def with_slash(request: Request, headers: Mapping[str, str]) -> Response:
    """Lead to the same address with a slash at its end, by a relative one: what stands before the path only the proxy knows."""
    last, query = request.url.path.rpartition("/")[2], request.url.query
    return RedirectResponse(f"{last}/?{query}" if query else f"{last}/", 303, headers=dict(headers))
