"""The checker names each of its nine anomalies, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proof.checker import Anomaly, Delivered, Delivery, Evidence, Record, check
from proof.history import History, Kind, Step, read_history

KEY = "a" * 36
TOPIC = "umkm.business"


def step(
    version: int | None = 1, kind: Kind = Kind.OK, *, process: int = 0, token: str = "t", ended: float = 1.0
) -> Step:
    return Step(process, kind, "workers", ended - 0.5, ended, KEY, version, token)


def record(sequence: int, offset: int, *, event: str | None = None, partition: int = 0, seen: float = 0.0) -> Record:
    return Record(TOPIC, partition, offset, KEY, sequence, event or f"e{sequence}", seen)


def delivery(sequence: int) -> Delivery:
    return Delivery(KEY, sequence, f"e{sequence}")


def whole() -> tuple[list[Step], Evidence]:
    """Return a run in which all went well: two versions, both read live, both in effect."""
    steps = [step(1, token="t1"), step(2, token="t2", ended=2.0), step(1, Kind.READ), step(2, Kind.READ, ended=3.0)]
    evidence = Evidence(
        versions={KEY: 2},
        before=frozenset(),
        log=[record(1, 0), record(2, 1)],
        live=[record(1, 0, seen=1.1), record(2, 1, seen=2.4)],
        effects={"timeline": {(KEY, 1): 1, (KEY, 2): 1}},
        expected={"timeline": {TOPIC}},
        agencies={"dinas": Delivered([delivery(1), delivery(2)], [delivery(1), delivery(1), delivery(2)])},
    )
    return steps, evidence


Fault = Callable[[list[Step], Evidence], None]


def _no_event(_: list[Step], e: Evidence) -> None:
    e.log.pop(), e.live.pop(), e.effects["timeline"].popitem()


def _no_change(_: list[Step], e: Evidence) -> None:
    _no_event(_, e)
    e.versions[KEY] = 1


def _phantom(s: list[Step], e: Evidence) -> None:
    e.versions[KEY] = 1
    s.pop(1)


def _effect_twice(_: list[Step], e: Evidence) -> None:
    e.effects["timeline"][KEY, 2] = 2


def _version_twice(s: list[Step], _: Evidence) -> None:
    s.append(step(2, token="t3"))


def _two_values(_: list[Step], e: Evidence) -> None:
    e.live[1] = record(2, 1, event="other", seen=2.4)


def _went_back(_: list[Step], e: Evidence) -> None:
    e.live.append(record(1, 0, seen=3.0))


def _left_out(_: list[Step], e: Evidence) -> None:
    e.log.append(record(2, 2, event="e2"))
    e.live = [e.live[0], record(2, 2, event="e2", seen=2.4)]


def _reordered(_: list[Step], e: Evidence) -> None:
    e.log = [record(2, 0), record(1, 1)]
    e.live = [record(2, 0, seen=1.1), record(1, 1, seen=2.4)]


def _two_partitions(_: list[Step], e: Evidence) -> None:
    e.log[1] = record(2, 0, partition=1)
    e.live[1] = record(2, 0, partition=1, seen=2.4)


def _stale(s: list[Step], _: Evidence) -> None:
    s.append(step(1, Kind.READ, ended=4.0))


def _nobody_asked(_: list[Step], e: Evidence) -> None:
    other = "b" * 36
    e.versions[other] = 1
    e.log.append(Record(TOPIC, 1, 0, other, 1, "e9"))
    e.effects["timeline"][other, 1] = 1


def _unseen(_: list[Step], e: Evidence) -> None:
    del e.effects["timeline"][KEY, 2]


def _late(_: list[Step], e: Evidence) -> None:
    e.live[1] = record(2, 1, seen=60.0)


def _not_delivered(_: list[Step], e: Evidence) -> None:
    e.agencies["dinas"].taken.pop()


def _not_granted(_: list[Step], e: Evidence) -> None:
    e.agencies["dinas"].granted.pop()


def _delivered_out_of_order(_: list[Step], e: Evidence) -> None:
    e.agencies["dinas"].taken.reverse()


def _granted_twice(_: list[Step], e: Evidence) -> None:
    e.agencies["dinas"].granted.append(delivery(2))


FAULTS: list[tuple[Fault, Anomaly]] = [
    (_no_event, Anomaly.LOST), (_no_change, Anomaly.LOST), (_phantom, Anomaly.PHANTOM), (_nobody_asked, Anomaly.PHANTOM), (_effect_twice, Anomaly.DOUBLED),
    (_version_twice, Anomaly.DOUBLED), (_two_values, Anomaly.TWO_VALUES), (_went_back, Anomaly.SKIPPED),
    (_left_out, Anomaly.SKIPPED), (_reordered, Anomaly.REORDERED), (_two_partitions, Anomaly.REORDERED),
    (_stale, Anomaly.STALE), (_unseen, Anomaly.UNSEEN), (_late, Anomaly.LATE),
    (_not_delivered, Anomaly.LOST), (_not_granted, Anomaly.PHANTOM), (_delivered_out_of_order, Anomaly.REORDERED),
    (_granted_twice, Anomaly.DOUBLED),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "anomaly"), FAULTS)
def test_each_anomaly_is_named_alone(fault: Fault, anomaly: Anomaly) -> None:
    steps, evidence = whole()
    fault(steps, evidence)
    assert {finding.anomaly for finding in check(steps, evidence, late_after=30.0).findings} == {anomaly}


def test_every_anomaly_has_a_case() -> None:
    assert {anomaly for _, anomaly in FAULTS} == set(Anomaly)


def test_what_went_well_is_green_also_when_published_again_or_unknown() -> None:
    steps, evidence = whole()
    evidence.log.append(record(2, 2))
    evidence.live.append(record(2, 2, seen=3.0))
    steps.append(Step(1, Kind.INFO, "workers", 4.0, 5.0, KEY, None, "t9"))
    steps.append(Step(1, Kind.INFO, "owner", 4.0, 5.0, None, None, "t10"))
    _nobody_asked(steps, evidence)  # it may be of the command whose outcome nobody knows
    verdict = check(steps, evidence, late_after=30.0)
    assert (verdict.ok, verdict.acknowledged, verdict.events, verdict.duplicates) == (True, 2, 3, 1)
    assert verdict.lags[3] == pytest.approx(0.4)


def test_what_an_agreement_that_ended_on_the_way_left_is_not_lost() -> None:
    steps, evidence = whole()
    evidence.agencies["dinas"].taken.pop()
    evidence.agencies["dinas"].partly = True
    assert check(steps, evidence).ok
    assert evidence.agencies["dinas"].repeated == 1


def test_a_history_is_read_as_it_was_written_and_a_bad_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history = History(path)
    history.add(step())
    history.close()
    assert read_history(path) == history.steps
    path.write_text("{}\n")
    with pytest.raises(ValueError, match="line 1"):
        read_history(path)


def test_what_the_run_itself_put_out_of_order_is_no_finding_and_all_else_is() -> None:
    steps, evidence = whole()
    evidence.log = [record(2, 0), record(1, 1)]
    evidence.live = []
    assert [finding.anomaly for finding in check(steps, evidence).findings] == [Anomaly.REORDERED, Anomaly.REORDERED]
    evidence.disordered = frozenset({KEY})
    assert check(steps, evidence).ok


def test_an_aggregate_may_move_to_another_partition_only_where_partitions_were_added() -> None:
    steps, evidence = whole()
    evidence.log, evidence.live = [record(2, 0, partition=1), record(1, 0, partition=0)], []
    assert {finding.anomaly for finding in check(steps, evidence).findings} == {Anomaly.REORDERED}
    evidence.grown = True
    assert check(steps, evidence).ok


def test_an_inversion_within_a_partition_is_found_also_where_partitions_were_added() -> None:
    steps, evidence = whole()
    evidence.grown, evidence.live = True, []
    evidence.log = [record(2, 0, partition=1), record(1, 1, partition=1)]
    assert [finding.anomaly for finding in check(steps, evidence).findings] == [Anomaly.REORDERED]


def test_a_value_that_is_shown_otherwise_than_its_source_has_it_is_stale() -> None:
    steps, evidence = whole()
    evidence.differing[KEY] = "the dashboard shows 3 workers, the registry holds 4"
    assert [finding.anomaly for finding in check(steps, evidence).findings] == [Anomaly.STALE]
