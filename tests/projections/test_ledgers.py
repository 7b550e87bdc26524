"""The rules of the ledgers, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.domain.dashboard import fold
from services.projections.domain.funnel import FunnelRow, Move, class_move, funnel_row
from services.projections.domain.jobs import JobsRow, jobs_row
from services.projections.domain.standing import GONE, ledger_rows, told
from shared.contracts import CONTRACTS
from shared.contracts import registry as r
from shared.contracts.registry import BusinessClass, BusinessStatus, Workers
from shared.envelope import Event
from tests.projections.cities import city
from tests.projections.stories import class_record, event, registered, sealed, story

BUSINESS = UUID("0192f0c0-0000-7000-8000-000000009900")
STEPS: list[Any] = [funnel_row, jobs_row]


def rows_of(step: Any, events: list[Event]) -> list[Any]:
    return ledger_rows(step, {}, events)


def moves(*facts: r.Fact) -> list[FunnelRow]:
    return rows_of(funnel_row, story(*facts))


def workers(*events: Event) -> list[JobsRow]:
    return rows_of(jobs_row, list(events))


@pytest.mark.parametrize(
    ("before", "after", "evidence", "move"),
    [
        ("mikro", "kecil", True, Move.NAIK),
        ("mikro", "menengah", True, Move.NAIK),
        ("mikro", "kecil", False, Move.NAIK_TANPA_BUKTI),
        ("menengah", "mikro", True, Move.TURUN),
        ("tidak_diketahui", "kecil", True, Move.PEMBETULAN),
        ("kecil", "tidak_diketahui", False, Move.PEMBETULAN),
        ("besar", "tidak_diketahui", False, Move.PEMBETULAN),
        ("menengah", "besar", True, Move.KE_BESAR),
        ("besar", "menengah", False, Move.DARI_BESAR),
    ],
)
def test_naik_kelas_is_a_step_with_evidence_and_nothing_else(
    before: str, after: str, evidence: bool, move: Move
) -> None:
    assert class_move(before, after, evidence) is move


def test_a_life_is_told_as_moves() -> None:
    mikro, kecil = class_record(BusinessClass.MIKRO), class_record(BusinessClass.KECIL)
    reason = {"business_id": BUSINESS, "personal": sealed(BUSINESS, "reason")}
    found = moves(
        registered(BUSINESS),
        r.BusinessVerified(business_id=BUSINESS),
        r.BusinessClassChanged(business_id=BUSINESS, previous=mikro, current=kecil, evidence=(r.Evidence.OSS,)),
        r.BusinessDeactivated(**reason),
        r.BusinessMerged(business_id=BUSINESS, into_id=UUID(int=7)),
        r.BusinessMergeUndone(business_id=BUSINESS, from_id=UUID(int=7), status=BusinessStatus.NONAKTIF),
        r.BusinessClosed(**reason, closed_on=date(2026, 4, 1)),
    )
    assert [(row.sequence, row.ordinal, row.move, row.is_in) for row in found] == [
        (1, 1, "baru", True),
        (3, 2, "naik", True),
        (5, 3, "digabung", False),
        (6, 4, "kembali", True),
        (7, 5, "tutup", False),
    ]


def test_what_happens_outside_of_the_count_is_remembered_and_counts_nowhere() -> None:
    found = moves(
        registered(BUSINESS, status=BusinessStatus.DITOLAK),
        r.BusinessClassChanged(
            business_id=BUSINESS,
            previous=class_record(BusinessClass.MIKRO),
            current=class_record(BusinessClass.KECIL),
        ),
        r.BusinessReactivated(business_id=BUSINESS, status=BusinessStatus.TERVERIFIKASI),
    )
    assert [(row.move, row.was_in, row.is_in, row.kelas) for row in found] == [
        ("di_luar", False, False, "mikro"),
        ("di_luar", False, False, "kecil"),
        ("kembali", False, True, "kecil"),
    ]


def test_a_year_begins_at_midnight_in_balikpapan() -> None:
    first = event(registered(BUSINESS), 1)
    for at, year in (
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), 2025),
        (datetime(2025, 12, 31, 16, tzinfo=UTC), 2026),
    ):
        (row,) = rows_of(funnel_row, [first._replace(meta=first.meta._replace(time=at))])
        assert row.year == year


def test_workers_speak_of_the_day_they_were_counted_on_and_never_of_one_to_come() -> None:
    told_early = r.BusinessWorkersRecorded(business_id=BUSINESS, workers=Workers(paid_men=4), as_of=date(2025, 9, 1))
    told_late = told_early.model_copy(update={"as_of": date(2030, 1, 1)})
    found = workers(*story(registered(BUSINESS, workers=None), told_early, told_late))
    assert [(row.counted_on, row.workers, row.paid_women) for row in found] == [
        (None, None, None),
        (date(2025, 9, 1), 4, None),
        (date(2026, 3, 1), 4, None),
    ]


@pytest.mark.parametrize(
    ("counted", "total"), [(Workers(), None), (Workers(unpaid_women=0), 0), (Workers(paid_men=2, unpaid_men=1), 3)]
)
def test_what_nobody_told_is_not_known_and_not_zero(counted: Workers, total: int | None) -> None:
    (row,) = workers(event(registered(BUSINESS, workers=counted), 1))
    assert row.workers == total


def test_facts_that_say_nothing_of_a_standing_are_known_to() -> None:
    names = {fact.NAME for fact in CONTRACTS.values() if fact.TOPIC == r.BUSINESS_TOPIC}
    silent = {"business.duplicate_proposed", "business.assessed", "business.export_readiness_recorded"}
    seen = {each.fact.NAME: told(each.fact) for each in city(400)}
    assert seen.keys() == names
    assert {
        name for name, said in seen.items() if not any(part is not None for part in said[:3]) and not said.workers
    } == silent


@pytest.mark.parametrize("step", STEPS)
@given(seed=st.integers(1, 10_000), cuts=st.sets(st.integers(1, 60), max_size=5))
def test_any_split_into_batches_and_any_repetition_gives_the_same_rows(step: Any, seed: int, cuts: set[int]) -> None:
    events = city(6, seed)
    whole = rows_of(step, events)
    edges = [0, *sorted(cut for cut in cuts if cut < len(events)), len(events)]
    last: dict[UUID, Any] = {}
    parts = [row for start, end in pairwise(edges) for row in ledger_rows(step, last, events[start:end])]
    assert parts == whole
    for start in edges:
        assert ledger_rows(step, last, events[start:]) == []


@given(seed=st.integers(1, 10_000))
def test_each_move_begins_where_the_one_before_ended_and_the_last_one_is_where_the_dashboard_is(seed: int) -> None:
    events = city(5, seed)
    dashboard = fold({}, events)
    found = sorted(rows_of(funnel_row, events))
    for business, rows in groupby(found, key=lambda row: row.business_id):
        chain = list(rows)
        assert [row.ordinal for row in chain] == list(range(1, len(chain) + 1))
        assert not chain[0].was_in
        for before, after in pairwise(chain):
            assert (after.was_in, after.was_kecamatan, after.was_kelas) == (
                before.is_in,
                before.kecamatan,
                before.kelas,
            )
            assert (after.year, after.sequence) >= (before.year, before.sequence)
        row = dashboard[str(business)]
        assert (chain[-1].is_in, chain[-1].kecamatan, chain[-1].kelas) == (
            row.status not in GONE,
            row.kecamatan,
            row.kelas,
        )
    last: dict[UUID, JobsRow] = {}
    newest: dict[UUID, JobsRow] = {}
    for mine in ledger_rows(jobs_row, last, events):
        before = newest.get(mine.business_id, mine)
        if mine.counted_on is not None and (before.counted_on is None or mine.counted_on >= before.counted_on):
            newest[mine.business_id] = mine
    for row in dashboard.values():
        mine = last[row.business_id]
        assert (mine.is_in, mine.kelurahan, mine.kelas) == (row.status not in GONE, row.kelurahan, row.kelas)
        counted = newest.get(row.business_id, mine)
        assert (counted.workers, counted.counted_on) == (row.workers, row.workers_as_of)
