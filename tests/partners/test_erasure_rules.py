"""Rules of notices of erasure, over random rounds and answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.partners.domain import erasures as rules
from services.partners.domain.erasures import Notice, NoticeState, Obstacle, Outcome, Round, Subject
from services.partners.domain.refusals import NoticeAnsweredError, ReferenceMissingError

MADE = datetime(2026, 11, 27, 1, tzinfo=UTC)
SUBJECTS = (Subject("owner", UUID(int=2)), Subject("business", UUID(int=3)), Subject("owner", UUID(int=2)))
ways = st.sets(st.sampled_from(["kafka", "webhook"])).map(lambda found: tuple(sorted(found)))
ends = st.sets(st.sampled_from(["kafka", "a", "b"])).map(frozenset)
rounds = st.lists(
    st.tuples(st.builds(Round, ends, ways, st.sampled_from([None, *Obstacle]), st.booleans()), st.integers(0, 90))
)


def a_notice() -> Notice:
    return rules.new_notice(UUID(int=1), "dpmptsp", UUID(int=2), SUBJECTS, MADE)


def test_a_notice_names_each_subject_once_and_is_due_after_three_times_24_hours() -> None:
    notice = a_notice()
    assert notice.subjects == (SUBJECTS[1], SUBJECTS[0])
    assert notice.due_at - MADE == timedelta(hours=72)
    assert [notice.is_overdue(MADE + timedelta(hours=72, seconds=more)) for more in (0, 1)] == [False, True]


def test_the_event_holds_ids_and_the_deadline_alone_and_is_the_same_each_time() -> None:
    notice = a_notice()
    event = rules.notice_event(notice, "/partners")
    assert event["data"] == {
        "owner_id": str(UUID(int=2)),
        "subjects": [{"stream": "business", "id": str(UUID(int=3))}, {"stream": "owner", "id": str(UUID(int=2))}],
        "due": "2026-11-30T01:00:00.000000Z",
    }
    later = rules.after_round(notice, Round(frozenset({"a"}), ("webhook",), None, False), MADE + timedelta(days=1))
    assert rules.notice_event(later, "/partners") == event
    assert "sequence" not in event


@given(rounds)
def test_whatever_rounds_come_to_it_is_told_again_later_and_what_was_told_stays_told(
    told: list[tuple[Round, int]],
) -> None:
    notice, now = a_notice(), MADE
    for item, hours in told:
        now += timedelta(hours=hours)
        after = rules.after_round(notice, item, now)
        assert now < after.tell_at <= now + rules.CHASE
        assert set(after.told_ways) == {*notice.told_ways, *item.reached}
        assert after.tells - notice.tells == bool(item.reached)
        assert after.round_done == (item.took if item.failed else frozenset())
        assert (after.told_at is None) == (after.told_ways == ())
        assert notice.told_at in {None, after.told_at}
        assert after.state is not NoticeState.DIKONFIRMASI
        assert (after.state is NoticeState.TERSAMPAIKAN) == bool(after.told_ways)
        notice = after


@given(st.lists(st.tuples(st.sampled_from(Outcome), st.sampled_from([None, "Surat 1"]), st.booleans())))
def test_whatever_is_answered_the_first_answer_counts_but_for_what_had_to_be_kept(
    answers: list[tuple[Outcome, str | None, bool]],
) -> None:
    notice, counted = a_notice(), list[Outcome]()
    for outcome, reference, officer in answers:
        before = notice
        try:
            notice = rules.answer(notice, outcome, reference, "a", MADE, officer=officer)
        except (NoticeAnsweredError, ReferenceMissingError):
            assert notice is before
        if notice is not before:
            counted.append(outcome)
            assert notice.reference is not None or not (officer or outcome is Outcome.WAJIB_DISIMPAN)
    assert len(counted) <= 1 or counted == [Outcome.WAJIB_DISIMPAN, Outcome.DIHAPUS]
    assert (notice.state is NoticeState.DIKONFIRMASI) == bool(counted)
    assert not (counted and notice.is_overdue(MADE + timedelta(days=99)))


@pytest.mark.parametrize(
    ("agreed", "failed", "took", "reads", "obstacle"),
    [
        (False, set(), set(), False, Obstacle.TANPA_PERJANJIAN),
        (True, {Obstacle.WEBHOOK_GAGAL}, {"a"}, True, Obstacle.WEBHOOK_GAGAL),
        (True, set(), {"a"}, True, None),
        (True, set(), set(), True, Obstacle.MENUNGGU_DIBACA),
        (True, set(), set(), False, Obstacle.TANPA_JALAN),
    ],
)
def test_what_stands_in_the_way_is_named(
    agreed: bool, failed: set[Obstacle], took: set[str], reads: bool, obstacle: Obstacle | None
) -> None:
    assert rules.obstacle_of(failed, took, agreed=agreed, reads=reads) is obstacle


def test_the_log_is_looked_at_again_until_all_that_was_on_its_way_stands_in_it() -> None:
    last = MADE + rules.LAST_LOOK
    assert rules.next_look(MADE, MADE) == last
    assert rules.next_look(MADE, last - timedelta(seconds=1)) == last
    assert rules.next_look(MADE, last) is None
    assert rules.LAST_LOOK > rules.ON_ITS_WAY
