"""Who has which partitions, and that somebody has each: also of a topic that has grown since the group last agreed.

Only the leader of a group looks whether its topics got partitions. Our members are static, so that a restart costs the
others nothing; but when the leader itself restarts, the broker hands it what it had and lets it think that it is a
follower (KIP-345 before KIP-814, which this client does not speak). Then nobody looks, and partitions added afterwards
have no reader. So here each member knows what the assignment was made of, and asks for a new one when there is more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata


class Agreement:
    """What a member knows of the assignment under which it reads: one for each joining client."""

    def __init__(self) -> None:
        self.counts: dict[str, int] | None = None
        """Topic → number of partitions that were dealt; ``None`` while that is not known."""
        self._asked: dict[str, int] | None = None
        self._token = b""

    def outgrown(self, now: Mapping[str, int]) -> bool:
        """Tell whether to ask for a new assignment, at most once for the same counts of partitions ``now``.

        A leader of an older release does not say what it dealt; then one is asked for once, to be sure.
        """
        dealt = self.counts or {}
        if dict(now) == self._asked or not any(count > dealt.get(topic, 0) for topic, count in now.items()):
            return False
        # The broker deals anew only if what the member says of itself has changed.
        self._asked, self._token = dict(now), orjson.dumps(dict(now), option=orjson.OPT_SORT_KEYS)
        return True

    def assignor(self) -> type[RoundRobinPartitionAssignor]:
        """Return the client's round robin that says in each assignment what was dealt."""
        agreement = self

        class Telling(RoundRobinPartitionAssignor):  # type: ignore[misc]
            @classmethod
            def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
                topics = {topic for member in members.values() for topic in member.subscription}
                counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in sorted(topics)}
                told = orjson.dumps(counts)
                return {
                    member: ConsumerProtocolMemberAssignment(dealt.version, dealt.assignment, told)
                    for member, dealt in super().assign(cluster, members).items()
                }

            @classmethod
            def metadata(cls, topics: Iterable[str]) -> Any:
                return ConsumerProtocolMemberMetadata(cls.version, list(topics), agreement._token)

            @classmethod
            def on_assignment(cls, assignment: Any) -> None:
                agreement.counts = orjson.loads(assignment.user_data) if assignment.user_data else None

        return Telling
