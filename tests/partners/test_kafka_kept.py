"""What a topic of an agency keeps: 30 days from when it was written, whatever the age of what it tells."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, OffsetSpec

from ops.kafka_admin.client import client_config, operator_client
from ops.kafka_admin.groups import found_at, offsets_of
from ops.kafka_admin.plan import apply_plan, create_topics, make_plan
from ops.stack.home import Home
from ops.stack.kafka import KafkaServer, Ports
from ops.stack.processes import free_port
from shared.broker import KafkaSettings
from shared.topology import AGENCY_DAYS, AGENCY_PARTITIONS, DAY_MS, DECLARED_TOPICS, PRINCIPALS, Topic, agency_topic
from tests.notifications.story import WHEN
from tests.partners.agency_topics import an_agency, writer_of, writing
from tests.partners.bureau import Bureau
from tests.partners.test_kafka import until_written
from tests.stack.servers import Kafka

KEPT = agency_topic("uji-simpan")
FORGETS = Topic("umkm.uji-lupa", AGENCY_PARTITIONS, retention_ms=AGENCY_DAYS * DAY_MS)
"""The same retention by the time of the facts: what it has lost, a look of the broker at all logs has come by."""
OFTEN = "\n# Minutes of a broker in a second.\nlog.initial.task.delay.ms=100\nlog.retention.check.interval.ms=100\n"
LOOKS_SECONDS = 60.0


class HastyServer(KafkaServer):
    """A broker that looks ten times a second at what is to be forgotten."""

    def _configure(self, cluster: dict[int, Ports]) -> None:  # type: ignore[override]
        super()._configure(cluster)
        with self._config.open("a", encoding="utf-8") as config:
            config.write(OFTEN)


@pytest.fixture(scope="module")
def hasty() -> Iterator[KafkaSettings]:
    """A broker of its own, that forgets within a second."""
    home = Home(Path(tempfile.mkdtemp(prefix="naikkelas-test-")))
    home.prepare()
    server = HastyServer(home, lambda _text: None)
    ports = Ports(free_port(0), free_port(0), free_port(0))
    started = server.start({1: ports})
    try:
        settings = server.operator(ports.client)
        server.wait(started, settings)
        yield settings
    finally:
        server.stop(started)
        shutil.rmtree(home.path, ignore_errors=True)


def write_old(settings: KafkaSettings, topic: str) -> None:
    """Write a record of 60 days ago into the first partition of a topic."""
    answers: list[object] = []
    producer = Producer(client_config(settings))
    then = int((datetime.now(UTC) - timedelta(days=60)).timestamp() * 1000)
    producer.produce(topic, b"{}", partition=0, timestamp=then, on_delivery=lambda error, _: answers.append(error))
    assert (producer.flush(30), answers) == (0, [None])


def begin_of(admin: AdminClient, topic: str) -> int:
    return offsets_of(admin, {topic: [0]}, OffsetSpec.earliest())[topic, 0]


def until_forgotten(admin: AdminClient, topic: str, upto: int) -> None:
    """Wait until the broker has forgotten so many records of a topic."""
    deadline = monotonic() + LOOKS_SECONDS
    while begin_of(admin, topic) < upto:
        assert monotonic() < deadline, f"{topic} was not looked at"
        sleep(0.05)


def test_what_is_sixty_days_old_stays_thirty_days_in_the_topic_of_an_agency(hasty: KafkaSettings) -> None:
    admin = operator_client(hasty)
    create_topics(admin, [KEPT, FORGETS])
    write_old(hasty, KEPT.name)
    for number in (1, 2):  # in between the broker has looked at every log once, this one too
        write_old(hasty, FORGETS.name)
        until_forgotten(admin, FORGETS.name, number)
    assert begin_of(admin, KEPT.name) == 0
    (found,) = found_at(admin, {KEPT.name: [0]}, OffsetSpec.for_timestamp(_ago(hours=1))).values()
    assert found.offset == 0  # by its time it is of now


def test_applying_the_topology_sets_a_topic_of_before_to_the_time_of_writing(kafka: Kafka) -> None:
    with an_agency(kafka) as (_, access):
        before = ConfigEntry("message.timestamp.type", "CreateTime", incremental_operation=AlterConfigOpType.SET)
        change = ConfigResource(ConfigResource.Type.TOPIC, access.topic, incremental_configs=[before])
        kafka.admin.incremental_alter_configs([change])[change].result(15)
        plan = make_plan(kafka.admin, DECLARED_TOPICS, PRINCIPALS)
        assert (plan.configure, plan.create) == ({access.topic: {"message.timestamp.type": "LogAppendTime"}}, [])
        apply_plan(kafka.admin, plan, lambda name: kafka.credentials(name).password)
        assert make_plan(kafka.admin, DECLARED_TOPICS, PRINCIPALS).empty


async def test_the_office_writes_with_the_time_of_writing_and_the_event_keeps_its_own(
    bureau: Bureau, kafka: Kafka
) -> None:
    with an_agency(kafka) as (agency, access):
        await bureau.agree(agency=agency, ways=["kafka"])
        began = _ago()
        await bureau.businesses(1)
        async with writing(writer_of(kafka, bureau.pool)):
            await until_written(bureau, agency)
        consumer = Consumer(client_config(kafka.credentials()) | {"group.id": f"uji-{uuid4().hex[:8]}"})
        try:
            consumer.assign([TopicPartition(access.topic, number, 0) for number in range(AGENCY_PARTITIONS)])
            message = consumer.poll(30.0)
        finally:
            consumer.close()
    assert message is not None
    kind, milliseconds = message.timestamp()
    assert kind == 2  # TIMESTAMP_LOG_APPEND_TIME
    assert began <= milliseconds <= _ago()
    told = dict(message.headers() or [])["ce_time"]
    assert datetime.fromisoformat(bytes(told).decode()) == WHEN


def _ago(**units: float) -> int:
    return int((datetime.now(UTC) - timedelta(**units)).timestamp() * 1000)
