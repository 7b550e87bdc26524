"""The processes of the platform as the page of operations knows them: where they are, and how figures went. No input or output."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.metrics import catalogue
from shared.metrics.exposition import Sample
from shared.metrics.glancing import View

LAST_PORT = 65_535
KEPT = 240
"""Looks, of every quarter of a minute: an hour."""
_PROCESS = re.compile(r"([a-z-]+(?:-\d+)?)=([A-Za-z0-9.-]+):(\d+)")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a process answers; behind a name of the network there may be several copies."""

    name: str
    host: str
    port: int


def read_platform(text: str) -> tuple[Address, ...]:
    """Return the addresses in ``name=host:port,…``, the form of which the settings check; a port beyond all is left out."""
    found = [Address(name, host, int(port)) for name, host, port in _PROCESS.findall(text)]
    return tuple(address for address in found if 0 < address.port <= LAST_PORT)


def apis_of(addresses: Iterable[Address]) -> dict[str, str]:
    """Return the base URL of each service's API, by service."""
    urls: dict[str, str] = {}
    for it in addresses:
        service, _, role = it.name.partition("-")
        if role == "api":
            urls[service] = f"http://{it.host}:{it.port}"
    return urls


@dataclass(frozen=True, slots=True)
class Moment:
    """What stood at one look: lag by consumer, depth by outbox, parked by consumer."""

    at: datetime
    lags: Mapping[str, int]
    outboxes: Mapping[str, int]
    parked: Mapping[str, int]


def moment_of(view: View, at: datetime) -> Moment:
    """Return what is kept of a look."""
    return Moment(
        at,
        {row.consumer: row.lag for row in view.consumers if row.lag is not None},
        {row.service: row.outbox for row in view.services},
        {row.consumer: sum(row.parked.values()) for row in view.consumers if row.parked},
    )


Series = dict[str, list[int | None]]
"""By name, a figure for each moment that is kept; ``None``: it was not told."""


@dataclass(slots=True)
class History:
    """The last moments, the oldest first."""

    moments: deque[Moment] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, moment: Moment) -> None:
        """Keep a moment; the oldest goes where there are too many."""
        self.moments.append(moment)

    def series(self, what: str) -> Series:
        """Return how each figure went; ``what`` is ``lags``, ``outboxes`` or ``parked``."""
        told: list[Mapping[str, int]] = [getattr(moment, what) for moment in self.moments]
        return {name: [figures.get(name) for figures in told] for name in sorted({n for f in told for n in f})}


@dataclass(frozen=True, slots=True)
class AgencyLag:
    """How far an agency is behind by one way."""

    agency: str
    way: str
    events: int
    seconds: float


def agency_lags(samples: Iterable[Sample]) -> list[AgencyLag]:
    """Return what workers tell of agencies; every worker tells the same, so the largest counts."""
    lags: dict[tuple[str, str], int] = {}
    ages: dict[tuple[str, str], float] = {}
    for sample in samples:
        if sample.name in (catalogue.DELIVERY_LAG.name, catalogue.DELIVERY_AGE.name):
            labels = dict(sample.labels)
            key = labels["agency"], labels["way"]
            if sample.name == catalogue.DELIVERY_LAG.name:
                lags[key] = max(lags.get(key, 0), int(sample.value))
            else:
                ages[key] = max(ages.get(key, 0.0), sample.value)
    return [AgencyLag(*key, lags[key], ages.get(key, 0.0)) for key in sorted(lags)]
