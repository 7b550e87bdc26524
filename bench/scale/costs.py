"""What a fact costs, as it was measured: microseconds of processor time, bytes on disk, and the rates that a run reached.

Sources: ``bench/profile.md`` (processor time by sampling), ``bench/history.jsonl`` and ``docs/speed.md`` (rates), on two cores that
also ran Kafka and PostgreSQL. Costs are compared with rates of the same day only: the machine was not as fast on each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of a fact, in microseconds."""

    process: float
    """In our own process: one core at most."""
    database: float
    """In servers that the process waits for: PostgreSQL, of the relay Kafka too."""
    broker: float
    """In Kafka, beside the others: it gets the next batch ready."""

    @property
    def whole(self) -> float:
        """All together."""
        return self.process + self.database + self.broker


@dataclass(frozen=True, slots=True)
class Point:
    """A rate that was measured."""

    name: str
    cost: Cost
    processes: int
    measured: float
    """Facts a second, the median of the runs."""
    source: str


RELAY = Cost(4.4, 2.0 + 4.0, 0.0)
"""It waits for PostgreSQL, then for Kafka to acknowledge: one request is in flight for a broker."""
# Kafka gives a consumer its next batch meanwhile; what that takes was measured in one run only, and for the relay it is 4.
LAYER = Cost(18.0, 7.0, 4.0)
PROJECTION = Cost(24.0, 16.0, 4.0)
CONSUMER = Cost(15.0, 19.0, 6.0)
"""A consumer that upserts one row for a fact, by the processor time of a whole run of the row *2 consumers ÷ 1*."""

POINTS = (
    Point("relay", RELAY, 1, 85_490.8, "bench/history.jsonl, 2026-11-25T10:55"),
    Point("consumer layer", LAYER, 1, 43_899.0, "bench/history.jsonl, 2026-11-25T10:55"),
    Point("projections", PROJECTION, 1, 24_992.8, "bench/history.jsonl, 2026-11-25T10:55"),
    Point("1 consumer", CONSUMER, 1, 28_110.9, "docs/speed.md, 2026-11-26, raw of *2 consumers ÷ 1*"),
    Point("2 consumers", CONSUMER, 2, 42_470.6, "docs/speed.md, 2026-11-26"),
)
MEASURED_CORES = 2

# Followers as `make bench ARGS='--only following'` has them, on a machine on which others worked, so that all of it is dear; Kafka's
# part is that of a consumer.
FOLLOWERS = {
    "projections": Cost(72.0, 47.0, 6.0),
    "notifications": Cost(34.0, 16.0, 6.0),
    "events": Cost(28.0, 14.0, 6.0),
    "training": Cost(25.0, 14.0, 6.0),
    "partners": CONSUMER,
}
COMMANDS_A_PROCESS = 567.3
"""Durable ``POST /businesses`` a second of one API process, whose core is full (docs/speed.md)."""
IMPORT_ROWS = 1_000_000 / 460.4
"""Rows a second from upload to searchable, with all that follows, on two cores (docs/speed.md, 1,000,000 rows)."""
REBUILD_FACTS = 17_916.0
"""Facts a second of one rebuild (docs/speed.md)."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """What is stored, in bytes."""

    record: int
    """Of a fact in Kafka's log, uncompressed."""
    registry: int
    """Of a business in the registry with owner, key and indexes."""
    outbox: int
    """Of a fact in an outbox."""
    projection: int
    """Of a business in the projections, but for its timeline."""
    timeline: int
    """Of a fact in the timeline of the projections."""


SIZE = Bytes(record=1_000, registry=1_500, outbox=800, projection=2_100, timeline=256)
"""Of the first three ``tests/importing/test_sizes.py`` says that they are so; the others were seen with 1,500 businesses of five facts each."""
