"""The comparisons themselves: pure, over what was read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from ops.audit.log import Log
from ops.audit.reading import Differing, Positions
from ops.audit.report import ConsumerState, Finding, Report


def compare_log(
    report: Report,
    sources: Mapping[str, Positions],
    log: Log,
    topics: Collection[str] | None = None,
    under_way: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> None:
    """Compare what the sources hold with what was published, and look at the order it was published in.

    ``topics``: of these only; ``under_way``: by topic, of which aggregates facts came after the sources were read.
    """
    for topic, seen in log.topics.items():
        if topics is not None and topic not in topics:
            continue
        report.events += seen.events
        report.wire_duplicates += seen.duplicates
        report.foreign_records += seen.foreign
        report.reordered += seen.reordered
        if seen.reordered:
            detail = f"{seen.reordered} events were published before one of their predecessors"
            report.add(Finding("reordered", topic, None, 0, seen.reordered, detail))
        _compare_heads(report, topic, sources.get(topic, {}), seen.heads, under_way.get(topic, ()))
        for subject, early in seen.early.items():
            head = seen.heads.get(subject, 0)
            report.gaps += min(early) - head - 1
            report.add(Finding("gap", topic, subject, head + 1, min(early), "a sequence is missing in the log"))


def _compare_heads(
    report: Report, topic: str, versions: Positions, heads: Positions, under_way: Collection[str]
) -> None:
    for subject, version in versions.items():
        head = heads.get(subject, 0)
        if head < version:
            report.lost += version - head
            report.add(Finding("lost", topic, subject, version, head, "stored at the source, missing in the log"))
        elif head > version and subject not in under_way:
            report.add(Finding("ahead", topic, subject, version, head, "published, but the source is older"))
    for subject in heads.keys() - versions.keys() - set(under_way):
        report.add(Finding("ahead", topic, subject, 0, heads[subject], "published, but the source does not know it"))


def told(versions: Positions, heads: Positions, positions: Positions) -> Positions:
    """Return where a consumer must be whose sources are not looked at: at what its topic holds.

    What its source stored and the topic lacks it may have applied before the topic lost it: that is no fault of the consumer.
    """
    return {
        subject: max(heads.get(subject, 0), min(positions.get(subject, 0), versions.get(subject, 0)))
        for subject in heads.keys() | versions.keys()
    }


def compare_positions(
    report: Report,
    state: ConsumerState,
    consumer: str,
    topic: str,
    versions: Positions,
    positions: Positions,
    parked: dict[str | None, int],
    under_way: Collection[str] = (),
) -> None:
    """Compare one consumer's positions on one topic with the source's versions; ``under_way`` are aggregates that move just now."""
    state.aggregates += len(versions)
    for subject, version in versions.items():
        position = positions.get(subject, 0)
        if subject in under_way:
            continue
        missing = version - position - parked.get(subject, 0)
        if position > version:
            state.ahead += 1
            report.add(Finding("ahead", consumer, subject, version, position, f"position on {topic} beyond the source"))
        elif missing > 0:
            state.behind += missing
            report.lost += missing
            report.add(Finding("behind", consumer, subject, version, position, f"not applied and not parked: {topic}"))
    for subject in positions.keys() - versions.keys() - set(under_way):
        state.ahead += 1
        detail = f"position on {topic} of an aggregate that the source does not know"
        report.add(Finding("ahead", consumer, subject, 0, positions[subject], detail))
    name_parked(report, state, consumer, topic, parked)


def name_parked(
    report: Report, state: ConsumerState, consumer: str, topic: str, parked: Mapping[str | None, int]
) -> None:
    """Count and name what a consumer has parked of a topic."""
    state.parked += sum(parked.values())
    report.parked += sum(parked.values())
    for waiting, count in parked.items():
        report.add(Finding("parked", consumer, waiting, 0, count, f"parked events of {topic}: look, repair, redrive"))


def compare_effects(report: Report, differing: Differing) -> None:
    """Name what a database found of all aggregates between every effect that it declares and the positions of its consumer."""
    for key in differing.declared:
        consumer, effect, _ = key
        state = report.consumers.setdefault(consumer, ConsumerState())
        state.effects[effect] = differing.counts.get(key, 0)
        compare_effect(report, effect, differing.positions.get(key, {}), differing.effects.get(key, {}))


def compare_effect(report: Report, effect: str, positions: Positions, effects: Positions) -> None:
    """Compare the position that an effect's own rows show with the consumer's position."""
    for subject, position in positions.items():
        found = effects.get(subject, 0)
        if found < position:
            report.lost += max(1, position - max(found, 0))
            report.add(Finding("effect", effect, subject, position, found, "a row of the projection is missing"))
        elif found > position:
            report.doubled += found - position
            report.add(Finding("doubled", effect, subject, position, found, "more effects than events applied"))
    for subject in effects.keys() - positions.keys():
        report.doubled += 1
        report.add(Finding("doubled", effect, subject, 0, effects[subject], "an effect without a position"))


def compare_messages(report: Report, notifying: set[str], told: Collection[str]) -> None:
    """Each event that calls for a message must have led to one, or to a reason why not; ``told`` are those that did."""
    for event_id in sorted(notifying - set(told)):
        report.lost += 1
        report.add(Finding("message", "notifications", event_id, 1, 0, "this event led to no message"))
