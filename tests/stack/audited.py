"""A platform of processes that is audited, and faults on purpose that are taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any
from uuid import uuid4

import asyncpg
from confluent_kafka import OFFSET_END, Producer
from confluent_kafka import TopicPartition as Partition
from confluent_kafka.admin import NewPartitions, NewTopic

from ops.audit import Report, audit, audit_since
from ops.audit.checkpoint import Checkpoint
from ops.audit.keeping import keep, load
from ops.kafka_admin.client import client_config, operator_client
from ops.stack import Stack
from ops.stack.databases import SERVICES, in_database, wait_for
from shared.contracts.partnership import AGREEMENT_TOPIC
from shared.contracts.registry import BUSINESS_TOPIC, IMPORT_TOPIC
from shared.database import connected
from shared.topology import TOPICS
from tests.training.test_end_to_end import MANGGAR, Client, until_done

WAIT_SECONDS = 30.0


@dataclass
class Platform:
    """All services, and an auditor."""

    stack: Stack

    @property
    def databases(self) -> dict[str, str]:
        return {service: self.stack.dsn(service, "audit") for service in SERVICES}

    @property
    def projections(self) -> str:
        """Where the checkpoint is."""
        return self.databases["projections"]

    async def whole(self, *services: str, wait: float = WAIT_SECONDS) -> Report:
        """Read all, of these services if any is named, and leave a checkpoint."""
        return await audit(self.databases, self._kafka, wait, _quietly, services, keep=True)

    async def proved(self) -> Report:
        """Read all of what is whole, so that others may continue."""
        report = await self.whole()
        assert (report.findings, report.checkpoint) == ([], "kept"), f"{report.checkpoint}: {report.findings[:3]}"
        return report

    async def since(self, *services: str, wait: float = WAIT_SECONDS) -> Report:
        """Continue from the checkpoint."""
        return await audit_since(self.databases, self._kafka, wait, _quietly, services)

    async def checkpoint(self) -> Checkpoint:
        return await load(self.projections, self._kafka)

    async def keep(self, checkpoint: Checkpoint) -> None:
        """Put a checkpoint there that an auditor sealed."""
        assert await keep(self.projections, self._kafka, checkpoint) == "kept"

    def register(self) -> tuple[str, str]:
        """Register an owner and a business, and return their ids."""
        with ExitStack() as clients:
            clerk = clients.enter_context(Client(self.stack, "registry", "petugas-a"))
            owner = clerk.new("/owners", {"name": "Siti Rahmawati", "kelurahan": MANGGAR})["id"]
            shop = clerk.new("/businesses", {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR})["id"]
        return owner, shop

    def applied(self) -> str:
        """Register a business, and return its id once every consumer has applied it."""
        shop = self.register()[1]
        self.until_applied(shop)
        return shop

    def until_applied(self, shop: str) -> None:
        """Wait until every consumer has applied what came of a business."""
        for service in ("training", "events", "projections", "notifications", "partners"):
            until_done(lambda service=service: self.ask(service, _APPLIED, shop, BUSINESS_TOPIC)[0][0])

    def run(self, service: str, statement: str, *values: Any) -> None:
        """Change something behind a service's back."""
        self.ask(service, statement, *values)

    def ask(self, service: str, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Ask as the superuser."""

        async def asking() -> list[asyncpg.Record]:
            async with connected(in_database(self.stack.servers.superuser_dsn(), service)) as connection:
                found: list[asyncpg.Record] = await connection.fetch(statement, *values)
                return found

        return wait_for(asking())

    @contextmanager
    def away(self, service: str, table: str, column: str, value: str) -> Iterator[None]:
        """Delete the rows of one aggregate for the time of the block."""
        rows = self.ask(
            service, f"DELETE FROM {table} t WHERE {column} = $1::uuid RETURNING row_to_json(t)::text", value
        )
        assert rows, "there is nothing to delete"
        told = json.dumps([json.loads(row[0]) for row in rows])
        try:
            yield
        finally:
            put_back = f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{table}, $1::text::json)"
            self.ask(service, put_back, told)

    def event_told(self, owner: str) -> str:
        """Wait until an owner was told of something, and return the event."""
        asked = "SELECT event_id::text FROM message WHERE owner_id = $1::uuid"
        return str(until_done(lambda: self.ask("notifications", asked, owner))[0][0])

    @contextmanager
    def untold(self, event: str) -> Iterator[None]:
        """Let an event's messages be another one's for the time of the block."""
        move, other = "UPDATE message SET event_id = $2::uuid WHERE event_id = $1::uuid", str(uuid4())
        self.run("notifications", move, event, other)
        try:
            yield
        finally:
            self.run("notifications", move, other, event)

    @contextmanager
    def raised(self, table: str, aggregate: str) -> Iterator[None]:
        """Raise a version at the source without a fact for the time of the block."""
        change = f"UPDATE {table} SET version = version + $2 WHERE id = $1::uuid"
        self.run("registry", change, aggregate, 1)
        try:
            yield
        finally:
            self.run("registry", change, aggregate, -1)

    @property
    def _kafka(self) -> Any:
        return self.stack.credentials("operator")


_APPLIED = "SELECT EXISTS (SELECT FROM stream_position WHERE aggregate_id = $1::uuid AND topic = $2 AND consumer NOT LIKE '%@%')"


def _quietly(_stage: str, _done: int, _total: int) -> None:
    """Tell nothing."""


def named(report: Report) -> set[tuple[str, str]]:
    """Return the kinds of what was found, with where."""
    return {(finding.kind, finding.where) for finding in report.findings}


@contextmanager
def busy(platform: Platform) -> Iterator[None]:
    """A clerk registers all the time."""
    stop, shops = Event(), list[str]()

    def work() -> None:
        while not stop.is_set():
            shops.append(platform.register()[1])

    with ThreadPoolExecutor(1) as clerks:
        clerk = clerks.submit(work)
        try:
            yield
        finally:
            stop.set()
            clerk.result()
    platform.until_applied(shops[-1])


def grow(stack: Stack) -> None:
    """Add a partition to a topic."""
    admin = operator_client(stack.credentials("operator"))
    count = len(admin.list_topics(IMPORT_TOPIC, timeout=15).topics[IMPORT_TOPIC].partitions)
    admin.create_partitions([NewPartitions(IMPORT_TOPIC, count + 1)])[IMPORT_TOPIC].result(15)


def make_anew(stack: Stack) -> None:
    """Delete a topic and make it again."""
    admin = operator_client(stack.credentials("operator"))
    admin.delete_topics([IMPORT_TOPIC])[IMPORT_TOPIC].result(15)
    (declared,) = (topic for topic in TOPICS if topic.name == IMPORT_TOPIC)
    made = NewTopic(IMPORT_TOPIC, declared.partitions, 1, config=declared.config())
    for _ in range(100):  # the old one is on its way out
        future = admin.create_topics([made])[IMPORT_TOPIC]
        if future.exception(15) is None:
            return
    future.result()


def forget(stack: Stack) -> None:
    """Write a record that is no event where no consumer would set it aside, and let the topic forget it, as a retention would."""
    kafka = stack.credentials("operator")
    producer = Producer(client_config(kafka))
    producer.produce(AGREEMENT_TOPIC, b"x", partition=0)
    producer.flush(15)
    admin, all_of_it = operator_client(kafka), Partition(AGREEMENT_TOPIC, 0, OFFSET_END)
    for future in admin.delete_records([all_of_it]).values():
        future.result(15)
