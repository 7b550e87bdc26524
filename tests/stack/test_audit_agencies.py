"""The audit of agencies, its pure part: what counts when, what must stand in a page, what may be missing, what a topic may hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.audit.agency_topics import Place, Topic, TopicWalk, key_of, name_what_is_left, round_of, rounds_for
from ops.audit.disclosures import Pages, Row, Seen
from ops.audit.granting import EVER, NEVER, Standing, Text, Texts, spans_of
from ops.audit.lanes import Lane, Walk
from ops.audit.report import Report, WayState
from services.partners.commands import Terms
from services.partners.domain.erasures import NOTICE_TYPE
from shared.contracts.partnership import DeliveryWay, Grant, LegalBasis
from shared.contracts.registry import BusinessRegistered, BusinessVerified
from shared.partitioning import digests_of
from shared.topology import AGENCY_PARTITIONS

REGISTERED, VERIFIED = BusinessRegistered.type_name(), BusinessVerified.type_name()
AGENCY, AGREEMENT, STREAM = "dpmptsp", "01900000-0000-7000-8000-0000000000aa", "business"
HERE, THERE = "64.71.01.1001", "64.71.05.1002"
NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
SUBJECT = "01900000-0000-7000-8000-00000000000a"
AT_HOME = digests_of([SUBJECT])[0] % AGENCY_PARTITIONS
"""The partition of an agency's topic in which the events of this subject are."""
ELSEWHERE = frozenset(range(AGENCY_PARTITIONS)) - {AT_HOME}


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def terms(**changes: Any) -> Terms:
    """Return a text that grants what is registered here, by all ways, from an hour ago for a day."""
    told: dict[str, Any] = {
        "title": "DPMPTSP",
        "legal_basis": LegalBasis.TANPA_DATA_PRIBADI,
        "legal_reference": "PKS 119/2026",
        "purpose": "Perizinan",
        "contact": "",
        "grants": (Grant(type=REGISTERED, fields=("business_id", "kelurahan")),),
        "kelurahan": (HERE,),
        "ways": tuple(DeliveryWay),
        "starts_at": at(-60),
        "expires_at": at(24 * 60),
    }
    return Terms(**told | changes)


def text(revision: int = 1, *spans: tuple[datetime, datetime], **changes: Any) -> Text:
    return Text(AGENCY, AGREEMENT, revision, terms(**changes), spans or ((at(-60), NEVER),))


def event(position: int, place: str = HERE, *, type_name: str = REGISTERED, minutes: int = 0) -> Seen:
    return Seen(position, (type_name, place, None, None), at(minutes), str(UUID(int=position)), SUBJECT)


def row(
    after: int,
    upto: int,
    events: int,
    *,
    way: str = "webhook",
    revision: int = 1,
    minutes: int = 1,
    endpoint: str | None = None,
) -> Row:
    return Row(after + 1, AGENCY, AGREEMENT, revision, way, after, upto, events, at(minutes), endpoint)


def walked(
    events: Sequence[Seen], rows: Sequence[Row], lanes: Sequence[Lane], texts: Sequence[Text] = (), first: int = 1
) -> Report:
    """Return what is found when events and rows are walked as the audit walks them."""
    report, found = Report(), Texts(texts or [text()])
    pages = Pages(report, STREAM, found, events[-1].position if events else 0, found.places())
    walk, left = Walk(report, STREAM, found, lanes, first, pages), list(rows)
    for item in events:
        while left and left[0].after < item.position:
            walk.open(left.pop(0))
        walk.take(item)
    for page in left:
        walk.open(page)
    walk.end()
    return report


def lane(position: int, way: DeliveryWay = DeliveryWay.WEBHOOK, **given: Any) -> Lane:
    told: dict[str, Any] = {"texts": frozenset({0}), "current": 0, "began": 0} | given
    state = told.pop("endpoint", None) or WayState(way.value, "e")
    return Lane(AGENCY, way, STREAM, position, state, **told)


FIVE = [event(1), event(2, THERE), event(3), event(4, THERE), event(5)]
"""Three of them are granted."""


def named(report: Report) -> dict[str, int]:
    return dict(report.total_findings)


def test_what_is_delivered_and_told_is_green_and_what_is_not_granted_is_gone_over() -> None:
    at_the_end = lane(5)
    assert named(walked(FIVE, [row(0, 3, 2), row(3, 5, 1)], [at_the_end])) == {}
    assert (at_the_end.state.delivered, at_the_end.state.waiting) == (3, 0)


