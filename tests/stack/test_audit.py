"""The audit: what it compares, and that each kind of fault makes it red and is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ops.audit.comparing import compare_effect, compare_log, compare_messages, compare_positions
from ops.audit.log import Log, TopicLog
from ops.audit.report import ConsumerState, Report

A, B = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000b"
TOPIC = "umkm.business"


def log_of(*records: tuple[str, int]) -> Log:
    """Return the log that holds these records in this order."""
    topic = TopicLog()
    for subject, sequence in records:
        topic.take(subject, sequence)
    return Log({TOPIC: topic})


def log_fault(*records: tuple[str, int]) -> Callable[[Report], None]:
    """Compare a source that has A in version 3 with such a log."""
    return lambda report: compare_log(report, {TOPIC: {A: 3}}, log_of(*records))


def positions_fault(**given: object) -> Callable[[Report], None]:
    """Compare a consumer that stands like this with a source that has A in version 3."""
    positions, parked = given.get("positions", {}), given.get("parked", {})
    return lambda report: compare_positions(
        report,
        ConsumerState(),
        "projections",
        TOPIC,
        {A: 3},
        positions,
        parked,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("fault", "kind", "figure"),
    [
        (log_fault((A, 1), (A, 2)), "lost", "lost"),
        (log_fault((A, 1), (A, 3)), "gap", "gaps"),
        (log_fault((A, 1), (A, 3), (A, 2)), "reordered", "reordered"),
        (log_fault((A, 1), (A, 2), (A, 3), (A, 4)), "ahead", None),
        (log_fault((A, 1), (A, 2), (A, 3), (B, 1)), "ahead", None),
        (positions_fault(positions={A: 2}), "behind", "lost"),
        (positions_fault(positions={}), "behind", "lost"),
        (positions_fault(positions={A: 4}), "ahead", None),
        (positions_fault(positions={A: 3, B: 1}), "ahead", None),
        (positions_fault(positions={A: 2}, parked={A: 1}), "parked", "parked"),
        (lambda report: compare_effect(report, "business_timeline", {A: 3}, {A: 2}), "effect", "lost"),
        (lambda report: compare_effect(report, "business_timeline", {A: 3}, {}), "effect", "lost"),
        (lambda report: compare_effect(report, "business_timeline", {A: 3}, {A: 4}), "doubled", "doubled"),
        (lambda report: compare_effect(report, "business_timeline", {}, {B: 1}), "doubled", "doubled"),
        (lambda report: compare_messages(report, {A}, {}), "message", "lost"),
    ],
)
def test_each_kind_of_fault_is_named(fault: Callable[[Report], None], kind: str, figure: str | None) -> None:
    report = Report()
    fault(report)
    assert not report.ok
    assert kind in {finding.kind for finding in report.findings}
    if figure is not None:
        assert getattr(report, figure) > 0


def test_what_is_whole_is_green_also_when_published_twice() -> None:
    report = Report()
    compare_log(report, {TOPIC: {A: 3, B: 1}}, log_of((A, 1), (A, 2), (A, 1), (A, 2), (B, 1), (A, 3)))
    compare_positions(report, ConsumerState(), "projections", TOPIC, {A: 3, B: 1}, {A: 3, B: 1}, {})
    compare_effect(report, "business_timeline", {A: 3, B: 1}, {A: 3, B: 1})
    compare_messages(report, {A}, {A: 1, B: 1})
    assert (report.ok, report.wire_duplicates, report.events) == (True, 2, 4)


def test_an_aggregate_that_moved_to_another_partition_is_in_order_if_it_is_in_each() -> None:
    topic = TopicLog()
    for sequence, partition in ((3, 0), (4, 0), (1, 5), (2, 5)):
        topic.take(A, sequence, partition)
    assert (topic.heads, topic.early, topic.reordered) == ({A: 4}, {}, 0)


@pytest.mark.parametrize("later", [((4, 0), (3, 0), (1, 5), (2, 5)), ((3, 0), (4, 0), (2, 5), (1, 5))])
def test_an_inversion_within_a_partition_is_found_also_of_an_aggregate_that_moved(
    later: tuple[tuple[int, int]],
) -> None:
    topic = TopicLog()
    for sequence, partition in later:
        topic.take(A, sequence, partition)
    assert (topic.heads, topic.reordered) == ({A: 4}, 1)
