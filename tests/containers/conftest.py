"""Servers in containers for the tests of this folder, also where the rest of the run uses embedded ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.stack import Stack
from tests.conftest import on_containers
from tests.containers.servers import ContainersUnavailableError, missing_images, running
from tests.kernel.conftest import kernel_db
from tests.stack.servers import Kafka, Postgres

__all__ = ["kernel_db"]


def _why_not() -> str | None:
    """Return why no container can be started here, if so."""
    try:
        missing = missing_images()
    except ContainersUnavailableError as error:
        return str(error)
    return f"the container engine does not have {' and '.join(missing)}: docker pull" if missing else None


@pytest.fixture(scope="session")
def container_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack on containers, prepared as any other: the run's own if that is one."""
    if on_containers():
        yield request.getfixturevalue("server_stack")
        return
    if reason := _why_not():
        pytest.skip(reason)
    with running() as given, tempfile.TemporaryDirectory(prefix="naikkelas-test-") as home:
        stack = Stack(Path(home), environment={"NAIKKELAS_PORTS": "any"} | given)
        stack.start_servers()
        yield stack


@pytest.fixture(scope="session")
def kafka(container_stack: Stack) -> Kafka:
    """Kafka in its container."""
    return Kafka(container_stack)


@pytest.fixture(scope="session")
def postgres_server(container_stack: Stack) -> Postgres:
    """PostgreSQL in its container."""
    return Postgres(container_stack)
