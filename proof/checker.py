"""The checker: compares what clients were told with what the platform holds, and names each anomaly. Pure.

Nine anomalies, after ``jepsen.tests.kafka``; each names where it was seen, so that a run can be looked into.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from statistics import quantiles
from typing import NamedTuple

from proof.history import Kind, Step


class Anomaly(StrEnum):
    """What can be wrong."""

    LOST = "lost"
    """A command was acknowledged, and its change or its event is not there."""
    PHANTOM = "phantom"
    """An event of a change that the source does not have, or an aggregate that no client asked for."""
    DOUBLED = "doubled"
    """One event took effect twice, or two commands were told the same version."""
    TWO_VALUES = "two-values"
    """Two readers saw different records at one place of the log."""
    SKIPPED = "skipped"
    """A reader of the log went back, or left a record out."""
    REORDERED = "reordered"
    """An event of a key came before an earlier one of that key."""
    STALE = "stale"
    """A client was shown a version lower than one it had been shown before, or what is shown differs from the source."""
    UNSEEN = "unseen"
    """After quiet, an event is in the log and its effect is not there."""
    LATE = "late"
    """An event became visible later than the limit after its command was acknowledged."""


class Record(NamedTuple):
    """One record of the log, as a reader saw it."""

    topic: str
    partition: int
    offset: int
    key: str
    sequence: int
    event_id: str
    seen: float = 0.0
    """When, on the clock of the history; 0 for who reads afterwards."""


class Delivery(NamedTuple):
    """An event for an agency, as it was granted or as its endpoint took it."""

    key: str
    sequence: int
    event_id: str


@dataclass(slots=True)
class Delivered:
    """What an agency's endpoint was granted, and what it took."""

    granted: list[Delivery] = field(default_factory=list)
    taken: list[Delivery] = field(default_factory=list)
    """In the order of coming."""
    partly: bool = False
    """Its agreement ended on the way: it need not have had all of it."""

    @property
    def repeated(self) -> int:
        """How many requests brought what had been taken before: no anomaly, the id is the same."""
        return len(self.taken) - len({item.event_id for item in self.taken})


@dataclass(slots=True)
class Evidence:
    """What was left when the run had come to rest."""

    versions: dict[str, int] = field(default_factory=dict)
    """Aggregate → its version in the source."""
    before: frozenset[str] | None = None
    """The aggregates that were there before the run; ``None``: not known, so what nobody asked for cannot be told."""
    log: list[Record] = field(default_factory=list)
    """The log from its first record, in the order of each partition."""
    live: list[Record] = field(default_factory=list)
    """What a reader saw while the run went on, in the order it saw it."""
    effects: dict[str, dict[tuple[str, int], int]] = field(default_factory=dict)
    """Effect → (aggregate, sequence) → how often it took effect."""
    expected: dict[str, set[str]] = field(default_factory=dict)
    """Effect → the topics whose every event must have it. An effect that is not named here may be missing."""
    differing: dict[str, str] = field(default_factory=dict)
    """Aggregate → in what it is shown otherwise than its source has it, after quiet."""
    disordered: frozenset[str] = frozenset()
    """Aggregates whose records the run itself put out of order in the log: of them only the effects are in order."""
    grown: bool = False
    """Partitions were added meanwhile: an aggregate's events may go on in another one."""
    agencies: dict[str, Delivered] = field(default_factory=dict)
    """Agency → what its endpoint was granted and took."""


class Told(NamedTuple):
    """A version that a client was told."""

    key: str
    version: int
    token: str | None
    ended: float


class Finding(NamedTuple):
    """One anomaly, where it was seen."""

    anomaly: Anomaly
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker found, and the figures beside it."""

    findings: list[Finding]
    acknowledged: int
    events: int
    duplicates: int
    """Records that were published again: no anomaly, positions drop them."""
    lags: tuple[float, float, float, float]
    """Seconds from a command's acknowledgement until its record was seen: p50, p95, p99, worst."""

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings

    def count(self, anomaly: Anomaly) -> int:
        """Return how often it was found."""
        return sum(1 for finding in self.findings if finding.anomaly is anomaly)


