"""What city, province and nation ask for: rates, processes, bytes and machines, from measured costs and the simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from bench.scale.costs import (
    COMMANDS_A_PROCESS,
    FOLLOWERS,
    IMPORT_ROWS,
    MEASURED_CORES,
    REBUILD_FACTS,
    RELAY,
    Bytes,
    Cost,
    Point,
)
from bench.scale.queueing import MICRO, Outcome, backlog_rate, steady

SEED = 7
WORKING_SECONDS = 250 * 8 * 3_600
"""Of a year: nobody types at night."""
BUSY = 5.0
"""The busiest hour ÷ an average working hour."""
BULK_FACTS = 2
"""Facts of a business when a year's lists come in: the owner's and its own."""
BULK_SECONDS = 8 * 3_600
"""In which a year's lists are taken in, beside the busiest hour."""
KEPT_YEARS = 5
HOT_DAYS = 30
"""On the brokers' own disks; older segments lie in an object store (tiered storage)."""
REPLICAS = 3
FULL = 0.6
"""A core is planned to be no fuller: the simulation is too fast where cores are full."""
LAG_SECONDS = 1.0
MOST_PROCESSES = 64
CORES, DISK_GB = 8, 2_000
"""Of a machine, with 32 GB of memory."""
SHARD_GB = 500
"""Of one PostgreSQL: what a vacuum, a backup and a new standby manage in a night."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large it is."""

    name: str
    businesses: int
    events: int
    """A year."""

    @property
    def busy(self) -> float:
        """Facts a second in the busiest hour."""
        return self.events / WORKING_SECONDS * BUSY

    @property
    def bulk(self) -> float:
        """Facts a second while a year's lists come in."""
        return self.businesses * BULK_FACTS / BULK_SECONDS

    @property
    def peak(self) -> float:
        """Both at once."""
        return self.busy + self.bulk


EVENTS_A_BUSINESS = 1_000 / 65
SCALES = (
    Scale("city", 95_000, round(95_000 * EVENTS_A_BUSINESS)),
    Scale("province", 1_000_000, round(1_000_000 * EVENTS_A_BUSINESS)),
    Scale("nation", 65_000_000, 1_000_000_000),
)


@dataclass(frozen=True, slots=True)
class Group:
    """What a follower needs."""

    processes: int
    database_cores: int
    lag: float
    """p99, seconds."""


def database_cores(cost: Cost, rate: float) -> int:
    """Return how many cores PostgreSQL needs for a follower at a rate."""
    return max(1, ceil(rate * cost.database * MICRO / FULL))


def group_for(cost: Cost, rate: float) -> Group:
    """Return the fewest processes whose p99 stays below a second, each no fuller than is planned."""
    cores = database_cores(cost, rate)
    for processes in range(1, MOST_PROCESSES + 1):
        if rate * cost.process * MICRO > processes * FULL:
            continue
        outcome = run(cost, processes, cores, rate)
        if outcome.lag(0.99) <= LAG_SECONDS:
            return Group(processes, cores, outcome.lag(0.99))
    raise ValueError(f"{rate:.0f} facts a second need more than {MOST_PROCESSES} processes")


def run(cost: Cost, processes: int, cores: int, rate: float) -> Outcome:
    """Return what the simulation says of a follower at a rate."""
    return steady(cost, processes, {"process": processes, "database": cores, "broker": REPLICAS}, rate, SEED)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scale asks for."""

    scale: Scale
    groups: dict[str, Group]

    @property
    def partitions(self) -> int:
        """Of the largest topics: twice the processes of the group that has most, in sixes."""
        return 6 * ceil(max(group.processes for group in self.groups.values()) * 2 / 6)

    @property
    def api_processes(self) -> int:
        """Of the API that takes commands, if each event were one; two at least."""
        return max(2, ceil(self.scale.busy / (COMMANDS_A_PROCESS * FULL)))

    @property
    def import_workers(self) -> int:
        """So many files at once, so that a year's lists are in within the time for them."""
        return max(1, ceil(self.scale.businesses / IMPORT_ROWS / BULK_SECONDS))

    @property
    def rebuild_hours(self) -> float:
        """Of a projection from all that is kept, by one loader."""
        return self.scale.events * KEPT_YEARS / REBUILD_FACTS / 3_600

    @property
    def loaders(self) -> int:
        """For a rebuild in a night of eight hours."""
        return max(1, ceil(self.rebuild_hours / 8))

    def log_gb(self, replicas: int, days: float, size: Bytes) -> float:
        """Return what Kafka holds of so many days."""
        return self.scale.events * days / 365 * size.record * replicas / 1e9

    def registry_gb(self, size: Bytes) -> float:
        """Return what the registry holds, with the outbox of 30 days."""
        return (self.scale.businesses * size.registry + self.scale.events * HOT_DAYS / 365 * size.outbox) / 1e9

    def projections_gb(self, size: Bytes) -> float:
        """Return what the projections hold, in two generations while they are rebuilt."""
        facts = self.scale.events * KEPT_YEARS
        return 2 * (self.scale.businesses * size.projection + facts * size.timeline) / 1e9

    def shards(self, size: Bytes) -> int:
        """Return by how many PostgreSQL the registry's owners are divided."""
        return max(1, ceil(self.registry_gb(size) / SHARD_GB))

    @property
    def cores(self) -> float:
        """Of all the work at the peak, no fuller than is planned: followers, commands with their database, imports, the relay."""
        followed = sum(FOLLOWERS[name].whole for name in self.groups) + RELAY.whole
        commands = self.scale.busy / COMMANDS_A_PROCESS * MEASURED_CORES
        imports = self.scale.businesses / BULK_SECONDS / IMPORT_ROWS * MEASURED_CORES
        return (self.scale.peak * followed * MICRO + commands + imports) / FULL

    def machines(self, size: Bytes) -> dict[str, int]:
        """Return how many machines of eight cores, 32 GB and 2 TB it takes, by what runs on them."""
        if self.scale.name == "city":
            return {"all": 1}
        hot = self.log_gb(REPLICAS, HOT_DAYS, size)
        brokers = max(3, ceil(hot / (DISK_GB * FULL)))
        databases = 2 * (self.shards(size) + ceil(self.projections_gb(size) / SHARD_GB) + 1)
        return {"brokers": brokers, "PostgreSQL": databases, "services": max(2, ceil(self.cores / CORES))}


def plans() -> Iterator[Plan]:
    """Return the plan of each scale."""
    for scale in SCALES:
        yield Plan(scale, {name: group_for(cost, scale.peak) for name, cost in FOLLOWERS.items()})


def simulated(point: Point) -> float:
    """Return the rate that the simulation gives for a point that was measured."""
    return backlog_rate(point.cost, point.processes, MEASURED_CORES, SEED)
