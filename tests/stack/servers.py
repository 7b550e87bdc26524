"""The servers as tests see them: topics and databases of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from ops.kafka_admin.client import operator_client
from ops.stack import Stack
from ops.stack.databases import AUDIT, create_database, in_database, own_schema, owner_of, wait_for
from ops.stack.services import ROOT
from shared.broker import KafkaSettings
from shared.database import connected
from shared.topology import Topic

TEMPLATE_LOCK = 0x74656D70


class Kafka:
    """The broker of the run."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.admin: AdminClient = operator_client(self.credentials("operator"))

    @property
    def bootstrap(self) -> str:
        """``host:port`` of the client listener."""
        return self.credentials("operator").bootstrap

    def credentials(self, principal: str = "operator") -> KafkaSettings:
        """Return how a principal reaches the broker; the operator may do everything."""
        return self._stack.credentials(principal)

    def make_topic(self, topic: Topic | None = None) -> str:
        """Create a topic with a name of its own, that begins with the declared one, and return the name."""
        declared = topic or Topic("test", partitions=6)
        name = f"{declared.name}.{uuid4().hex[:12]}"
        new = NewTopic(name, num_partitions=declared.partitions, replication_factor=1, config=declared.config())
        self.admin.create_topics([new])[name].result(15)
        return name


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test."""

    name: str
    dsn: str
    """The running login: no DDL."""
    migrate_dsn: str
    """The owner of the schema."""
    audit_dsn: str
    superuser_dsn: str


class Postgres:
    """The server of the run."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.superuser_dsn = stack.servers.superuser_dsn()
        self._templates: dict[str, str] = {}

    def dsn_for(self, database: str, role: str) -> str:
        """Return the DSN of a database for a login."""
        return self._stack.dsn(database, role)

    @contextmanager
    def clone(self, service: str) -> Iterator[Database]:
        """Give a copy of a service's migrated database, and drop it afterwards."""
        if service not in self._templates:
            self._templates[service] = wait_for(self._template(service))
        yield from self._lend(service, self._templates[service])

    @contextmanager
    def empty(self, service: str) -> Iterator[Database]:
        """Give a database without tables."""
        yield from self._lend(service, "template0")

    def _lend(self, service: str, template: str) -> Iterator[Database]:
        database = self._database(f"test_{service}_{uuid4().hex[:12]}", service)
        wait_for(self._make(database, service, template))
        yield database
        wait_for(self._drop(database.name))

    def _database(self, name: str, service: str) -> Database:
        return Database(
            name=name,
            dsn=self.dsn_for(name, service),
            migrate_dsn=self.dsn_for(name, owner_of(service)),
            audit_dsn=self.dsn_for(name, AUDIT),
            superuser_dsn=in_database(self.superuser_dsn, name),
        )

    async def _make(self, database: Database, service: str, template: str) -> None:
        async with connected(self.superuser_dsn) as connection:
            await create_database(connection, database.name, service, template)
        if template == "template0":
            await own_schema(database.superuser_dsn, service)

    async def _drop(self, name: str) -> None:
        async with connected(self.superuser_dsn) as connection:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _template(self, service: str) -> str:
        """Return the name of the migrated template of a service; it is made again when a migration changes."""
        name = f"template_{service}_{_migrations_digest(service)}"
        async with connected(self.superuser_dsn) as connection:
            await connection.execute("SELECT pg_advisory_lock($1)", TEMPLATE_LOCK)
            ready = await connection.fetchval("SELECT datistemplate FROM pg_database WHERE datname = $1", name)
            if not ready:
                await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
                database = self._database(name, service)
                await self._make(database, service, "template0")
                self._migrate(database, service)
                await connection.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true ALLOW_CONNECTIONS false')
        return name

    def _migrate(self, database: Database, service: str) -> None:
        """Migrate as the service itself does."""
        env = self._stack.env_for(service) | {"DATABASE_DSN": database.dsn, "MIGRATION_DSN": database.migrate_dsn}
        command = [sys.executable, "-m", f"services.{service}", "migrate"]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"{service} does not migrate: {(done.stderr or done.stdout)[-2000:]}", pytrace=False)


def _migrations_digest(service: str) -> str:
    files = [*(ROOT / "shared" / "sql").rglob("*.sql"), *(ROOT / "services" / service).rglob("*.sql")]
    return sha256(b"\0".join(path.read_bytes() for path in sorted(files))).hexdigest()[:12]
