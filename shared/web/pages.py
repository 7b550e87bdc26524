"""What every service with pages serves beside them: their one style sheet."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

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
