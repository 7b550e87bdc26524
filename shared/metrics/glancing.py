"""From the figures of the processes to what a person looks at; rates come of two looks. No input or output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from shared.metrics import Metric, catalogue
from shared.metrics.exposition import Sample

MEBIBYTE = 1024 * 1024
RATED = {
    "published": catalogue.PUBLISHED,
    "consumed": catalogue.CONSUMED,
    "requests": catalogue.REQUESTS,
    "messages": catalogue.MESSAGES,
}
"""What is told per second, by the name of its column."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one process said: whether it is ready, and its figures; none if it does not answer."""

    name: str
    """``<service>-<role>``, with a number from the second copy on."""
    ready: bool
    samples: tuple[Sample, ...] = ()
    why: str | None = None
    """What keeps it from being ready, by its own words."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at all. ``lags`` has records by group, as the broker knows them; ``None`` if it does not answer."""

    at: float
    """Seconds, by a clock that only goes forward."""
    told: tuple[Told, ...]
    lags: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """A process. Rates are per second, ``None`` where only one look was had or the process began anew between two."""

    name: str
    state: str
    """``ready``, ``not ready`` or ``no answer``."""
    why: str | None
    memory_mb: float | None
    cpu_percent: float | None
    """Of one processor."""
    rates: dict[str, float | None]
    connections: int | None
    """Of its pool, those in use."""


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """The outbox of a service."""

    service: str
    outbox: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class ConsumerRow:
    """A consumer: what is behind, and what is set aside."""

    consumer: str
    lag: int | None
    parked: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """All that is shown."""

    processes: list[ProcessRow]
    services: list[ServiceRow]
    consumers: list[ConsumerRow]


def make_view(now: Glance, before: Glance | None = None) -> View:
    """Return what two looks come to; without an earlier one there are no rates."""
    earlier = {told.name: told for told in before.told} if before is not None else {}
    seconds = now.at - before.at if before is not None else 0.0
    rows = [_process(told, earlier.get(told.name), seconds) for told in now.told]
    return View(rows, _services(now.told), _consumers(now))


def _process(told: Told, before: Told | None, seconds: float) -> ProcessRow:
    memory = total(told.samples, catalogue.MEMORY)
    used = total(told.samples, catalogue.POOL_CONNECTIONS, state="used")
    cpu = _rate(told, before, catalogue.CPU_SECONDS, seconds)
    return ProcessRow(
        told.name,
        "no answer" if not told.samples else "ready" if told.ready else "not ready",
        told.why,
        None if memory is None else memory / MEBIBYTE,
        None if cpu is None else 100 * cpu,
        {column: _rate(told, before, metric, seconds) for column, metric in RATED.items()},
        None if used is None else int(used),
    )


def _rate(told: Told, before: Told | None, metric: Metric, seconds: float) -> float | None:
    """Return growth per second. A counter that has no figure yet stands at 0 in a process that answers."""
    if before is None or seconds <= 0 or not told.samples or not before.samples:
        return None
    grown = (total(told.samples, metric) or 0) - (total(before.samples, metric) or 0)
    return grown / seconds if grown >= 0 else None


def total(samples: Iterable[Sample], metric: Metric, **labels: str) -> float | None:
    """Return the sum of a metric's figures that have these labels; ``None`` if there is none."""
    found = [it.value for it in samples if it.name == metric.name and labels.items() <= dict(it.labels).items()]
    return sum(found) if found else None


def causes_of(report: bytes | str) -> str | None:
    """Return what a report of ``/health/ready`` names as the causes, empty if it names none; ``None``: it is no such report."""
    try:
        checks = orjson.loads(report)["checks"]
        return "; ".join(f"{name}: {check['cause']}" for name, check in checks.items() if not check["ok"])
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def told_lags(all_told: Iterable[Told]) -> dict[str, int]:
    """Return the lag of each consumer by what its copies say of their partitions; who is silent is left out."""
    lags: Counter[str] = Counter()
    for told in all_told:
        for sample in told.samples:
            if sample.name == catalogue.LAG.name:
                lags[dict(sample.labels)["consumer"]] += int(sample.value)
    return dict(lags)


def _services(all_told: Sequence[Told]) -> list[ServiceRow]:
    """Return the outboxes. Every API of a service tells the same one."""
    found: dict[str, ServiceRow] = {}
    for told in all_told:
        depth, age = total(told.samples, catalogue.OUTBOX_DEPTH), total(told.samples, catalogue.OUTBOX_AGE)
        if depth is not None and age is not None:
            service = told.name.partition("-")[0]
            found.setdefault(service, ServiceRow(service, int(depth), age))
    return list(found.values())


def _consumers(now: Glance) -> list[ConsumerRow]:
    """Return the consumers that the broker or a process knows. Every copy tells the same parked events."""
    parked: dict[str, dict[str, int]] = {}
    for told in now.told:
        for sample in told.samples:
            if sample.name == catalogue.PARKED.name:
                labels = dict(sample.labels)
                parked.setdefault(labels["consumer"], {})[labels["kind"]] = int(sample.value)
    lags = now.lags or {}
    names = sorted({*lags, *parked})
    return [ConsumerRow(name, lags.get(name), parked.get(name, {})) for name in names]