def test_what_comes_after_the_position_waits_but_for_what_was_delivered_beyond_it() -> None:
    behind = lane(1, done=frozenset({5}))
    assert named(walked(FIVE, [row(0, 5, 3)], [behind])) == {}
    assert (behind.state.delivered, behind.state.waiting) == (2, 1)


@pytest.mark.parametrize(
    ("rows", "position", "kinds"),
    [
        ([row(0, 3, 2)], 5, {"undelivered": 1}),
        ([row(3, 5, 1)], 5, {"undelivered": 1}),
        ([row(0, 5, 2)], 5, {"undelivered": 1}),
        ([row(0, 5, 4)], 5, {"ungranted": 1}),
        ([row(0, 5, 3), row(5, 6, 1)], 5, {"beyond": 1, "ungranted": 1}),
        ([row(0, 5, 3), row(3, 5, 1)], 1, {"beyond": 1}),
        ([row(0, 5, 3)], 9, {"beyond": 1}),
        ([row(0, 5, 3, revision=2)], 0, {"ungranted": 1}),
        ([row(0, 5, 3, minutes=-61)], 5, {"ungranted": 1}),
        ([row(0, 5, 3, way="kafka")], 0, {"beyond": 1}),
    ],
)
def test_each_fault_of_pages_and_positions_is_named(rows: list[Row], position: int, kinds: dict[str, int]) -> None:
    assert named(walked(FIVE, rows, [lane(position)])) == kinds


def test_a_page_stands_for_its_own_endpoint_and_one_that_names_none_for_each_of_its_agency() -> None:
    other = WayState("webhook", "f")
    for endpoint, kinds in ((None, {}), ("e", {"undelivered": 1})):
        both = [lane(5), lane(5, endpoint=other)]
        report = walked(FIVE, [row(0, 5, 3, endpoint=endpoint)], both)
        assert named(report) == kinds
        assert {found.where for found in report.findings} == ({f"{AGENCY} webhook f {STREAM}"} if kinds else set())
        assert both[0].state.delivered == 3


def test_no_page_of_an_endpoint_begins_after_its_own_position_however_far_another_is() -> None:
    both = [lane(1), lane(5, endpoint=WayState("webhook", "f"))]
    rows = [row(0, 5, 3, endpoint="f"), row(0, 1, 1, endpoint="e"), row(3, 5, 1, endpoint="e")]
    report = walked(FIVE, rows, both)
    assert [(found.kind, found.where) for found in report.findings] == [("beyond", f"{AGENCY} webhook e {STREAM}")]


def test_pages_of_several_readers_overlap_and_are_judged_each() -> None:
    rows = [row(0, 3, 2), row(0, 5, 3), row(1, 4, 1), row(1, 4, 2), row(2, 5, 2)]
    assert named(walked(FIVE, rows, [lane(5)])) == {"ungranted": 1}


@pytest.mark.parametrize(
    ("given", "missed"),
    [
        ({"began": 0}, 3),
        ({"began": 3}, 1),
        ({"began": 5}, 0),
        ({"began": None}, 0),
        ({"way": DeliveryWay.FEED, "began": None}, 0),
    ],
)
def test_only_what_was_asked_for_can_be_missed(given: dict[str, Any], missed: int) -> None:
    assert walked(FIVE, [], [lane(5, **given)]).undelivered == missed


def test_what_a_topic_began_without_because_it_was_not_kept_is_not_missed() -> None:
    assert walked(FIVE, [], [lane(5, DeliveryWay.KAFKA)], first=4).undelivered == 1


def test_what_an_older_text_did_not_grant_was_gone_over_rightly() -> None:
    narrow, wide = text(1, (at(-60), at(0)), kelurahan=("64.71.02.1001",)), text(2, (at(0), NEVER))
    events = [event(1, minutes=-30), event(2, minutes=-1), event(3, minutes=1)]
    found = walked(events, [], [lane(3, texts=frozenset({0, 1}), current=1)], [narrow, wide])
    assert found.undelivered == 1
    (finding,) = found.findings
    assert "positions 3 to 3" in finding.detail


def test_what_the_retention_took_before_it_was_delivered_is_named() -> None:
    assert named(walked(FIVE, [], [lane(0)], first=4)) == {"taken": 1}
    assert named(walked(FIVE, [], [lane(0, current=None)], first=4)) == {}


def test_the_page_that_an_endpoint_was_last_on_its_way_with_stands_in_the_log() -> None:
    noted = (AGREEMENT, 1, 5)
    assert named(walked(FIVE, [row(3, 5, 1)], [lane(3, noted=noted, began=3)])) == {}
    assert named(walked(FIVE, [row(3, 4, 0)], [lane(3, noted=noted, began=3)])) == {"undisclosed": 1}


