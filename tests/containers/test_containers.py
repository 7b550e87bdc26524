"""The product on Kafka and PostgreSQL in containers that are set up as the deployment sets them up."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from ops.kafka_admin.client import operator_client
from shared.database import connected
from shared.topology import DECLARED_TOPICS
from tests.containers.servers import OWNER, engine, image, owner, remove_leftovers
from tests.kernel.conftest import KernelDatabase
from tests.kernel.delivery import change, fact_on
from tests.kernel.test_consumer import consuming, note, until
from tests.kernel.test_relay import drained, relays
from tests.stack.servers import Kafka, Postgres

THINGS, CHANGES = 5, 8
pytestmark = pytest.mark.docker


async def test_a_relay_publishes_and_a_consumer_applies_each_fact_once(
    kernel_db: KernelDatabase, kafka: Kafka, topic: str
) -> None:
    things = [uuid4() for _ in range(THINGS)]
    await kernel_db.pool.executemany("INSERT INTO thing (id) VALUES ($1)", [(thing,) for thing in things])
    async with relays(kernel_db, kafka, 1), consuming(kernel_db, kafka, topic, note), kernel_db.connection() as writer:
        for _ in range(CHANGES):
            for thing in things:
                await change(writer, fact_on(topic), thing)
        await drained(kernel_db)
        await until(kernel_db, "SELECT count(*) FROM effect", THINGS * CHANGES)
    applied = await kernel_db.pool.fetch("SELECT aggregate_id, sequence FROM effect ORDER BY n")
    for thing in things:
        assert list(range(1, CHANGES + 1)) == [row["sequence"] for row in applied if row["aggregate_id"] == thing]


async def test_postgresql_is_of_the_deployed_version(postgres_server: Postgres) -> None:
    async with connected(postgres_server.superuser_dsn) as connection:
        assert await connection.fetchval("SHOW server_version_num") >= "180000"
        assert await connection.fetchval("SHOW max_connections") == "200"


@pytest.mark.security(line="S24")
async def test_a_service_sees_the_topics_that_it_has_rights_to_and_no_others(kafka: Kafka) -> None:
    declared = {topic.name for topic in DECLARED_TOPICS}
    assert declared <= set(kafka.admin.list_topics(timeout=15).topics)
    limited = operator_client(kafka.credentials("projections"))
    seen = await asyncio.to_thread(limited.list_topics, timeout=15)
    assert "umkm.business" in seen.topics
    assert "umkm.owner" not in seen.topics


@pytest.mark.usefixtures("container_stack")
def test_every_port_is_published_on_this_machine_alone() -> None:
    with engine() as client:
        ours = client.containers.list(filters={"label": f"{OWNER}={owner()}"})
        bound = [binding["HostIp"] for one in ours for ports in one.ports.values() for binding in ports or []]
    assert len(ours) == 2
    assert bound == ["127.0.0.1", "127.0.0.1"]


@pytest.mark.usefixtures("container_stack")
def test_what_a_killed_run_left_behind_is_removed_and_nothing_else() -> None:
    ended = owner().rpartition("/")[0] + "/1.5"
    with engine() as client:
        stale = client.containers.create(image("postgres"), labels={OWNER: ended})
        remove_leftovers(client)
        left = {one.id for one in client.containers.list(all=True, filters={"label": OWNER})}
        ours = {one.id for one in client.containers.list(filters={"label": f"{OWNER}={owner()}"})}
    assert stale.id not in left
    assert len(ours) == 2
    assert ours <= left
