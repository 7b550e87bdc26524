"""Servers, databases and topics for benchmarks, in a temporary folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg
from confluent_kafka.admin import NewTopic

from ops.kafka_admin.client import operator_client
from ops.stack import Stack
from ops.stack.databases import create_database, in_database, own_schema, owner_of
from shared.broker import KafkaSettings
from shared.database import Migrations, Pool, create_pool, kernel_migrations, migrate
from shared.topology import TOPICS

PARTITIONS = 6
TABLES = """
CREATE TABLE thing (id uuid PRIMARY KEY, version bigint NOT NULL DEFAULT 0, name text, sales bigint);
CREATE TABLE effect (id uuid PRIMARY KEY, sequence bigint NOT NULL, at timestamptz NOT NULL, type text NOT NULL);
GRANT ALL ON thing, effect TO registry
"""


class Rig:
    """The servers of one run."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.kafka: KafkaSettings = stack.credentials("operator")
        self._admin = operator_client(self.kafka)

    def topic(self) -> str:
        """Make a topic and return its name."""
        name = f"bench.{uuid4().hex[:10]}"
        self._admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(15)
        return name

    def declared_topics(self) -> None:
        """Make the topics of the services, if they are not there."""
        missing = [topic for topic in TOPICS if topic.name not in self._admin.list_topics(timeout=15).topics]
        for future in (
            self._admin.create_topics([NewTopic(t.name, t.partitions, 1) for t in missing]).values() if missing else ()
        ):
            future.result(15)

    def owner_dsn(self, dsn: str, service: str) -> str:
        """Return the DSN of the schema's owner for a database that ``database`` gave."""
        return self._stack.dsn(dsn.rpartition("/")[2], owner_of(service))

    @asynccontextmanager
    async def database(
        self, service: str = "registry", parts: Sequence[Migrations] | None = None
    ) -> AsyncIterator[tuple[str, Pool]]:
        """Give a database: its DSN, and a pool of 16 connections of the service's running login.

        It has the tables of ``parts``, or else those of the kernel and of the benchmarks.
        """
        server, name = self._stack.servers.superuser_dsn(), f"bench_{uuid4().hex[:10]}"
        superuser = await asyncpg.connect(server)
        await create_database(superuser, name, service, "template0")
        await own_schema(in_database(server, name), service)
        owner_dsn, roles = self._stack.dsn(name, owner_of(service)), {"app_role": service, "audit_role": "audit"}
        await migrate(owner_dsn, kernel_migrations("outbox", "consumer") if parts is None else parts, roles)
        if parts is None:
            owner = await asyncpg.connect(owner_dsn)
            await owner.execute(TABLES)
            await owner.close()
        dsn = self._stack.dsn(name, service)
        async with await create_pool(dsn, min_size=16, max_size=16) as pool:
            yield dsn, pool
        await superuser.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await superuser.close()


@contextmanager
def servers() -> Iterator[Rig]:
    """Start Kafka and PostgreSQL for one run and take them away at its end."""
    with TemporaryDirectory(prefix="naikkelas-bench-") as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Path(folder) / "stack", environment={**os.environ, "NAIKKELAS_PORTS": "any"})
        stack.start_servers(owned=True)
        try:
            yield Rig(stack)
        finally:
            stack.down(wipe=True)