@pytest.mark.parametrize(
    ("standings", "revision", "expected"),
    [
        ([("draf", 0, 0), ("aktif", 1, 1)], 1, ((at(1), at(24 * 60)),)),
        ([("draf", 0, 0), ("aktif", 1, 1), ("aktif", 2, 5)], 1, ((at(1), at(5)),)),
        (
            [("draf", 0, 0), ("aktif", 1, 1), ("ditangguhkan", 1, 5), ("aktif", 1, 9)],
            1,
            ((at(1), at(5)), (at(9), at(1440))),
        ),
        ([("draf", 0, 0), ("aktif", 1, 1), ("berakhir", 1, 5)], 1, ((at(1), at(5)),)),
        ([("draf", 0, 0)], 1, ()),
        ([("ditandatangani", 1, -90)], 1, ((at(-60), at(1440)),)),
        # Of what was before it was noted nothing is known.
        ([("aktif", 2, 5)], 1, ((at(-60), at(5)),)),
        ([("aktif", 2, 5)], 2, ((at(-60), at(5)), (at(5), at(1440)))),
        ([], 1, ()),
    ],
)
def test_a_text_counts_from_when_two_have_signed_it_until_the_next_or_a_stop(
    standings: list[tuple[str, int, int]], revision: int, expected: tuple[tuple[datetime, datetime], ...]
) -> None:
    told = [Standing(state, number, at(minutes)) for state, number, minutes in standings]
    assert spans_of(told, revision, terms()) == expected
    assert Text(AGENCY, AGREEMENT, revision, terms(), expected).ends == (expected[-1][1] if expected else EVER)


def record(topic: Topic, offset: int, number: int, sequence: int, data: Any, *, subject: str = SUBJECT) -> None:
    """Let a topic take the record of event ``number``."""
    attributes = {
        "ce_id": str(UUID(int=number)),
        "ce_type": REGISTERED,
        "ce_subject": subject,
        "ce_sequence": str(sequence),
    }
    topic.take(Place(AT_HOME, offset), {name: value.encode() for name, value in attributes.items()}, orjson.dumps(data))


DATA = {"business_id": SUBJECT, "kelurahan": HERE}


def topic_of(*numbers: int, report: Report | None = None, **given: Any) -> Topic:
    """Return a topic that holds these events in this order; the number of each is its sequence too."""
    topic = Topic(report or Report(), WayState("kafka"), f"umkm.agency.{AGENCY}", [text()], {AT_HOME: 1_000}, **given)
    for offset, number in enumerate(numbers):
        record(topic, offset, number, number, DATA)
    return topic


def beside(
    topic: Topic,
    rows: Sequence[Row],
    position: int,
    truncated: frozenset[int] = frozenset(),
    kept_since: datetime | None = None,
) -> dict[str, int]:
    """Return what is named when the five events are walked beside a topic."""
    texts = Texts([text()])
    pages = Pages(None, STREAM, texts, 5, texts.places())
    walk, left = TopicWalk(topic, STREAM, texts, pages, position, truncated, kept_since), list(rows)
    for item in FIVE:
        while left and left[0].after < item.position:
            walk.open(left.pop(0))
        walk.take(item)
    walk.end()
    name_what_is_left(topic)
    return dict(topic.report.total_findings)


ALL = [row(0, 5, 3, way="kafka")]


@pytest.mark.parametrize(
    ("numbers", "position", "kinds"),
    [
        ((1, 3, 5), 5, {}),
        ((1, 3, 1, 3, 5), 5, {}),
        ((1, 3), 5, {"topic": 1}),
        ((1, 3), 3, {}),
        ((1, 3, 5), 3, {}),
        ((1, 5, 3), 5, {"reordered": 1}),
        ((1, 2, 3, 5), 5, {"ungranted": 1}),
    ],
)
def test_a_topic_holds_what_was_published_in_order_and_nothing_else(
    numbers: tuple[int, ...], position: int, kinds: dict[str, int]
) -> None:
    assert beside(topic_of(*numbers), ALL, position) == kinds


def test_records_without_a_page_were_granted_by_nobody_unless_they_are_younger_than_the_look() -> None:
    assert beside(topic_of(1, 3, 5), [], 0) == {"ungranted": 3}
    topic = topic_of(1, 3, 5)
    topic.bounds = {AT_HOME: 2}
    assert beside(topic, [], 0) == {"ungranted": 2}


