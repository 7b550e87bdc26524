"""The keeper starts again what died, the mailbox among it, and holds little while it only looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from ops.stack import Stack
from ops.stack.processes import wait_until

DIED = ("mailbox", "notifications-api")
PATIENCE = 60.0


def test_a_service_and_the_mailbox_that_died_are_started_again_where_they_were(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("kept")
    home.chmod(0o755)
    stack = Stack(home / "stack", environment={**os.environ, "NAIKKELAS_PORTS": "any"})
    try:
        stack.up(["notifications-api"], restart=True)
        before = stack.record().processes
        for name in DIED:
            os.kill(before[name].pid, signal.SIGKILL)

        def back() -> bool:
            now = stack.record().processes
            return all(now[name].alive and now[name].pid != before[name].pid for name in DIED)

        assert wait_until(back, PATIENCE), (stack.home.logs / "keeper.log").read_text(encoding="utf-8")
        after = stack.record()
        assert after.restarts == dict.fromkeys(DIED, 1)
        assert [after.processes[name].port for name in DIED] == [before[name].port for name in DIED]
        stack.wait_ready(["notifications-api"])
    finally:
        stack.down(wipe=True)


@pytest.mark.parametrize("module", ["ops.stack.keeper", "ops.stack.mailbox"])
def test_a_small_process_loads_no_clients_of_servers(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in ('asyncpg', 'aiokafka', 'confluent_kafka') if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