def check(steps: Sequence[Step], evidence: Evidence, late_after: float = float("inf")) -> Verdict:
    """Compare a history with the evidence. ``late_after``: seconds from which an event counts as late."""
    told = [
        Told(step.key, step.version, step.token, step.ended)
        for step in steps
        if step.kind is Kind.OK and step.key is not None and step.version is not None
    ]
    published = {(record.key, record.sequence) for record in evidence.log}
    lags = sorted(_lags(told, evidence.live))
    findings = [
        *_lost(told, evidence, published),
        *_phantoms(evidence),
        *_unasked(steps, evidence),
        *_same_version_twice(told),
        *_effects(evidence),
        *_two_values(evidence),
        *_skipped(evidence),
        *_reordered(evidence),
        *_deliveries(evidence),
        *_stale(steps),
        *(Finding(Anomaly.STALE, key, detail) for key, detail in evidence.differing.items()),
        *_late(lags, late_after),
    ]
    return Verdict(findings, len(told), len(published), len(evidence.log) - len(published), _spread(lags))


def _lost(told: Sequence[Told], evidence: Evidence, published: set[tuple[str, int]]) -> Iterator[Finding]:
    for step in told:
        if (found := evidence.versions.get(step.key, 0)) < step.version:
            yield Finding(Anomaly.LOST, step.key, f"version {step.version} was acknowledged, the source holds {found}")
    for key, version in evidence.versions.items():
        for sequence in range(1, version + 1):
            if (key, sequence) not in published:
                yield Finding(
                    Anomaly.LOST, key, f"the source holds version {version}, event {sequence} is not in the log"
                )


def _phantoms(evidence: Evidence) -> Iterator[Finding]:
    for record in evidence.log:
        if record.sequence > evidence.versions.get(record.key, 0):
            found = evidence.versions.get(record.key, 0)
            yield Finding(
                Anomaly.PHANTOM, record.key, f"event {record.sequence} is in the log, the source holds {found}"
            )


def _unasked(steps: Sequence[Step], evidence: Evidence) -> Iterator[Finding]:
    """More new aggregates than clients were told of: those of commands with an unknown outcome may be there."""
    if evidence.before is None:
        return
    untold = evidence.versions.keys() - evidence.before - {step.key for step in steps}
    doubtful = sum(1 for step in steps if step.kind is Kind.INFO and step.key is None)
    if len(untold) > doubtful:
        detail = f"{len(untold)} aggregates that no client was told of, {doubtful} commands with an unknown outcome"
        yield Finding(Anomaly.PHANTOM, min(untold), detail)


def _same_version_twice(told: Sequence[Told]) -> Iterator[Finding]:
    tokens: dict[tuple[str, int], set[str | None]] = defaultdict(set)
    for step in told:
        tokens[step.key, step.version].add(step.token)
    for (key, version), names in tokens.items():
        if len(names) > 1:
            yield Finding(Anomaly.DOUBLED, key, f"{len(names)} commands were told version {version}")


def _effects(evidence: Evidence) -> Iterator[Finding]:
    for name, applied in evidence.effects.items():
        for (key, sequence), times in applied.items():
            if times > 1:
                yield Finding(Anomaly.DOUBLED, key, f"event {sequence} took effect {times} times in {name}")
        topics = evidence.expected.get(name, set())
        for record in evidence.log:
            if record.topic in topics and not applied.get((record.key, record.sequence)):
                yield Finding(Anomaly.UNSEEN, record.key, f"event {record.sequence} has no effect in {name}")


def _two_values(evidence: Evidence) -> Iterator[Finding]:
    places: dict[tuple[str, int, int], str] = {}
    for record in (*evidence.log, *evidence.live):
        place = record.topic, record.partition, record.offset
        if places.setdefault(place, record.event_id) != record.event_id:
            yield Finding(Anomaly.TWO_VALUES, f"{place[0]}/{place[1]}@{place[2]}", "two records at one place")


