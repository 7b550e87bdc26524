"""``naikkelas lag``: how many records each consumer group has not committed yet, by the broker."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from time import monotonic, sleep

import typer
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from ops.cli.access import running_stack
from ops.cli.output import Json, fail, print_json, print_table
from ops.kafka_admin.client import TIMEOUT_SECONDS, operator_client
from shared.topology import PRINCIPALS

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ABSENT = "absent"
"""The state of a declared group that the broker does not know: it never joined, and has committed nothing."""
RETRY_SECONDS = 0.2
_PASSING = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)

Place = tuple[str, int]
"""A topic and the number of a partition."""


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One group on one topic; ``topic`` is ``None`` for a group that reads nothing and has committed nothing.

    ``committed`` and ``end`` are sums over partitions. Where nothing is committed, or retention has taken what was, a
    partition counts from its beginning: there the group will start.
    """

    group: str
    state: str
    topic: str | None
    committed: int
    end: int

    @property
    def lag(self) -> int:
        """Records that are there and not committed."""
        return self.end - self.committed


def read_lag(admin: AdminClient) -> list[GroupLag]:
    """Return the lag of every declared reader, then of all other groups that the broker knows.

    A broker that has just started and still reads its groups is waited for. Raises ``KafkaException``.
    """
    deadline = monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return _read_once(admin)
        except KafkaException as error:
            if error.args[0].code() not in _PASSING or monotonic() > deadline:
                raise
        sleep(RETRY_SECONDS)


def _read_once(admin: AdminClient) -> list[GroupLag]:
    states = _states(admin)
    declared = {item.group_prefix: item.reads for item in PRINCIPALS if item.group_prefix is not None}
    # Asked about a group that no coordinator has yet, on a new broker, the client ends the process (librdkafka, SIGSEGV).
    known = _commits(admin, states)
    commits = {group: known.get(group, {}) for group in (*declared, *sorted(states.keys() - declared.keys()))}
    named = {name for offsets in commits.values() for name, _ in offsets}
    partitions = _partitions(admin, named.union(*declared.values()))
    begins = _offsets(admin, partitions, OffsetSpec.earliest())
    ends = _offsets(admin, partitions, OffsetSpec.latest())
    found: list[GroupLag] = []
    for group, offsets in commits.items():
        state = states.get(group, ABSENT)
        read = dict.fromkeys((*declared.get(group, ()), *sorted({name for name, _ in offsets})))
        topics = [name for name in read if name in partitions]  # one that was deleted may still stand among the commits
        for topic in topics:
            places = [(topic, number) for number in partitions[topic]]
            committed = sum(max(offsets.get(place, 0), begins[place]) for place in places)
            found.append(GroupLag(group, state, topic, committed, sum(ends[place] for place in places)))
        if not topics:
            found.append(GroupLag(group, state, None, 0, 0))
    return found


def _partitions(admin: AdminClient, named: Collection[str]) -> dict[str, list[int]]:
    """Return those of the named topics that are there, with the numbers of their partitions."""
    topics = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    return {name: sorted(topics[name].partitions) for name in named if name in topics}


def _states(admin: AdminClient) -> dict[str, str]:
    """Return the groups that the broker knows, with their states."""
    listed = admin.list_consumer_groups(request_timeout=TIMEOUT_SECONDS).result(TIMEOUT_SECONDS)
    for error in listed.errors:
        raise KafkaException(error)
    return {item.group_id: item.state.name.lower().replace("_", " ") for item in listed.valid}


def _commits(admin: AdminClient, groups: Iterable[str]) -> dict[str, dict[Place, int]]:
    """Return what each group has committed; the requests are under way side by side."""
    asked = {
        group: admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group)], request_timeout=TIMEOUT_SECONDS
        )[group]
        for group in groups
    }
    answers = {group: future.result(TIMEOUT_SECONDS).topic_partitions or () for group, future in asked.items()}
    return {group: {(it.topic, it.partition): it.offset for it in places} for group, places in answers.items()}


def _offsets(admin: AdminClient, partitions: Mapping[str, list[int]], spec: OffsetSpec) -> dict[Place, int]:
    """Return the beginning or the end of every partition."""
    request = {TopicPartition(name, number): spec for name, numbers in partitions.items() for number in numbers}
    if not request:
        return {}
    futures = admin.list_offsets(request, request_timeout=TIMEOUT_SECONDS)
    return {(it.topic, it.partition): future.result(TIMEOUT_SECONDS).offset for it, future in futures.items()}


@app.command()
def lag(json: Json = False) -> None:
    """Show how far each consumer group is behind, and its state."""
    stack = running_stack()
    try:
        found = read_lag(operator_client(stack.credentials("operator")))
    except KafkaException as error:
        fail(f"Kafka does not answer: {error.args[0].str()}.", as_json=json)
    if json:
        print_json([asdict(item) | {"lag": item.lag} for item in found])
    else:
        rows = [(item.group, item.state, item.topic or "-", item.committed, item.end, item.lag) for item in found]
        print_table(("group", "state", "topic", "committed", "end", "lag"), rows)
