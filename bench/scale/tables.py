"""The tables of docs/scale.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.scale.costs import POINTS, Bytes
from bench.scale.planning import DISK_GB, HOT_DAYS, KEPT_YEARS, REPLICAS, Plan, plans, simulated

DOCUMENT = Path(__file__).parents[2] / "docs" / "scale.md"
BEGINS, ENDS = "<!-- python -m bench.scale: begins -->\n", "<!-- python -m bench.scale: ends -->\n"


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def checks() -> str:
    """Return measured and simulated rates side by side."""
    rows = []
    for point in POINTS:
        found = simulated(point)
        rows.append(
            (point.name, f"{point.measured:,.0f}", f"{found:,.0f}", f"{found / point.measured - 1:+.0%}", point.source)
        )
    return _table(("point", "measured, facts/s", "simulated", "off by", "measured in"), rows)


def _rates(made: Sequence[Plan]) -> str:
    rows = [
        (
            plan.scale.name,
            f"{plan.scale.businesses:,}",
            f"{plan.scale.events:,}",
            f"{plan.scale.busy:,.1f}",
            f"{plan.scale.bulk:,.1f}",
        )
        for plan in made
    ]
    return _table(("", "businesses", "events a year", "busiest hour, facts/s", "lists of a year in 8 h, facts/s"), rows)


def _groups(made: Sequence[Plan]) -> str:
    names = list(made[0].groups)
    rows = [
        (
            plan.scale.name,
            *(f"{plan.groups[name].processes} ({max(1, plan.groups[name].lag * 1_000):,.0f} ms)" for name in names),
            plan.api_processes,
            plan.import_workers,
            plan.partitions,
            f"{plan.cores:,.1f}",
        )
        for plan in made
    ]
    return _table(("", *names, "commands' API", "import workers", "partitions", "cores, 60 % full"), rows)


def _stored(made: Sequence[Plan], size: Bytes) -> str:
    rows = [
        (
            plan.scale.name,
            f"{plan.log_gb(REPLICAS, HOT_DAYS, size):,.1f}",
            f"{plan.log_gb(1, 365 * KEPT_YEARS, size):,.1f}",
            f"{plan.registry_gb(size):,.1f}",
            f"{plan.projections_gb(size):,.1f}",
            plan.shards(size),
        )
        for plan in made
    ]
    heading = (
        "",
        f"brokers' disks, {HOT_DAYS} days × {REPLICAS}, GB",
        f"object store, {KEPT_YEARS} years, GB",
        "registry, GB",
        "projections, GB",
        "PostgreSQL of the registry",
    )
    return _table(heading, rows)


def _hours(plan: Plan) -> str:
    return f"{plan.rebuild_hours:,.1f} h" if plan.rebuild_hours >= 1 else f"{plan.rebuild_hours * 60:,.0f} min"


def _machines(made: Sequence[Plan], size: Bytes) -> str:
    rows = [
        (
            plan.scale.name,
            _hours(plan),
            plan.loaders,
            ", ".join(f"{count} {what}" for what, count in plan.machines(size).items()),
            sum(plan.machines(size).values()),
        )
        for plan in made
    ]
    heading = (
        "",
        f"rebuild of {KEPT_YEARS} years, one loader",
        "loaders for a night",
        f"machines (8 cores, 32 GB, {DISK_GB // 1_000} TB)",
        "all",
    )
    return _table(heading, rows)


def text(size: Bytes) -> str:
    """Return what stands between the marks of the document."""
    made = list(plans())
    parts = (
        ("Simulated and measured, two cores", checks()),
        ("What comes", _rates(made)),
        ("Processes for both at once, and in how many milliseconds a fact is stored (p99)", _groups(made)),
        ("What is stored", _stored(made, size)),
        ("Rebuilding, and machines", _machines(made, size)),
    )
    return "".join(f"\n### {title}\n\n{table}" for title, table in parts) + "\n"


def written(document: str, size: Bytes) -> str:
    """Return the document with the tables of now."""
    before, _, rest = document.partition(BEGINS)
    return f"{before}{BEGINS}{text(size)}{ENDS}{rest.partition(ENDS)[2]}"