def _skipped(evidence: Evidence) -> Iterator[Finding]:
    offsets: dict[tuple[str, int], list[int]] = defaultdict(list)
    for record in evidence.log:
        offsets[record.topic, record.partition].append(record.offset)
    seen: dict[tuple[str, int], list[int]] = defaultdict(list)
    for record in evidence.live:
        seen[record.topic, record.partition].append(record.offset)
    for place, mine in seen.items():
        where = f"{place[0]}/{place[1]}"
        if any(later <= earlier for earlier, later in pairwise(mine)):
            yield Finding(Anomaly.SKIPPED, where, "a reader went back")
        elif missing := {o for o in offsets[place] if mine[0] <= o <= mine[-1]} - set(mine):
            yield Finding(
                Anomaly.SKIPPED, where, f"a reader left out {len(missing)} records, the first at {min(missing)}"
            )


def _reordered(evidence: Evidence) -> Iterator[Finding]:
    heads: dict[tuple[str, str, int], int] = {}
    homes: dict[str, set[tuple[str, int]]] = defaultdict(set)
    known: set[tuple[str, int]] = set()
    for record in evidence.log:
        if record.key in evidence.disordered:
            continue
        place = record.key, record.topic, record.partition
        homes[record.key].add((record.topic, record.partition))
        if len(homes[record.key]) > 1 and not evidence.grown:
            yield Finding(Anomaly.REORDERED, record.key, "its events are in two partitions")
        head = heads.get(place, 0)
        # Where an aggregate moved, it begins anew in its second partition, not with its first event.
        gap = record.sequence > head + 1 and not (evidence.grown and head == 0)
        if gap or (record.sequence < head and (record.key, record.sequence) not in known):
            yield Finding(Anomaly.REORDERED, record.key, f"event {record.sequence} came when {head} was the last")
        known.add((record.key, record.sequence))
        heads[place] = max(head, record.sequence)


def _deliveries(evidence: Evidence) -> Iterator[Finding]:
    """Each event that was granted was taken, none else was, and the first coming of each is in the order of its aggregate."""
    for name, delivered in evidence.agencies.items():
        granted: dict[str, Delivery] = {}
        for item in delivered.granted:
            if item.event_id in granted:
                yield Finding(Anomaly.DOUBLED, name, f"event {item.sequence} of {item.key} was granted at two places")
            granted[item.event_id] = item
        seen: set[str] = set()
        heads: dict[str, int] = {}
        for item in delivered.taken:
            if item.event_id not in granted:
                yield Finding(
                    Anomaly.PHANTOM, name, f"event {item.sequence} of {item.key} was delivered and not granted"
                )
            elif item.event_id not in seen and item.sequence < heads.get(item.key, 0):
                detail = f"event {item.sequence} of {item.key} was delivered after {heads[item.key]}"
                yield Finding(Anomaly.REORDERED, name, detail)
            seen.add(item.event_id)
            heads[item.key] = max(heads.get(item.key, 0), item.sequence)
        if not delivered.partly:
            for event_id in granted.keys() - seen:
                item = granted[event_id]
                yield Finding(Anomaly.LOST, name, f"event {item.sequence} of {item.key} was granted and not delivered")


def _stale(steps: Sequence[Step]) -> Iterator[Finding]:
    shown: dict[tuple[int, str, str | None], int] = {}
    for step in sorted((s for s in steps if s.kind is Kind.READ), key=lambda s: s.ended):
        who = step.process, step.name, step.key
        if (step.version or 0) < shown.get(who, 0):
            yield Finding(Anomaly.STALE, str(step.key), f"{step.name} showed {step.version} after {shown[who]}")
        shown[who] = max(shown.get(who, 0), step.version or 0)


def _lags(told: Sequence[Told], live: Sequence[Record]) -> Iterator[float]:
    seen: dict[tuple[str, int], float] = {}
    for record in live:
        seen.setdefault((record.key, record.sequence), record.seen)
    for step in told:
        at = seen.get((step.key, step.version))
        if at is not None:
            yield max(0.0, at - step.ended)


def _late(lags: Sequence[float], limit: float) -> Iterator[Finding]:
    late = [lag for lag in lags if lag > limit]
    if late:
        yield Finding(Anomaly.LATE, "log", f"{len(late)} events later than {limit} s, the worst {late[-1]:.1f} s")


def _spread(lags: Sequence[float]) -> tuple[float, float, float, float]:
    if len(lags) < 2:
        return (0.0, 0.0, 0.0, lags[0] if lags else 0.0)
    cuts = quantiles(lags, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98], lags[-1]
