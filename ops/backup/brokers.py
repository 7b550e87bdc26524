"""What a backup asks of Kafka: which cluster it is, and how much it holds."""

from __future__ import annotations

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from ops.kafka_admin.client import TIMEOUT_SECONDS, operator_client
from shared.broker import KafkaSettings
from shared.topology import STREAM_PREFIX

ASK_SECONDS = 8.0


def cluster_id(settings: KafkaSettings) -> str | None:
    """Return the id of the Kafka cluster; ``None`` if it does not answer: a backup needs none."""
    try:
        found: str | None = operator_client(settings).list_topics(timeout=ASK_SECONDS).cluster_id
    except KafkaException:
        return None
    return found


def records_taken(settings: KafkaSettings) -> int:
    """Return how many records the topics of the platform ever took. Raises ``KafkaException``."""
    return _taken(operator_client(settings))


def _taken(admin: AdminClient) -> int:
    topics = admin.list_topics(timeout=ASK_SECONDS).topics
    request = {
        TopicPartition(name, number): OffsetSpec.latest()
        for name, topic in topics.items()
        if name.startswith(STREAM_PREFIX)
        for number in topic.partitions
    }
    if not request:
        return 0
    futures = admin.list_offsets(request, request_timeout=TIMEOUT_SECONDS)
    return sum(future.result(TIMEOUT_SECONDS).offset for future in futures.values())
