"""The page of the OpenAPI document, with its script and style from an installed package: no CDN, nothing inline."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files

from fastapi import APIRouter, Depends
from starlette.responses import HTMLResponse, Response

from shared.auth import public
from shared.problems import standard

_PACKAGE = "fastapi_offline"
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
}
_START = """\
const place = document.currentScript.dataset.document;
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: place,
    dom_id: "#api",
    deepLinking: true,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  });
});
"""
_PAGE = """\
<!doctype html>
<html lang="id">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="docs/assets/favicon.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/start.js" data-document="openapi.json"></script>
</body>
</html>
"""


@cache
def asset(name: str) -> bytes:
    """Return an asset of the page. Raises ``KeyError`` for a name that is none."""
    if name not in _ASSETS:
        raise KeyError(name)
    return files(_PACKAGE).joinpath("static", name).read_bytes()


def docs_router(title: str) -> APIRouter:
    """Return the routes ``/docs`` and its assets, open to everybody like the document itself."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(public())])

    @router.get("/docs")
    async def docs() -> Response:
        return HTMLResponse(_PAGE.format(title=escape(title)))

    @router.get("/docs/assets/start.js")
    async def start() -> Response:
        return Response(_START, media_type="text/javascript")

    @router.get("/docs/assets/{name}")
    async def assets(name: str) -> Response:
        if name not in _ASSETS:
            raise standard(404)
        return Response(asset(name), media_type=_ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})

    return router
