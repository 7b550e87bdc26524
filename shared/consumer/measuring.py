"""What a consumer tells of itself: its batches when they are settled, and what stands now when somebody reads."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError
from faststream.kafka.message import KafkaAckableMessage

from shared.consumer.planning import Plan
from shared.consumer.records import Item
from shared.consumer.store import count_parked
from shared.metrics import Metrics, catalogue
from shared.metrics.holding import OTHER, Figure

KINDS = ("poison", "gap", "behind", "unreadable")
AWAY = ("broker", "database", OTHER)


class Measures:
    """The figures of one consumer. Those that alerts look at begin with 0, so that the first of them is seen to rise."""

    def __init__(self, metrics: Metrics, consumer: str, types: Collection[str]) -> None:
        self._metrics = metrics
        self._consumer = consumer
        self._types = types
        for metric in (catalogue.APPLIED, catalogue.REDRIVEN, catalogue.COMMIT_ERRORS, catalogue.REBALANCES):
            metrics.add(metric, 0, consumer)
        metrics.add_each(catalogue.PARKED_TOTAL, dict.fromkeys(KINDS, 0).items(), consumer)
        metrics.add_each(catalogue.CONSUMER_FAILURES, dict.fromkeys(AWAY, 0).items(), consumer)

    def settled(self, plan: Plan, items: Sequence[Item]) -> None:
        """Count the records of a batch that was stored. What a record calls its type may be anything: see ``other``."""
        add, name = self._metrics.add, self._consumer
        for kind, count in Counter(["" if item.address is None else item.address.type for item in items]).items():
            add(catalogue.CONSUMED, count, name, kind if kind in self._types else OTHER)
        add(catalogue.APPLIED, _applied(plan), name)
        add(catalogue.DUPLICATES, plan.counts["duplicates"], name)
        add(catalogue.RELEASED, len(plan.released), name)
        self._metrics.add_each(catalogue.PARKED_TOTAL, _kinds(plan).items(), name)

    def batch(self, records: int, seconds: float) -> None:
        """Note the size of a batch and how long it took."""
        self._metrics.observe(catalogue.CONSUMER_BATCH_SIZE, records, self._consumer)
        self._metrics.observe(catalogue.CONSUMER_BATCH_SECONDS, seconds, self._consumer)

    def failed(self, away: str) -> None:
        """Count a wait. ``away`` may name a fault of ours, by its class; that is told by the log alone."""
        self._metrics.add(catalogue.CONSUMER_FAILURES, 1, self._consumer, away if away in AWAY else OTHER)

    def redriven(self, applied: int) -> None:
        """Count what a redrive applied."""
        self._metrics.add(catalogue.REDRIVEN, applied, self._consumer)

    def rebalanced(self) -> None:
        """Count an assignment."""
        self._metrics.add(catalogue.REBALANCES, 1, self._consumer)

    def commit_failed(self) -> None:
        """Count offsets that the broker did not take."""
        self._metrics.add(catalogue.COMMIT_ERRORS, 1, self._consumer)


def _kinds(plan: Plan) -> Counter[str]:
    return Counter([parking.kind for parking in plan.parkings])


def _applied(plan: Plan) -> int:
    """Return how many of the steps were applied: those that failed, and those behind them, are parked in the same plan."""
    parked = {(it.item.topic, it.item.partition, it.item.offset) for it in plan.parkings}
    if not parked:
        return len(plan.steps)
    return sum((it.item.topic, it.item.partition, it.item.offset) not in parked for it in plan.steps)


class CountedMessage(KafkaAckableMessage):
    """A batch whose commit is watched: the framework logs what goes wrong with it, and tells nobody."""

    def __init__(self, records: Any, consumer: Any, measures: Measures | None) -> None:
        super().__init__(raw_message=records, body=b"", headers={}, batch_headers=[], consumer=consumer)
        self._measures = measures

    async def ack(self) -> None:
        """Commit."""
        try:
            await super().ack()
        except KafkaError:
            if self._measures is not None:
                self._measures.commit_failed()
            raise


async def parked_figures(pool: asyncpg.Pool, consumer: str) -> list[Figure]:
    """Return how many events are set aside now, by kind. Raises what asyncpg raises."""
    found = dict.fromkeys(KINDS, 0) | await count_parked(pool, consumer)
    return [(catalogue.PARKED, (consumer, kind), number) for kind, number in found.items()]


async def lag_figures(client: Any, consumer: str) -> list[Figure]:
    """Ask the broker how far the partitions of a running aiokafka consumer are from their ends; topic by topic.

    Where nothing is committed, or retention has taken what was, a partition counts from its beginning.
    """
    places = list(client.assignment())
    if not places:
        return []
    ends, begins, commits = await asyncio.gather(
        client.end_offsets(places),
        client.beginning_offsets(places),
        client._coordinator.fetch_committed_offsets(places),  # `committed()` asks for one partition at a time
    )
    behind: Counter[str] = Counter()
    for place in places:
        committed = commits[place].offset if place in commits else -1
        behind[place.topic] += max(0, ends[place] - max(committed, begins[place]))
    return [(catalogue.LAG, (consumer, topic), number) for topic, number in behind.items()]
