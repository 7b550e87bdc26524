"""What every test may use: a real Kafka and a real PostgreSQL, and a fresh database for each test that asks for one.

The servers are started once per run in a folder of their own and taken down after it, however the run ends.
* ``NAIKKELAS_TEST_HOME=<folder>``: uses (or starts, and leaves running) the servers of that folder, for many quick runs.
* ``KAFKA_BOOTSTRAP`` and ``POSTGRES_DSN``: uses those servers.
* ``NAIKKELAS_TEST_SERVERS=containers``: runs both in containers (``tests/containers/servers.py``).
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings

from ops.stack import Stack
from ops.stack.databases import SERVICES
from shared.topology import Topic
from tests.containers import servers as containers
from tests.stack.servers import Database, Kafka, Postgres

# A busy machine is no fault of an example: what takes its time is measured in `bench/`. What CI adds of its own stays.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# What no test has set up is written as text: structlog's own picture of an exception, with all locals, takes a second to draw.
structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])

# One token asks for what many people would: a flood is a test's own matter.
os.environ.setdefault("REQUESTS_PER_SECOND", "0")

# Two or three platforms and the tests themselves share a machine. What one platform leaves to its own import, they would take.
os.environ.setdefault("NICE", "0")

LONGEST = ("tests/proof/test_promises.py", "tests/story/")


def on_containers() -> bool:
    """Tell whether the run is to use containers. Raises ``UsageError`` for a word that says nothing."""
    chosen = os.environ.get("NAIKKELAS_TEST_SERVERS", "")
    if chosen not in {"", "embedded", "containers"}:
        raise pytest.UsageError(f"NAIKKELAS_TEST_SERVERS is {chosen!r}; it may be 'embedded' or 'containers'")
    return chosen == "containers"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes minutes: where two processes share the run, the other one would wait for it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Get images before the first test: that may take longer than a test may."""
    if on_containers():
        try:
            containers.fetch_images()
        except containers.ContainersUnavailableError as error:
            raise pytest.UsageError(f"NAIKKELAS_TEST_SERVERS=containers: {error}") from error


@pytest.fixture(scope="session")
def given_servers() -> Iterator[dict[str, str]]:
    """The variables that name servers in containers; none where the stack starts its own or the environment names some."""
    if not on_containers():
        yield {}
        return
    with containers.running() as given:
        yield given


@pytest.fixture(scope="session")
def server_stack(given_servers: dict[str, str]) -> Iterator[Stack]:
    """A stack with its servers up: databases, logins, topics, users and rights as declared, no services."""
    environment = {"NAIKKELAS_PORTS": "any", **os.environ, **given_servers}
    given = os.environ.get("NAIKKELAS_TEST_HOME")
    # Not under pytest's own folder: each run of pytest closes that to the account that PostgreSQL runs as.
    home = Path(given) if given else Path(tempfile.mkdtemp(prefix="naikkelas-test-"))
    stack = Stack(home, environment=environment)
    stack.start_servers(owned=given is None)
    yield stack
    if given is None:
        stack.down(wipe=True)


@pytest.fixture(scope="session")
def migrated_stack(server_stack: Stack) -> Stack:
    """The same with the schema of every service: for commands that ask the databases of them all, in whatever order tests come."""
    for service in SERVICES:
        server_stack.migrate(service)
    return server_stack


@pytest.fixture(scope="session")
def kafka(server_stack: Stack) -> Kafka:
    """Kafka: ``bootstrap``, ``credentials(principal)``, ``admin``, ``make_topic()``."""
    return Kafka(server_stack)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let what is started hear Ctrl-C also where the tests run in the background of a shell, which ignores it for them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def topic(kafka: Kafka) -> str:
    """A new topic of six partitions, for this test alone. The services' users may not touch it; use the operator."""
    return kafka.make_topic(Topic("test", partitions=6))


@pytest.fixture(scope="session")
def postgres_server(server_stack: Stack) -> Postgres:
    """PostgreSQL: ``superuser_dsn``, ``dsn_for(database, role)``, ``clone(service)``."""
    return Postgres(server_stack)


@pytest.fixture
def empty_db(postgres_server: Postgres) -> Iterator[Database]:
    """A database without tables, with the registry's logins: for tests that migrate by themselves."""
    with postgres_server.empty("registry") as database:
        yield database


@pytest.fixture
def registry_db(postgres_server: Postgres) -> Iterator[Database]:
    """A fresh, migrated database of the registry: ``dsn`` (running login), ``migrate_dsn``, ``audit_dsn``, ``superuser_dsn``."""
    with postgres_server.clone("registry") as database:
        yield database


@pytest.fixture
def training_db(postgres_server: Postgres) -> Iterator[Database]:
    """A fresh, migrated database of the trainings."""
    with postgres_server.clone("training") as database:
        yield database


@pytest.fixture
def events_db(postgres_server: Postgres) -> Iterator[Database]:
    """A fresh, migrated database of the exhibitions."""
    with postgres_server.clone("events") as database:
        yield database


@pytest.fixture
def projections_db(postgres_server: Postgres) -> Iterator[Database]:
    """A fresh, migrated database of the projections."""
    with postgres_server.clone("projections") as database:
        yield database


@pytest.fixture
def notifications_db(postgres_server: Postgres) -> Iterator[Database]:
    """A fresh, migrated database of the notifications."""
    with postgres_server.clone("notifications") as database:
        yield database


@pytest.fixture
def partners_db(postgres_server: Postgres) -> Iterator[Database]:
    """A fresh, migrated database of the partner service."""
    with postgres_server.clone("partners") as database:
        yield database
