"""``docs/reliability.md`` from the runs: what was promised, what was done to it, what came of it, and what that allows to say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

from proof.checker import Anomaly
from proof.model.spin import Search
from proof.promises import Promise
from proof.rig import Outcome

DUPLICATED = (Anomaly.DOUBLED,)
LOST = (Anomaly.LOST, Anomaly.UNSEEN, Anomaly.PHANTOM)
ORDER = (Anomaly.REORDERED, Anomaly.STALE, Anomaly.SKIPPED, Anomaly.TWO_VALUES)

NOT_RUN: dict[str, str] = {}


@dataclass(slots=True)
class Row:
    """The runs of one promise, summed up."""

    promise: Promise
    outcomes: list[Outcome] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    skipped: str | None = None
    """What this machine lacks for it; then nothing ran."""
    ended: str | None = None
    """Why its last run did not come to its end."""

    @property
    def ok(self) -> bool:
        """Tell whether every run held."""
        return self.ended is None and bool(self.outcomes) and all(outcome.ok for outcome in self.outcomes)

    @property
    def broken(self) -> bool:
        """Tell whether it ran and did not hold."""
        return self.skipped is None and not self.ok

    def _count(self, kinds: Iterable[Anomaly]) -> int:
        return sum(outcome.verdict.count(kind) for outcome in self.outcomes for kind in kinds)

    def figures(self) -> dict[str, Any]:
        """Return the figures of the table."""
        recoveries = sorted(seconds for outcome in self.outcomes for seconds in outcome.recoveries)
        acknowledged = sum(outcome.verdict.acknowledged for outcome in self.outcomes)
        p50, p95 = _spread(recoveries)
        return {
            "promise": self.promise.number,
            "text": self.promise.text,
            "fault": self.promise.what,
            "held": self.ok,
            "skipped": self.skipped,
            "runs": len(self.outcomes),
            "seeds": self.seeds,
            "faults": len(recoveries),
            "commands": acknowledged,
            "lost": self._count(LOST),
            "doubled": self._count(DUPLICATED),
            "out of order": self._count(ORDER),
            "late": self._count((Anomaly.LATE,)),
            "published again": sum(outcome.published_again for outcome in self.outcomes),
            "recovery p50": p50,
            "recovery p95": p95,
            "availability": min((outcome.availability for outcome in self.outcomes), default=1.0),
            "upper bound": 3.0 / acknowledged if acknowledged else 1.0,
            "failures": [
                *([self.ended] if self.ended else []),
                *(text for outcome in self.outcomes for text in outcome.failures),
            ],
            "notes": [text for outcome in self.outcomes for text in outcome.notes],
        }


def _spread(values: Sequence[float]) -> tuple[float, float]:
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]


def sentence(row: Row) -> str:
    """Return one line for a terminal."""
    f = row.figures()
    if row.skipped is not None:
        return f"{f['promise']:4} skipped: {row.skipped}"
    head = f"{f['promise']:4} {'held' if f['held'] else 'BROKEN'}"
    figures = (
        f"{f['commands']:,} commands, {f['faults']} faults: lost {f['lost']}, doubled {f['doubled']}, out of order "
        f"{f['out of order']}, published again {f['published again']}, recovery {f['recovery p50']:.1f}/{f['recovery p95']:.1f} s, "
        f"answered {f['availability']:.1%}"
    )
    return "\n     ".join([f"{head}  {figures}", *f["failures"], *_named(row), *f["notes"]])


def _named(row: Row) -> list[str]:
    findings = [finding for outcome in row.outcomes for finding in outcome.verdict.findings]
    return [f"{finding.anomaly}: {finding.where}: {finding.detail}" for finding in findings[:5]]


def model_lines(found: Mapping[str, Search]) -> list[str]:
    """Return what the search of the model came to, a line each."""
    return [
        f"{name}: {result.errors} errors in {result.states:,} states, "
        f"{'every one searched' if result.exhaustive else 'up to the first error'}, {result.seconds:.0f} s"
        for name, result in found.items()
    ]


def document(rows: Sequence[Row], models: Mapping[str, Search], card: Mapping[str, str], command: str) -> str:
    """Return the text of docs/reliability.md."""
    lines = [
        "# Reliability",
        "",
        f"Written by `{command}`. Every figure is from runs on real Kafka, real PostgreSQL and a real SMTP server, each service a",
        "process of its own, faults as named. `make prove PROMISE=P15 SEED=7` repeats one.",
        "",
        ", ".join(f"{name} {value}" for name, value in card.items()),
        "",
        "* *lost*: acknowledged commands without change, event or effect, and events without a change; *doubled*: effects that took",
        "  place twice; *out of order*: per key, in the log, to each client and to agencies; *published again*: harmless, the ids are the same.",
        "* *recovery*: seconds from the end of the fault until every consumer had caught up; *answered*: requests answered while the",
        "  fault lasted (503 and no answer count as not answered; clients try again).",
        "* *at most*: 0 of n seen means below 3/n with 95 % confidence. Not seen is not impossible.",
        "",
        "| | promise | fault | faults (runs) | commands | lost | doubled | out of order | published again | recovery p50 / p95 | answered "
        "| at most |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in rows),
        "",
        *_notes(rows),
        *_health(rows),
        "## Every order of events",
        "",
        "`proof/model/machine.py` drives the product's own relay, consumer and redrive step by step on a real PostgreSQL, through",
        "commands, roll-backs, long transactions, takeovers, deaths at any point, redelivery, poison and redrive in whatever order",
        "hypothesis finds; `make prove` runs it at length. `proof/model/relay.pml` is a small model of the same for spin:",
        "",
        *([f"* {line}" for line in model_lines(models)] or ["* not searched: spin was missing"]),
        "",
        *(["Not run yet:", "", *(f"* {number}: {why}" for number, why in NOT_RUN.items()), ""] if NOT_RUN else []),
        f"Seeds: {', '.join(str(seed) for seed in rows[0].seeds) if rows else 'none'}.",
    ]
    return "\n".join(lines) + "\n"


def _health(rows: Sequence[Row]) -> list[str]:
    """Return the table fault × probe of the last run."""
    told = [
        line for row in rows for outcome in row.outcomes[-1:] for line in outcome.told if "mended" not in line.fault
    ]
    if not told:
        return []
    lines = [
        "## What health says",
        "",
        "| fault | process | live | ready | cause | said after |",
        "|---|---|---|---|---|---|",
    ]
    for t in told:
        answers = f"{t.found.live or 'no answer'} | {t.found.ready or 'no answer'}"
        lines.append(f"| {t.fault} | {t.process} | {answers} | {t.found.causes} | {t.seconds:.1f} s |")
    return [*lines, ""]


def _notes(rows: Sequence[Row]) -> list[str]:
    """Return what the last run of each promise had to say beside its figures."""
    notes = [f"* {row.promise.number}: {text}" for row in rows for out in row.outcomes[-1:] for text in out.notes]
    return ["## Beside the figures", "", *notes, ""] if notes else []


def _line(row: Row) -> str:
    f = row.figures()
    if row.skipped is not None:
        return f"| {f['promise']} | {f['text']} | {f['fault']} | skipped: {row.skipped} {'| ' * 9}|"
    bound = f"{f['upper bound']:.2%}" if f["held"] else "broken"
    return (
        f"| {f['promise']} | {f['text']} | {f['fault']} | {f['faults']} ({f['runs']}) | {f['commands']:,} | {f['lost']} | {f['doubled']} "
        f"| {f['out of order']} | {f['published again']:,} | {f['recovery p50']:.1f} / {f['recovery p95']:.1f} s "
        f"| {f['availability']:.1%} | {bound} |"
    )


def as_json(rows: Sequence[Row], card: Mapping[str, str]) -> str:
    """Return everything for a program."""
    ok = any(row.ok for row in rows) and not any(row.broken for row in rows)
    return json.dumps({"ok": ok, "card": dict(card), "promises": [row.figures() for row in rows]}, indent=2)
