"""Consumer groups as the broker knows them: their states, members and commits, and where the logs that they read begin and end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from time import monotonic, sleep
from typing import TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ListOffsetsResultInfo, OffsetSpec

from ops.kafka_admin.client import ANSWER_SECONDS, TIMEOUT_SECONDS

RETRY_SECONDS = 0.2
_PASSING = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)

Place = tuple[str, int]
"""A topic and the number of a partition."""
T = TypeVar("T")


def patiently(ask: Callable[[], T]) -> T:
    """Ask, and ask again while a broker that has just started still reads its groups. Raises ``KafkaException``."""
    deadline = monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _PASSING or monotonic() > deadline:
                raise
        sleep(RETRY_SECONDS)


def partitions_of(admin: AdminClient, named: Collection[str]) -> dict[str, list[int]]:
    """Return those of the named topics that are there, with the numbers of their partitions."""
    topics = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    return {name: sorted(topics[name].partitions) for name in named if name in topics}


def states_of_groups(admin: AdminClient) -> dict[str, str]:
    """Return the groups that the broker knows, with their states."""
    listed = admin.list_consumer_groups(request_timeout=TIMEOUT_SECONDS).result(ANSWER_SECONDS)
    for error in listed.errors:
        raise KafkaException(error)
    return {item.group_id: item.state.name.lower().replace("_", " ") for item in listed.valid}


def members_of(admin: AdminClient, group: str) -> list[str]:
    """Return who is in a group: the name of each and the host that it calls from."""
    futures = admin.describe_consumer_groups([group], request_timeout=TIMEOUT_SECONDS)
    found = futures[group].result(ANSWER_SECONDS).members
    return sorted(f"{it.group_instance_id or it.client_id} ({it.host.removeprefix('/')})" for it in found)


def commits_of(admin: AdminClient, groups: Iterable[str]) -> dict[str, dict[Place, int]]:
    """Return what each group has committed; the requests are under way side by side.

    Ask of known groups only: asked about one that no coordinator has yet, on a new broker, the client ends the process
    (librdkafka, SIGSEGV).
    """
    asked = {
        group: admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group)], request_timeout=TIMEOUT_SECONDS
        )[group]
        for group in groups
    }
    answers = {group: future.result(ANSWER_SECONDS).topic_partitions or () for group, future in asked.items()}
    return {group: {(it.topic, it.partition): it.offset for it in places} for group, places in answers.items()}


def offsets_of(admin: AdminClient, partitions: Mapping[str, list[int]], spec: OffsetSpec) -> dict[Place, int]:
    """Return the beginning or the end of every partition."""
    return {place: found.offset for place, found in found_at(admin, partitions, spec).items()}


def found_at(
    admin: AdminClient, partitions: Mapping[str, list[int]], spec: OffsetSpec
) -> dict[Place, ListOffsetsResultInfo]:
    """Return what ``spec`` finds in every partition; of a time, where the first record from then on stands (-1: there is none)."""
    request = {TopicPartition(name, number): spec for name, numbers in partitions.items() for number in numbers}
    if not request:
        return {}
    futures = admin.list_offsets(request, request_timeout=TIMEOUT_SECONDS)
    return {(it.topic, it.partition): future.result(ANSWER_SECONDS) for it, future in futures.items()}


def commit_for(admin: AdminClient, group: str, offsets: Mapping[Place, int]) -> None:
    """Commit for a group that has no members.

    Raises ``KafkaException``, also if somebody has joined it meanwhile, or only some partitions were refused, and ``TimeoutError``
    if nobody knows what came of it.
    """
    places = [TopicPartition(topic, number, offset) for (topic, number), offset in offsets.items()]
    request = ConsumerGroupTopicPartitions(group, places)
    done = admin.alter_consumer_group_offsets([request], request_timeout=TIMEOUT_SECONDS)[group].result(ANSWER_SECONDS)
    for place in done.topic_partitions or ():
        if place.error is not None:
            raise KafkaException(place.error)
