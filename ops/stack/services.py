"""The processes of the services: a declared list, and the environment that each is started with."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path

from ops.stack.processes import HOST

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120.0
"""A whole platform starts on two busy cores within this time; who dies is told of at once."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a service. A further copy is named ``<service>-<role>-2`` and so on."""

    service: str
    role: str
    port: int
    """Where it answers for its health, and an API for all else; another one is taken if this is not free."""
    copy: int = 1
    nice: int = 0
    """How much it leaves to the others where processors are short."""

    @property
    def name(self) -> str:
        """Its name in ``status``, in ``stack.json``, and of its log file."""
        return f"{self.service}-{self.role}" + ("" if self.copy == 1 else f"-{self.copy}")

    @property
    def instance(self) -> str:
        """The stable name of this copy, for logs and static group membership."""
        return f"{self.role}-{self.copy}"

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", f"services.{self.service}", self.role]


IMPORTING, FOLLOWING = 3, 12
"""Who answers people goes first, then who takes their files in, then who follows (docs/decisions/0057)."""

PROCESSES: tuple[Process, ...] = (
    Process("registry", "api", 18_001),
    Process("registry", "relay", 18_011),
    Process("registry", "worker", 18_021, nice=IMPORTING),
    Process("training", "api", 18_004),
    Process("training", "relay", 18_014),
    Process("training", "worker", 18_024, nice=FOLLOWING),
    Process("events", "api", 18_005),
    Process("events", "relay", 18_015),
    Process("events", "worker", 18_025, nice=FOLLOWING),
    Process("projections", "api", 18_002),
    Process("projections", "worker", 18_012, nice=FOLLOWING),
    Process("notifications", "api", 18_003),
    Process("notifications", "worker", 18_013, nice=FOLLOWING),
    Process("partners", "api", 18_006),
    Process("partners", "relay", 18_016),
    Process("partners", "worker", 18_026, nice=FOLLOWING),
)
"""In the order of starting: who gives keys comes before who asks for them."""


MAILBOX = "mailbox"


def is_service(name: str) -> bool:
    """Tell whether a recorded process is one of a service, or the mailbox: these are started again when they die."""
    try:
        find_process(name)
    except KeyError:
        return name == MAILBOX
    return True


def find_process(name: str) -> Process:
    """Return the declared process of this name, or a further copy of it. Raises ``KeyError``."""
    declared = {process.name: process for process in PROCESSES}
    if name in declared:
        return declared[name]
    first, _, copy = name.rpartition("-")
    if first not in declared or not copy.isdigit() or int(copy) < 2:
        raise KeyError(name)
    base = declared[first]
    return Process(base.service, base.role, base.port + 100 * (int(copy) - 1), int(copy), base.nice)


def present(processes: Sequence[Process]) -> list[Process]:
    """Return the processes whose service is in this checkout: an image or a test may hold only some."""
    return [process for process in processes if find_spec(f"services.{process.service}.__main__") is not None]


def platform_of(ports: Mapping[str, int]) -> str:
    """Return where the processes of services answer, of ports by purpose, as the setting ``PLATFORM`` names them."""
    declared = {process.name for process in PROCESSES}
    return ",".join(f"{name}={HOST}:{port}" for name, port in ports.items() if re.sub(r"-\d+$", "", name) in declared)


_FOREIGN = ("KAFKA_", "POSTGRES_", "PG", "NAIKKELAS_", "DATABASE_", "MIGRATION_", "JWT_", "JWKS", "SMTP_", "HTTP_")


def inherited() -> dict[str, str]:
    """Return our environment without what a service must not see by accident, such as an operator's password."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def is_ready(port: int) -> tuple[bool, str]:
    """Ask a process whether it is ready; return that, and what it said if it is not."""
    connection = HTTPConnection(HOST, port, timeout=5.0)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        body = answer.read(4_096).decode(errors="replace")
    except (OSError, HTTPException) as error:
        return False, f"no answer ({type(error).__name__})"
    finally:
        connection.close()
    return answer.status == 200, body


def settings_of(common: Mapping[str, str], extra: Mapping[str, Mapping[str, str]], service: str) -> dict[str, str]:
    """Return the variables of a service: what all share, and its own."""
    return dict(common) | dict(extra.get(service, {}))
