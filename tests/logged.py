"""Logs that are set up as in a service, for as long as a test wants them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import structlog

from shared.logs import configure_logs


class Lines:
    """What was written so far."""

    def __init__(self) -> None:
        self.stream = BytesIO()

    def __call__(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@contextmanager
def logged(service: str, instance: str | None = None) -> Iterator[Lines]:
    """Write as a service does meanwhile, and put back what was set up before."""
    lines, root = Lines(), logging.getLogger()
    before, handlers, level, hook = structlog.get_config(), root.handlers[:], root.level, sys.excepthook
    configure_logs(service, "INFO", instance=instance, stream=lines.stream)
    try:
        yield lines
    finally:
        logging.captureWarnings(False)
        root.handlers[:], sys.excepthook = handlers, hook
        root.setLevel(level)
        structlog.configure(**before)
