"""The kit of the services' pages: layout, one style sheet, charts drawn as SVG on the server.

Pages work without JavaScript and load nothing from elsewhere; ``PAGE_HEADERS`` makes the browser hold them to it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

STYLE_PATH = "/assets/naikkelas.css"


@lru_cache(maxsize=1)
def style_sheet() -> bytes:
    """Return the style sheet."""
    return (HERE / "style.css").read_bytes()


def style_url(up: int) -> str:
    """Return the address of the style sheet from a page that lies ``up`` folders below the service's root.

    It is named from there, because behind the proxy the root is a folder with the service's name. It changes with the content,
    so that it can be kept for ever.
    """
    return f"{'../' * up}{STYLE_PATH.removeprefix('/')}?v={sha256(style_sheet()).hexdigest()[:12]}"


def page_environment(folder: Path, up: int = 0) -> Environment:
    """Return an environment for the templates in ``folder`` and the kit's ``layout.html``: escaped, undefined is an error.

    ``up`` is how many folders the pages lie below the service's root.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style_url"] = style_url(up)
    return environment