def test_a_notice_of_erasure_was_granted_by_nobody_and_is_in_order_with_ids_alone() -> None:
    for data, kinds in (
        ({"owner_id": SUBJECT, "subjects": [], "due": "2026-11-30T01:00:00Z"}, {}),
        ({"owner_id": SUBJECT, "subjects": [], "due": "2026-11-30T01:00:00Z", "name": "Siti"}, {"ungranted": 1}),
        (None, {"ungranted": 1}),
    ):
        topic = topic_of(1, 3, 5)
        headers = {"ce_id": str(UUID(int=9)).encode(), "ce_type": NOTICE_TYPE.encode(), "ce_subject": SUBJECT.encode()}
        topic.take(Place(0, 3), headers, orjson.dumps(data))
        assert beside(topic, ALL, 5) == kinds


def test_what_a_topic_has_forgotten_is_not_missing_but_what_came_after_it_is() -> None:
    home = frozenset({AT_HOME})
    assert beside(topic_of(3, 5), ALL, 5, home) == {}
    assert beside(topic_of(3), ALL, 5, home) == {"topic": 1}
    assert beside(topic_of(), ALL, 5, home) == {}


def test_what_another_partition_has_forgotten_excuses_nothing() -> None:
    assert beside(topic_of(3, 5), ALL, 5, ELSEWHERE) == {"topic": 1}
    assert beside(topic_of(), ALL, 5, ELSEWHERE) == {"topic": 1}
    assert beside(topic_of(3, 5), ALL, 5, ELSEWHERE | {AT_HOME}) == {}


def test_what_was_given_lately_is_forgotten_by_no_partition() -> None:
    home, given = frozenset({AT_HOME}), at(1)
    assert beside(topic_of(3, 5), ALL, 5, home, given + timedelta(minutes=1)) == {}
    assert beside(topic_of(3, 5), ALL, 5, home, given) == {"topic": 1}
    # Written anew: the later page counts, as far as it goes.
    anew = [row(0, 1, 1, way="kafka", minutes=9), row(0, 5, 3, way="kafka")]
    empty = topic_of()
    assert beside(empty, anew, 5, home, at(5)) == {"topic": 1}
    assert empty.report.undelivered == 1


def test_where_partitions_were_added_the_one_that_it_was_excuses_too() -> None:
    topic = topic_of()
    topic.bounds = dict.fromkeys(range(AGENCY_PARTITIONS + 1), 1_000)
    assert beside(topic, ALL, 5, frozenset({AT_HOME})) == {}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (DATA | {"owner_ids": []}, "ungranted"),
        (DATA | {"personal": {"name": "Uji"}}, "personal"),
        ([1], "ungranted"),
    ],
)
def test_a_record_holds_no_field_that_is_not_granted_and_no_names(data: Any, kind: str) -> None:
    topic = topic_of()
    record(topic, 0, 1, 1, data)
    assert dict(topic.report.total_findings) == {kind: 1}


def test_a_large_topic_is_looked_at_in_rounds_and_each_aggregate_once() -> None:
    subjects = [str(UUID(int=number)) for number in range(50)]
    report, took = Report(), 0
    for number in range(3):
        topic = topic_of(report=report, number=number, rounds=3)
        for offset, subject in enumerate(subjects):
            record(topic, offset, offset, 1, DATA, subject=subject)
        assert {round_of(subject, 3) for subject in subjects} == {0, 1, 2}
        took += len(topic.seen)
    assert took == len(subjects)
    assert (rounds_for(0), rounds_for(500_000), rounds_for(500_001)) == (1, 1, 2)
    assert key_of("00000000-0000-0000-8000-000000000001") == 1 << 63 | 1


@given(
    places=st.lists(st.booleans(), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    upto=st.integers(0, 40),
)
def test_whatever_is_paged_without_a_hole_is_green_and_a_page_less_is_not(
    places: list[bool], cuts: list[int], upto: int
) -> None:
    events = [event(number, HERE if inside else THERE) for number, inside in enumerate(places, 1)]
    end = min(upto, len(events))
    edges = sorted({0, end, *(cut for cut in cuts if cut < end)})
    counts = [(a, b, sum(places[a:b])) for a, b in pairwise(edges)]
    rows = [row(a, b, count) for a, b, count in counts if count]
    told = lane(end)
    assert named(walked(events, rows, [told])) == {}
    assert (told.state.delivered, told.state.waiting) == (sum(places[:end]), sum(places[end:]))
    for gone in rows:
        report = walked(events, [page for page in rows if page is not gone], [lane(end)])
        assert report.undelivered == gone.events
