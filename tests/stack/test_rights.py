"""Rights on Kafka and PostgreSQL: each service can do its work, and nothing else (SECURITY S4, S24)."""

from __future__ import annotations

import asyncpg
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import NewTopic

from ops.kafka_admin.client import client_config, operator_client
from shared.broker import KafkaSettings
from shared.database import connected
from shared.topology import (
    AGREEMENT_TOPIC,
    APPLICATION_TOPIC,
    BUSINESS_TOPIC,
    COURSE_TOPIC,
    IMPORT_TOPIC,
    OWNER_TOPIC,
    PUBLIC_TOPICS,
    Topic,
)
from tests.stack.servers import Database, Kafka, Postgres


def read(kafka: Kafka, principal: str, topic: str, group: str) -> KafkaError | None:
    """Try to read as a principal; return the broker's refusal, or nothing once it gave something or said that there is no more.

    A partition that was assigned proves nothing: who writes to a topic is told of it, and refused when it is read.
    """
    more = {"group.id": group, "auto.offset.reset": "earliest", "enable.partition.eof": True}
    consumer = Consumer(client_config(kafka.credentials(principal)) | more)
    try:
        consumer.subscribe([topic])
        for _ in range(120):
            message = consumer.poll(0.25)
            if message is not None:
                error = message.error()
                return None if error is None or error.code() == KafkaError._PARTITION_EOF else error
    finally:
        consumer.close()
    raise TimeoutError("the broker neither assigned nor refused")


def write(kafka: Kafka, principal: str, topic: str) -> KafkaError | None:
    """Try to write as a principal; return the broker's refusal, if any."""
    answers: list[KafkaError | None] = []
    producer = Producer(client_config(kafka.credentials(principal)) | {"message.timeout.ms": 8_000})
    producer.produce(topic, b"x", on_delivery=lambda error, _: answers.append(error))
    producer.flush(10)
    return answers[0]


@pytest.mark.security(line="S4")
def test_a_service_reads_its_topic_in_its_own_group(kafka: Kafka) -> None:
    assert read(kafka, "projections", BUSINESS_TOPIC, "projections-test") is None


@pytest.mark.parametrize(
    ("principal", "topic", "group"),
    [
        ("projections", OWNER_TOPIC, "projections-test"),
        ("projections", BUSINESS_TOPIC, "notifications"),
        ("registry", BUSINESS_TOPIC, "registry"),
        ("training", IMPORT_TOPIC, "training"),
        ("events", COURSE_TOPIC, "events"),
        ("training", APPLICATION_TOPIC, "training"),
        ("events", AGREEMENT_TOPIC, "events"),
    ],
)
@pytest.mark.security(line="S4")
def test_another_topic_or_another_group_is_refused(kafka: Kafka, principal: str, topic: str, group: str) -> None:
    error = read(kafka, principal, topic, group)
    assert error is not None
    assert error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


@pytest.mark.parametrize("principal", ["training", "events", "projections", "notifications", "partners"])
@pytest.mark.security(line="S4")
def test_who_only_reads_cannot_write(kafka: Kafka, principal: str) -> None:
    error = write(kafka, principal, BUSINESS_TOPIC)
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize("principal", ["registry", "training", "events", "projections", "notifications"])
@pytest.mark.parametrize("topic", PUBLIC_TOPICS, ids=lambda topic: topic.name)
@pytest.mark.security(line="S4")
def test_who_is_not_the_partners_writes_nothing_public(kafka: Kafka, principal: str, topic: Topic) -> None:
    error = write(kafka, principal, topic.name)
    assert error is not None
    assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize("principal", ["registry", "training", "events", "projections", "notifications", "partners"])
@pytest.mark.security(line="S4")
def test_a_service_has_no_right_to_read_what_is_public(kafka: Kafka, principal: str) -> None:
    error = read(kafka, principal, PUBLIC_TOPICS[0].name, principal)
    assert error is not None
    assert error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}


@pytest.mark.security(line="S4")
def test_a_service_makes_no_topic(kafka: Kafka) -> None:
    admin = operator_client(kafka.credentials("registry"))
    with pytest.raises(KafkaException, match=r"(?i)authoriz"):
        admin.create_topics([NewTopic("umkm.lain", 1, 1)])["umkm.lain"].result(15)


@pytest.mark.security(line="S4")
def test_a_wrong_password_is_refused(kafka: Kafka) -> None:
    good = kafka.credentials("registry")
    admin = operator_client(KafkaSettings(good.bootstrap, good.username, "salah", good.security_protocol))
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=4)


@pytest.mark.security(line="S24")
async def test_a_login_opens_only_its_own_database(postgres_server: Postgres) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(postgres_server.dsn_for("registry", "projections"))


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE lain (id int)", "DROP TABLE owner", "DELETE FROM owner", "UPDATE key_access SET actor = 'x'"],
)
@pytest.mark.security(line="S24")
async def test_a_running_login_changes_no_schema_and_deletes_no_owner(registry_db: Database, statement: str) -> None:
    async with connected(registry_db.dsn) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.security(line="S24")
async def test_the_audit_login_sees_no_personal_column(registry_db: Database) -> None:
    async with connected(registry_db.audit_dsn) as connection:
        assert await connection.fetchval("SELECT count(*) FROM audit.source") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT name FROM owner")
