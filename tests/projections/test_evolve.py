"""The rules of the projections, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.domain.classes import class_row, is_naik_kelas
from services.projections.domain.dashboard import DashboardRow, evolve, fold, total_workers
from services.projections.domain.timeline import timeline_row
from shared.contracts import CONTRACTS
from shared.contracts import registry as r
from shared.contracts.registry import BusinessClass, BusinessStatus, Workers
from shared.envelope import Event
from tests.projections.stories import class_record, event, interleaved, random_story, registered, sealed, story

BUSINESS = UUID("0192f0c0-0000-7000-8000-000000009900")
OWNER = UUID("0192f0c0-0000-7000-8000-000000009901")
REASON = sealed(OWNER, "reason")


def row_after(events: Sequence[Event]) -> DashboardRow:
    row: DashboardRow | None = None
    for each in events:
        row = evolve(row, each)
    assert row is not None
    return row


def test_a_registered_business_is_counted_where_it_is() -> None:
    row = row_after(story(registered(BUSINESS, kelurahan="64.71.02.1001")))
    assert (row.kelurahan, row.kecamatan, row.kelas, row.status) == ("64.71.02.1001", "64.71.02", "mikro", "draf")
    assert (row.workers, row.version, row.facts, row.class_facts) == (3, 1, 1, 1)


@pytest.mark.parametrize(
    ("days", "newest"),
    [((1, 5, 3), 5), ((1, 3, 5), 5), ((5, 3, 1), 5), ((5, 3, 5), 5), ((3, 3, 3), 3)],
)
def test_the_newest_count_of_workers_is_shown_whenever_it_was_recorded(days: Sequence[int], newest: int) -> None:
    counts = [
        r.BusinessWorkersRecorded(business_id=BUSINESS, workers=Workers(paid_men=n), as_of=date(2025, 9, day))
        for n, day in enumerate(days)
    ]
    row = row_after(story(registered(BUSINESS, workers=None), *counts))
    last = max(n for n, day in enumerate(days) if day == newest)  # of one day, what was recorded last
    assert (row.workers, row.workers_as_of) == (last, date(2025, 9, newest))


def test_an_unknown_place_stays_unknown_at_every_level() -> None:
    row = row_after(story(registered(BUSINESS, kelurahan="TIDAK_DIKETAHUI")))
    assert row.kelurahan == row.kecamatan == "TIDAK_DIKETAHUI"


@pytest.mark.parametrize(
    ("fact", "status"),
    [
        (r.BusinessSubmitted(business_id=BUSINESS), "diajukan"),
        (r.BusinessVerified(business_id=BUSINESS), "terverifikasi"),
        (r.BusinessReturned(business_id=BUSINESS, personal=REASON), "perlu_perbaikan"),
        (r.BusinessRejected(business_id=BUSINESS, personal=REASON), "ditolak"),
        (r.BusinessDeactivated(business_id=BUSINESS, personal=REASON), "nonaktif"),
        (r.BusinessReactivated(business_id=BUSINESS, status=BusinessStatus.TERVERIFIKASI), "terverifikasi"),
        (r.BusinessClosed(business_id=BUSINESS, personal=REASON, closed_on=date(2026, 4, 1)), "tutup"),
        (r.BusinessMerged(business_id=BUSINESS, into_id=OWNER), "digabung"),
    ],
)
def test_each_fact_leads_to_its_status(fact: r.Fact, status: str) -> None:
    assert row_after(story(registered(BUSINESS), fact)).status == status


def test_an_undone_merge_gives_the_business_its_status_back() -> None:
    undone = r.BusinessMergeUndone(business_id=BUSINESS, from_id=OWNER, status=BusinessStatus.TERVERIFIKASI)
    row = row_after(story(registered(BUSINESS), r.BusinessMerged(business_id=BUSINESS, into_id=OWNER), undone))
    assert (row.status, row.merged_into) == ("terverifikasi", None)


@pytest.mark.parametrize(
    ("workers", "total"),
    [(None, None), (Workers(), None), (Workers(paid_men=0), 0), (Workers(paid_men=2, unpaid_women=1), 3)],
)
def test_missing_workers_are_not_zero(workers: Workers | None, total: int | None) -> None:
    assert total_workers(workers) == total


@pytest.mark.parametrize(
    ("before", "after", "rises"),
    [
        ("mikro", "kecil", True),
        ("mikro", "menengah", True),
        ("kecil", "menengah", True),
        ("kecil", "mikro", False),
        ("kecil", "kecil", False),
        ("menengah", "besar", False),
        ("tidak_diketahui", "kecil", False),
    ],
)
def test_naik_kelas_is_a_step_up_the_ladder_and_nothing_else(before: str, after: str, rises: bool) -> None:
    assert is_naik_kelas(BusinessClass(before), BusinessClass(after)) is rises


def test_the_class_history_begins_with_the_class_of_the_registration() -> None:
    changed = r.BusinessClassChanged(
        business_id=BUSINESS,
        previous=class_record(BusinessClass.MIKRO),
        current=class_record(BusinessClass.KECIL, 2026),
    )
    rows = [class_row(each) for each in story(registered(BUSINESS), r.BusinessSubmitted(business_id=BUSINESS), changed)]
    assert [(row.before, row.after, row.naik_kelas) for row in rows if row] == [
        (None, "mikro", False),
        ("mikro", "kecil", True),
    ]


def test_every_fact_of_the_topic_has_a_step_and_a_timeline_row() -> None:
    names = {fact.NAME for fact in CONTRACTS.values() if fact.TOPIC == r.BUSINESS_TOPIC}
    seen = set()
    for seed in range(300):
        events = random_story(seed, 6)
        row_after(events)
        seen |= {timeline_row(each).name for each in events}
    assert seen == names


def test_the_timeline_holds_no_sealed_part() -> None:
    for seed in range(200):
        for each in random_story(seed, 5):
            assert "nk1." not in (timeline_row(each).detail or "")


def test_a_fact_that_came_before_changes_nothing() -> None:
    events = random_story(7, 5)
    row = row_after(events)
    assert all(evolve(row, each) is row for each in events)


def test_a_lost_row_shows_in_the_count_of_its_facts() -> None:
    events = random_story(3, 4)
    damaged = evolve(None, events[3])
    assert (damaged.version, damaged.facts) == (4, 1)


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    order=st.integers(0, 1_000),
    cuts=st.sets(st.integers(1, 30), max_size=6),
)
def test_any_split_into_batches_gives_the_same_rows(lengths: list[int], order: int, cuts: set[int]) -> None:
    stories = [random_story(seed * 31 + order, length) for seed, length in enumerate(lengths)]
    events = list(interleaved(stories, order))
    whole = fold({}, events)
    rows: dict[str, DashboardRow] = {}
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    for start, end in pairwise(edges):
        rows |= fold(rows, events[start:end])
    assert rows == whole


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=5), again=st.integers(0, 1_000))
def test_applying_everything_again_gives_the_same_rows(lengths: list[int], again: int) -> None:
    stories = [random_story(seed * 17 + again, length) for seed, length in enumerate(lengths)]
    rows = fold({}, interleaved(stories, 1))
    assert fold(rows, interleaved(stories, again)) == {}
    assert fold({}, interleaved(stories, again)) == rows


def test_events_carry_their_own_sequence() -> None:
    assert [each.meta.sequence for each in random_story(1, 3)] == [1, 2, 3]
    assert event(registered(BUSINESS), 9).meta.sequence == 9
