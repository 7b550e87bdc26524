"""What an audit found, in the shape that ``naikkelas audit --json`` prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    kind: str
    """``lost``, ``doubled``, ``gap``, ``reordered``, ``ahead``, ``behind``, ``effect``, ``message``, ``unpublished``; of agencies
    ``undelivered``, ``undisclosed``, ``ungranted``, ``beyond``, ``taken``, ``reordered``, ``personal``, ``topic``; of public topics some of these."""
    where: str
    """Topic, consumer or effect; of agencies the code, the way, the endpoint, the stream."""
    aggregate_id: str | None
    expected: int | None
    found: int | None
    detail: str


@dataclass(slots=True)
class ConsumerState:
    """One consumer compared with the sources of its topics."""

    aggregates: int = 0
    behind: int = 0
    """Events not applied yet and not parked."""
    ahead: int = 0
    """Aggregates whose position is beyond the source's version."""
    parked: int = 0
    effects: dict[str, int] = field(default_factory=dict)
    """Per effect, the number of aggregates that were compared."""


@dataclass(slots=True)
class WayState:
    """One way to an agency, all streams together: an endpoint, its topic, or the feed."""

    way: str
    endpoint: str | None = None
    """Id of the webhook."""
    delivered: int = 0
    """Events handed over that stand in the disclosure log."""
    waiting: int = 0
    """Events that are granted and not handed over yet."""
    reason: str | None = None
    """Why they wait."""
    records: int = 0
    """What the topic holds."""
    repeated: int = 0
    """Records of it that were there before; harmless, the same ids."""


@dataclass(slots=True)
class AgencyState:
    """One agency compared with what its texts grant."""

    agreement: str | None = None
    """State of the agreement that counts, else of the last one."""
    pages: int = 0
    """Rows of the disclosure log."""
    ways: list[WayState] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """The result of one audit; ``ok`` only if nothing is lost, doubled, reordered, missing or parked."""

    events: int = 0
    aggregates: int = 0
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    gaps: int = 0
    parked: int = 0
    unpublished: int = 0
    wire_duplicates: int = 0
    """Records that were published again; harmless, because positions drop them."""
    foreign_records: int = 0
    """Records without a readable address."""
    undelivered: int = 0
    """Events that an agency was granted and not given, and that do not wait."""
    under_way: int = 0
    """What came while it read: asked again, and found where it belongs."""
    quiet: bool | None = None
    """Whether outboxes and consumers rested before it read; ``None``: nobody waited for it."""
    seconds: float = 0.0
    services: list[str] = field(default_factory=list)
    """Whose part was looked at."""
    left_out: list[str] = field(default_factory=list)
    """What was not looked at, a line each; empty: it was an audit of the whole."""
    since: dict[str, Any] | None = None
    """What it continued from: when all was read last, when that was proved, and how much. ``None``: it read all of its part."""
    fell_back: str | None = None
    """Why it read all, although it was to continue."""
    checkpoint: str | None = None
    """Whether others may continue from it; ``None``: nobody asked."""
    agencies: dict[str, AgencyState] = field(default_factory=dict)
    public: dict[str, WayState] = field(default_factory=dict)
    """By public topic."""
    consumers: dict[str, ConsumerState] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    total_findings: Counter[str] = field(default_factory=Counter)

    def add(self, finding: Finding) -> None:
        """Note a finding; beyond 200 only their number is kept."""
        self.total_findings[finding.kind] += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.total_findings

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        return {
            "ok": self.ok,
            "events": self.events,
            "aggregates": self.aggregates,
            "lost": self.lost,
            "doubled": self.doubled,
            "reordered": self.reordered,
            "gaps": self.gaps,
            "parked": self.parked,
            "unpublished": self.unpublished,
            "wire_duplicates": self.wire_duplicates,
            "foreign_records": self.foreign_records,
            "undelivered": self.undelivered,
            "under_way": self.under_way,
            "quiet": self.quiet,
            "seconds": round(self.seconds, 3),
            "services": self.services,
            "left_out": self.left_out,
            "since": self.since,
            "fell_back": self.fell_back,
            "checkpoint": self.checkpoint,
            "agencies": {code: asdict(state) for code, state in sorted(self.agencies.items())},
            "public": {topic: asdict(state) for topic, state in sorted(self.public.items())},
            "consumers": {name: asdict(state) for name, state in sorted(self.consumers.items())},
            "findings": [asdict(finding) for finding in self.findings],
            "total_findings": dict(self.total_findings),
        }
