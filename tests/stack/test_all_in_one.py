"""Each service whole in one process, as a small machine runs it: ready, with what its processes apart look after, and ended in order."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.stack.processes import HOST, free_port, start, stop, wait_until
from ops.stack.services import PROCESSES

ROLES = {service: {process.role for process in PROCESSES if process.service == service} for service in SERVICES}


def checks(port: int) -> set[str]:
    """Return the names of what a process that is ready looks after; none: it is not ready."""
    try:
        with urlopen(f"http://{HOST}:{port}/health/ready", timeout=30) as answer:
            return {name for name, check in json.load(answer)["checks"].items() if check["ok"]}
    except OSError:
        return set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_whole_gets_ready_and_ends_in_order(server_stack: Stack, tmp_path: Path, service: str) -> None:
    server_stack.migrate(service)
    port = free_port(0)
    env = server_stack.env_for(service) | {"HTTP_PORT": str(port)}
    log = tmp_path / "log"
    running = start([sys.executable, "-m", f"services.{service}", "all"], log=log, env=env)
    try:
        assert wait_until(lambda: bool(checks(port)), 60), log.read_text()
        found = checks(port)
    finally:
        ended = stop(running, seconds=30)
    assert ended, log.read_text()
    assert "database" in found
    assert ("relay" in found) == ("relay" in ROLES[service]), found
