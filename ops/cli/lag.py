"""``naikkelas lag``: how many records each consumer group has not committed yet, by the broker."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import typer
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from ops.cli.access import running_stack
from ops.cli.output import Json, fail, print_json, print_table
from ops.kafka_admin.client import TIMEOUT_SECONDS, operator_client
from shared.topology import PRINCIPALS, TOPICS

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One group on one topic; ``committed`` and ``end`` are sums over its partitions."""

    group: str
    topic: str
    committed: int
    end: int

    @property
    def lag(self) -> int:
        """Records that are there and not committed."""
        return self.end - self.committed


def read_lag(admin: AdminClient) -> list[GroupLag]:
    """Return the lag of every declared reader. Raises ``KafkaException``."""
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    places = [TopicPartition(name, number) for name, count in partitions.items() for number in range(count)]
    latest = {place: OffsetSpec.latest() for place in places}
    ends = {
        (place.topic, place.partition): future.result(TIMEOUT_SECONDS).offset
        for place, future in admin.list_offsets(latest, request_timeout=TIMEOUT_SECONDS).items()
    }
    found: list[GroupLag] = []
    for principal in PRINCIPALS:
        if principal.group_prefix is None:
            continue
        wanted = [place for place in places if place.topic in principal.reads]
        request = [ConsumerGroupTopicPartitions(principal.group_prefix, wanted)]
        future = admin.list_consumer_group_offsets(request, request_timeout=TIMEOUT_SECONDS)[principal.group_prefix]
        offsets = future.result(TIMEOUT_SECONDS).topic_partitions
        for topic in principal.reads:
            committed = sum(max(0, place.offset) for place in offsets if place.topic == topic)
            end = sum(offset for (name, _), offset in ends.items() if name == topic)
            found.append(GroupLag(principal.group_prefix, topic, committed, end))
    return found


@app.command()
def lag(json: Json = False) -> None:
    """Show how far each consumer is behind."""
    stack = running_stack()
    try:
        found = read_lag(operator_client(stack.credentials("operator")))
    except KafkaException as error:
        fail(f"Kafka does not answer: {error.args[0].str()}.", as_json=json)
    if json:
        print_json([asdict(item) | {"lag": item.lag} for item in found])
    else:
        rows = [(item.group, item.topic, item.committed, item.end, item.lag) for item in found]
        print_table(("group", "topic", "committed", "end", "lag"), rows)
