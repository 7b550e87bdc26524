"""Servers, databases and topics for benchmarks, in a temporary folder."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import NewTopic

from bench.harness import VoidRunError
from ops.kafka_admin.client import operator_client
from ops.stack import Stack
from ops.stack.databases import create_database, in_database, own_schema, owner_of
from ops.stack.processes import free_port, wait_until
from ops.stack.services import READY_SECONDS, is_ready
from shared.auth import Role
from shared.broker import KafkaSettings
from shared.database import Migrations, Pool, create_pool, kernel_migrations, migrate
from shared.sealing import KeyRing
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
        # As many copies as the cluster makes of what does not say otherwise.
        self._admin.create_topics([NewTopic(name, PARTITIONS, -1)])[name].result(15)
        return name

    def declared_topics(self) -> None:
        """Make the topics of the services, if they are not there."""
        missing = [topic for topic in TOPICS if topic.name not in self._admin.list_topics(timeout=15).topics]
        for future in (
            self._admin.create_topics([NewTopic(t.name, t.partitions, 1) for t in missing]).values() if missing else ()
        ):
            future.result(15)

    def empty_topic(self, name: str, partitions: int) -> None:
        """Make a declared topic anew; what groups remember of it goes with the old one."""
        if name in self._admin.list_topics(timeout=15).topics:
            self._admin.delete_topics([name])[name].result(15)
        if not wait_until(lambda: self._made(name, partitions), 15):
            raise VoidRunError(f"{name} cannot be made anew")

    def _made(self, name: str, partitions: int) -> bool:
        try:
            self._admin.create_topics([NewTopic(name, partitions, 1)])[name].result(15)
        except KafkaException:
            return False  # the old one is on its way out
        return True

    def owner_dsn(self, service: str, dsn: str) -> str:
        """Return the DSN of the owner of the schema that ``dsn`` leads to."""
        return self._stack.dsn(urlsplit(dsn).path.removeprefix("/"), owner_of(service))

    def environment(self, service: str, dsn: str, port: int) -> dict[str, str]:
        """Return the environment of a process of a service with a database of its own."""
        return self._stack.env_for(service) | {"DATABASE_DSN": dsn, "HTTP_PORT": str(port)}

    @asynccontextmanager
    async def process(self, service: str, dsn: str, *command: str, **settings: str) -> AsyncIterator[tuple[int, int]]:
        """Run ``python -m command`` as a process of a service, with ``settings`` beside its own; once it is ready, give its port and its id."""
        port = free_port(0)
        environment = self.environment(service, dsn, port) | settings
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *command, env=environment, stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not (await asyncio.to_thread(is_ready, port))[0]:
                    await asyncio.sleep(0.05)
            yield port, process.pid
        finally:
            process.terminate()
            await process.wait()

    def token(self, roles: Sequence[Role], **claims: Any) -> str:
        """Return an access token that the services take."""
        return self._stack.token(roles, **claims)

    def webhook_keys(self) -> list[str]:
        """Return the keys that wrap the secrets of webhooks in the partners' processes."""
        return [self._stack.home.webhook_key()]

    def database_seconds(self) -> float:
        """Return the processor time that PostgreSQL took so far, its sessions with it."""
        return self._stack.record().processes["postgres"].processor_seconds()

    def ring(self) -> KeyRing:
        """Return the key ring of the registry's processes."""
        return KeyRing(self._stack.home.key_encryption_key())

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
def stack_of_its_own() -> Iterator[Stack]:
    """Give a stack of which nothing runs yet, on ports of its own, and take it away at the end."""
    with TemporaryDirectory(prefix="naikkelas-bench-") as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Path(folder) / "stack", environment={**os.environ, "NAIKKELAS_PORTS": "any"})
        try:
            yield stack
        finally:
            stack.down(wipe=True)


@contextmanager
def servers(brokers: int = 1) -> Iterator[Rig]:
    """Start Kafka and PostgreSQL for one run and take them away at its end."""
    with stack_of_its_own() as stack:
        stack.start_servers(owned=True, brokers=brokers)
        yield Rig(stack)
