"""``naikkelas lag``: how many records each consumer group has not committed yet, by the broker."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial

import typer
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, OffsetSpec

from ops.cli.access import running_stack
from ops.cli.output import Json, fail, print_json, print_table
from ops.kafka_admin.client import operator_client
from ops.kafka_admin.groups import commits_of, offsets_of, partitions_of, patiently, states_of_groups
from shared.topology import PRINCIPALS

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ABSENT = "absent"
"""The state of a declared group that the broker does not know: it never joined, and has committed nothing."""


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
    return patiently(partial(_read_once, admin))


def _read_once(admin: AdminClient) -> list[GroupLag]:
    states = states_of_groups(admin)
    declared = {item.group_prefix: item.reads for item in PRINCIPALS if item.group_prefix is not None}
    known = commits_of(admin, states)
    commits = {group: known.get(group, {}) for group in (*declared, *sorted(states.keys() - declared.keys()))}
    named = {name for offsets in commits.values() for name, _ in offsets}
    partitions = partitions_of(admin, named.union(*declared.values()))
    begins = offsets_of(admin, partitions, OffsetSpec.earliest())
    ends = offsets_of(admin, partitions, OffsetSpec.latest())
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
