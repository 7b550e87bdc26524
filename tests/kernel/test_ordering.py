"""The order of one aggregate: whatever comes, in whatever order and how often, is applied once and in sequence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.consumer.ordering import Streams
from shared.consumer.planning import make_plan
from shared.consumer.records import Item, read_item
from shared.contracts.registry import BusinessVerified

SUBJECTS = ("01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002")
TYPE = BusinessVerified.type_name()


class Record:
    """A record as aiokafka gives it."""

    topic = "umkm.business"
    partition = 0

    def __init__(self, offset: int, subject: str, sequence: int, value: bytes | None = None) -> None:
        self.offset = offset
        self.key = subject.encode()
        self.value = value if value is not None else b'{"business_id": "%s"}' % subject.encode()
        self.headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", subject.encode()),
            ("ce_type", TYPE.encode()),
            ("ce_source", b"registry"),
            ("ce_subject", subject.encode()),
            ("ce_time", b"2026-11-25T00:00:00Z"),
            ("ce_sequence", b"%d" % sequence),
        ]


def _items(spots: list[tuple[str, int]]) -> list[Item]:
    return [read_item(Record(offset, subject, sequence)) for offset, (subject, sequence) in enumerate(spots)]


def _plan(spots: list[tuple[str, int]], stored: dict[str, int]) -> tuple[list[tuple[str, int]], list[str]]:
    plan = make_plan(frozenset({TYPE}), Streams(stored), _items(spots))
    plan.settle({})
    return [(s.address.subject, s.address.sequence) for s in plan.steps], [p.kind for p in plan.parkings]


@given(st.lists(st.tuples(st.sampled_from(SUBJECTS), st.integers(1, 6)), max_size=40))
def test_each_is_applied_once_and_in_order_and_the_rest_is_parked_or_dropped(spots: list[tuple[str, int]]) -> None:
    applied, _ = _plan(spots, {})
    for subject in SUBJECTS:
        mine = [sequence for name, sequence in applied if name == subject]
        assert list(range(1, len(mine) + 1)) == mine
        came = {sequence for name, sequence in spots if name == subject}
        assert (len(mine) + 1) not in came, "the next one came and was not applied"


def test_a_gap_is_parked_and_released_when_the_missing_one_comes() -> None:
    first, second = SUBJECTS
    assert _plan([(first, 3), (second, 1), (first, 2)], {first: 1}) == ([(second, 1), (first, 2), (first, 3)], [])
    assert _plan([(first, 3)], {first: 1}) == ([], ["gap"])


def test_a_failure_parks_it_and_what_follows_of_its_aggregate_only() -> None:
    first, second = SUBJECTS
    plan = make_plan(frozenset({TYPE}), Streams({}), _items([(first, 1), (second, 1), (first, 2), (second, 2)]))
    plan.settle({(first, 1): ("ValueError", 3)})
    assert {second: 2} == plan.moved
    assert [(p.kind, p.item.offset) for p in plan.parkings] == [("poison", 0), ("behind", 2)]


def test_a_body_that_the_contract_refuses_blocks_its_own_aggregate_only() -> None:
    first, second = SUBJECTS
    items = [
        read_item(Record(0, first, 1, value=b"bukan json")),
        read_item(Record(1, first, 2)),
        read_item(Record(2, second, 1)),
    ]
    plan = make_plan(frozenset({TYPE}), Streams({}), items)
    plan.settle({})
    assert {second: 1} == plan.moved
    assert [p.kind for p in plan.parkings] == ["poison", "behind"]


def test_types_without_contract_move_the_position_and_are_counted() -> None:
    record = Record(0, SUBJECTS[0], 1, value=b"anything")
    record.headers[2] = ("ce_type", b"id.go.balikpapan.umkm.business.verified.v9")
    plan = make_plan(frozenset({TYPE}), Streams({}), [read_item(record)])
    plan.settle({})
    assert {SUBJECTS[0]: 1} == plan.moved
    assert plan.counts["unknown_types"] == 1
