"""The registry's API as it runs in operation; with ``--without-database`` the same, but nothing is done or stored."""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

from starlette.requests import Request
from starlette.responses import Response

from services.registry.api import businesses
from services.registry.processes import SERVICE
from shared.idempotency import Answer, Once, render
from shared.identifiers import new_id
from shared.web.versions import etag

WITHOUT_DATABASE = "--without-database"


async def _answer_at_once(request: Request, once: Once, _work: Any, *, created: str | None = None) -> Response:
    """Stand in for ``run_once``: the request is checked, identified and answered in the same form, and that is all."""
    await once.identity()
    made = new_id()
    headers = {"ETag": etag(1), "Location": f"{created}/{made}"}
    return render(Answer(200 if created is None else 201, {"id": str(made), "version": 1}, headers)).response(
        replayed=False
    )


def main() -> int:
    """Serve until a signal comes."""
    if WITHOUT_DATABASE not in sys.argv:
        return SERVICE.main(["api"])
    with patch.object(businesses, "run_once", _answer_at_once):
        return SERVICE.main(["api"])


if __name__ == "__main__":
    sys.exit(main())
