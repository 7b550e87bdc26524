"""The lag of consumer groups, as the broker knows it."""

from __future__ import annotations

from time import monotonic, sleep
from uuid import uuid4

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.cli.lag import ABSENT, GroupLag, read_lag
from ops.kafka_admin.client import client_config
from shared.topology import PRINCIPALS, Topic
from tests.stack.servers import Kafka

RECORDS = 10


def full_topic(kafka: Kafka) -> str:
    """Make a topic of two partitions with ten records in each."""
    topic = kafka.make_topic(Topic("test", partitions=2))
    producer = Producer(client_config(kafka.credentials()))
    for number in range(2 * RECORDS):
        producer.produce(topic, b"x", partition=number % 2)
    assert producer.flush(30) == 0
    return topic


def take_away(admin: AdminClient, topic: str, before: int) -> None:
    """Delete the first records of both partitions, as retention does."""
    for future in admin.delete_records([TopicPartition(topic, number, before) for number in range(2)]).values():
        future.result(15)


def commit(admin: AdminClient, group: str, *places: TopicPartition) -> None:
    """Commit for a group that has no members; a coordinator that has just begun refuses for a moment."""
    deadline = monotonic() + 15
    while not _committed(admin, ConsumerGroupTopicPartitions(group, list(places))):
        assert monotonic() < deadline, f"{group} cannot commit"
        sleep(0.1)


def _committed(admin: AdminClient, request: ConsumerGroupTopicPartitions) -> bool:
    try:
        done = admin.alter_consumer_group_offsets([request])[request.group_id].result(15)
    except KafkaException:
        return False
    return all(place.error is None for place in done.topic_partitions)


def lags_of(admin: AdminClient, group: str) -> list[GroupLag]:
    return [item for item in read_lag(admin) if item.group == group]


def test_a_partition_without_commit_counts_from_the_beginning_of_its_log(kafka: Kafka) -> None:
    topic, group = full_topic(kafka), f"uji-{uuid4().hex[:8]}"
    take_away(kafka.admin, topic, before=4)
    commit(kafka.admin, group, TopicPartition(topic, 0, 7))
    found = lags_of(kafka.admin, group)
    assert found == [GroupLag(group, "empty", topic, 7 + 4, 2 * RECORDS)]
    assert found[0].lag == 3 + 6


def test_what_retention_took_is_not_behind(kafka: Kafka) -> None:
    topic, group = full_topic(kafka), f"uji-{uuid4().hex[:8]}"
    commit(kafka.admin, group, TopicPartition(topic, 0, 1), TopicPartition(topic, 1, RECORDS))
    take_away(kafka.admin, topic, before=4)
    assert [item.lag for item in lags_of(kafka.admin, group)] == [6]


def test_a_group_that_has_committed_nothing_is_shown_with_its_state(kafka: Kafka) -> None:
    topic, group = full_topic(kafka), f"uji-{uuid4().hex[:8]}"
    options = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer(client_config(kafka.credentials()) | options)
    consumer.subscribe([topic])
    try:
        while consumer.poll(1.0) is None:
            pass
        assert lags_of(kafka.admin, group) == [GroupLag(group, "stable", None, 0, 0)]
    finally:
        consumer.close()


def test_declared_groups_come_first_even_if_the_broker_does_not_know_them(kafka: Kafka) -> None:
    declared = [(item.group_prefix, name) for item in PRINCIPALS if item.group_prefix for name in item.reads]
    found = read_lag(kafka.admin)
    assert [(item.group, item.topic) for item in found[: len(declared)]] == declared
    known = {item.group_id for item in kafka.admin.list_consumer_groups().result(15).valid}
    assert {item.group for item in found if item.state == ABSENT}.isdisjoint(known)
