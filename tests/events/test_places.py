"""Curation, places and sales on a real database, at times of the test's choosing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from services.events.commands import CancelExhibition, ChangeCapacity, MoveApplication
from services.events.domain.refusals import (
    AlreadyAppliedError,
    ApplicationsClosedError,
    BoothElsewhereError,
    BoothFullError,
    BoothKindError,
    CapacityBelowPlacedError,
    ConfirmationLateError,
    NotYetClosedError,
    SalesDayError,
    SalesElsewhereError,
    SalesKnownError,
    TooFewError,
    TransitionRefusedError,
    UnknownBusinessError,
    UnscoredError,
)
from services.events.handlers import exhibitions, placing, selling
from services.events.handlers.ticking import Ticker
from shared.contracts.exhibitions import BoothKind, Criterion, CriterionKind
from shared.contracts.registry import BusinessStatus
from shared.wita import WITA
from tests.desk import NOON, Member, cause
from tests.events.fair import DEADLINE, DECIDED, FIRST_DAY, JURY, Fair

OPENING = datetime(2026, 12, 10, 10, 0, tzinfo=WITA)
EVENING = datetime(2026, 12, 11, 22, 0, tzinfo=WITA)


async def change_capacity(fair: Fair, booth: UUID, capacity: int, now: datetime = DECIDED) -> None:
    command = ChangeCapacity(booth, 1, capacity)
    await fair.do(lambda c: exhibitions.change_capacity(c, command, cause(now)))


async def test_a_business_applies_once_and_again_after_giving_up(fair: Fair) -> None:
    exhibition, member = await fair.exhibition(), await fair.member()
    first = await fair.apply(exhibition, member)
    with pytest.raises(AlreadyAppliedError):
        await fair.apply(exhibition, member)
    await fair.withdraw(first)
    await fair.apply(exhibition, member)
    with pytest.raises(ApplicationsClosedError, match=r"30 November 2026 pukul 23\.59 WITA"):
        await fair.apply(exhibition, await fair.member(), DEADLINE + timedelta(seconds=1))
    with pytest.raises(UnknownBusinessError, match="belum dikenal"):
        await fair.apply(exhibition, Member(member.owner_id, member.owner_id))
    assert await fair.facts(first) == [("application.submitted", 1), ("application.withdrawn", 2)]
    await fair.check_whole()


async def test_the_curation_weighs_curators_and_the_history_that_others_own(fair: Fair) -> None:
    criteria = (
        *JURY,
        Criterion(code="resmi", kind=CriterionKind.TERVERIFIKASI, weight=1),
        Criterion(code="terlatih", kind=CriterionKind.PELATIHAN, weight=2),
    )
    exhibition = await fair.exhibition(criteria=criteria, curators=2, pass_score=30)
    await fair.booth(exhibition, 1)
    trained, plain, poor = await fair.members(3)
    closed = await fair.member()
    await fair.tell(fair.trained(trained, date(2025, 1, 15)), fair.trained(plain, date(2024, 1, 15)))
    applications = [await fair.apply(exhibition, member) for member in (plain, trained, poor, closed)]
    first, second, third, _ = applications
    await fair.pool.execute(
        "UPDATE business_copy SET status = $2 WHERE business_id = $1", closed.business_id, BusinessStatus.TUTUP.value
    )
    await fair.pool.execute(
        "UPDATE business_copy SET status = $2 WHERE business_id = $1", poor.business_id, BusinessStatus.DIAJUKAN.value
    )
    with pytest.raises(NotYetClosedError):
        await fair.curate(exhibition, NOON)
    await fair.score(exhibition, "kurator-a", {first: 90, second: 20, third: 10})
    with pytest.raises(UnscoredError, match="belum dinilai oleh 2 kurator"):
        await fair.curate(exhibition)
    await fair.score(exhibition, "kurator-b", {first: 71, second: 25, third: 10})
    await fair.score(exhibition, "kurator-b", {first: 70})
    came = await fair.curate(exhibition)
    assert (came.passed, came.reserved, came.rejected) == (1, 1, 2)
    # (22.5 + 100 + 2 x 100) / 4, and (80 + 100 + 0) / 4: a training of three years ago does not count.
    assert await fair.state_of(applications) == ["cadangan", "lolos", "ditolak", "ditolak"]
    assert [(await fair.application(item)).total for item in (first, second, third)] == [4500, 8063, 250]
    assert (await fair.application(second)).scores == {"kemasan": 2250, "resmi": 10000, "terlatih": 10000}
    assert [(await fair.application(item)).cause for item in applications[2:]] == ["nilai", "usaha_tidak_aktif"]
    again = await fair.curate(exhibition)
    assert (again.passed, again.reserved, again.rejected, again.version) == (1, 1, 2, came.version)
    kept = await fair.pool.fetch("SELECT curator, score FROM score_log WHERE application_id = $1 ORDER BY id", first)
    assert [tuple(row) for row in kept] == [("kurator-a", 90), ("kurator-b", 71), ("kurator-b", 70)]
    await fair.check_whole()


async def test_who_took_part_before_comes_after_who_did_not(fair: Fair) -> None:
    earlier, booth, (old,) = await fair.curated(1, 1)
    await fair.place(old, booth)
    await fair.attend(earlier, {old: True}, OPENING)
    application = await fair.application(old)
    exhibition = await fair.exhibition()
    await fair.booth(exhibition, 1)
    again = await fair.apply(exhibition, Member(application.owner_id, application.business_id))
    new = await fair.apply(exhibition, await fair.member(), NOON + timedelta(hours=1))
    await fair.curate(exhibition)
    assert await fair.state_of([again, new]) == ["cadangan", "lolos"]
    assert (await fair.application(again)).total == 5000


async def test_a_freed_place_goes_to_the_next_in_reserve_at_the_same_booth(fair: Fair) -> None:
    exhibition, booth, (first, second, third, fourth) = await fair.curated(2, 4)
    assert await fair.state_of([first, second, third, fourth]) == ["lolos", "lolos", "cadangan", "cadangan"]
    await fair.place(first, booth)
    await fair.withdraw(first)
    await fair.withdraw(first, version=1)
    taken = await fair.application(third)
    assert (taken.state, taken.booth_id, taken.wave) == ("ditempatkan", booth, 1)
    assert taken.confirm_by == DECIDED + timedelta(hours=48)
    await fair.withdraw(second)
    assert await fair.state_of([fourth]) == ["lolos"]
    assert [name for name, _ in await fair.facts(third)][-2:] == ["application.promoted", "application.placed"]
    assert await fair.states(exhibition) == {"mengundurkan_diri": 2, "ditempatkan": 1, "lolos": 1}
    await fair.check_whole()


async def test_a_booth_of_another_exhibition_or_kind_or_a_full_one_is_refused(fair: Fair) -> None:
    exhibition, booth, (first, second) = await fair.curated(1, 2, wave_count=2)
    other = await fair.booth(await fair.exhibition(), 5)
    food = await fair.booth(exhibition, 5, BoothKind.KULINER, DECIDED)
    with pytest.raises(BoothElsewhereError):
        await fair.place(first, other)
    with pytest.raises(BoothKindError):
        await fair.place(first, food)
    await fair.place(first, booth)
    with pytest.raises(BoothFullError, match=r"Stan 1 pada gelombang 1 sudah penuh \(1 usaha\)"):
        await fair.place(second, booth)
    await fair.place(second, booth, wave=2)
    await fair.check_whole()


async def test_a_move_frees_one_place_and_asks_for_a_new_confirmation(fair: Fair) -> None:
    exhibition, booth, (first, second) = await fair.curated(1, 2, wave_count=2)
    await fair.place(first, booth)
    await fair.confirm(first)
    command = MoveApplication(first, await fair.version(first), booth, 2)
    await fair.do(lambda c: placing.move(c, command, cause(DECIDED)))
    moved = await fair.application(first)
    assert (moved.state, moved.wave, moved.confirm_by) == ("ditempatkan", 2, DECIDED + timedelta(hours=48))
    again = MoveApplication(first, moved.version, booth, 2)
    assert (await fair.do(lambda c: placing.move(c, again, cause(DECIDED)))).version == moved.version
    await fair.place(second, booth)
    await fair.check_whole()
    assert await fair.states(exhibition) == {"ditempatkan": 2}


async def test_everybody_chosen_gets_a_place_by_rank_wave_by_wave(fair: Fair) -> None:
    exhibition, booth, applications = await fair.curated(2, 5, wave_count=2)
    placed = await fair.do(lambda c: placing.place_all(c, exhibition, cause(DECIDED)))
    assert [item.id for item in placed] == applications[:4]
    where = [((await fair.application(item)).booth_id, (await fair.application(item)).wave) for item in applications]
    assert where == [(booth, 1), (booth, 1), (booth, 2), (booth, 2), (None, None)]
    assert await fair.do(lambda c: placing.place_all(c, exhibition, cause(DECIDED))) == []
    await fair.check_whole()


async def test_a_place_that_nobody_confirmed_goes_on_by_the_second(fair: Fair) -> None:
    _, booth, (first, second) = await fair.curated(1, 2)
    await fair.place(first, booth)
    until = DECIDED + timedelta(hours=48)
    clock = [until]
    ticker = Ticker(fair.pool, 1, lambda: clock[0])
    assert await ticker.tick() == 0
    clock[0] = until + timedelta(seconds=1)
    with pytest.raises(ConfirmationLateError, match=r"3 Desember 2026 pukul 09\.00 WITA"):
        await fair.confirm(first, clock[0])
    assert (await ticker.tick(), await ticker.tick()) == (1, 0)
    assert await fair.state_of([first, second]) == ["mengundurkan_diri", "ditempatkan"]
    assert (await fair.application(first)).cause == "tidak_konfirmasi"
    await fair.check_whole()


async def test_capacity_never_falls_below_the_chosen_and_what_is_added_goes_to_the_reserve(fair: Fair) -> None:
    exhibition, booth, applications = await fair.curated(2, 5)
    await fair.place(applications[0], booth)
    with pytest.raises(
        CapacityBelowPlacedError, match="untuk 1 usaha terpilih jenis umum yang belum ditempatkan tinggal 0 "
    ):
        await change_capacity(fair, booth, 1)
    await change_capacity(fair, booth, 3)
    assert await fair.states(exhibition) == {"ditempatkan": 1, "lolos": 2, "cadangan": 2}
    await fair.booth(exhibition, 5, now=DECIDED)
    assert await fair.states(exhibition) == {"ditempatkan": 1, "lolos": 4}
    await fair.check_whole()


async def test_a_capacity_raised_in_a_wave_promises_only_places_of_those_ahead(fair: Fair) -> None:
    exhibition, booth, (first, second, *_) = await fair.curated(1, 6, wave_count=2)
    await fair.place(first, booth, now=OPENING - timedelta(hours=2))
    await fair.place(second, booth, wave=2)
    await fair.confirm(second)
    assert await Ticker(fair.pool, 1, lambda: OPENING).tick() == 1
    assert await fair.states(exhibition) == {"mengundurkan_diri": 1, "dikonfirmasi": 1, "cadangan": 4}
    await change_capacity(fair, booth, 2, OPENING)
    assert await fair.states(exhibition) == {"mengundurkan_diri": 1, "dikonfirmasi": 1, "lolos": 1, "cadangan": 3}
    assert len(await fair.do(lambda c: placing.place_all(c, exhibition, cause(OPENING)))) == 1
    await fair.check_whole()


async def test_a_capacity_lowered_in_a_wave_leaves_places_ahead_for_all_who_were_promised_one(fair: Fair) -> None:
    exhibition, booth, _ = await fair.curated(2, 2, wave_count=2)
    with pytest.raises(
        CapacityBelowPlacedError, match="untuk 2 usaha terpilih jenis umum yang belum ditempatkan tinggal 1"
    ):
        await change_capacity(fair, booth, 1, OPENING)
    assert len(await fair.do(lambda c: placing.place_all(c, exhibition, cause(OPENING)))) == 2


async def test_who_gives_up_in_a_wave_leaves_the_place_to_who_was_promised_one(fair: Fair) -> None:
    exhibition, booth, (first, second, third) = await fair.curated(1, 3, wave_count=2)
    await fair.withdraw(first, OPENING)
    assert await fair.state_of([second, third]) == ["lolos", "cadangan"]
    assert len(await fair.do(lambda c: placing.place_all(c, exhibition, cause(OPENING)))) == 1
    await fair.withdraw(second, OPENING)
    assert (await fair.application(third)).wave == 2
    await fair.check_whole()


async def test_a_curation_in_a_wave_chooses_for_the_waves_ahead(fair: Fair) -> None:
    exhibition = await fair.exhibition(wave_count=2)
    await fair.booth(exhibition, 1)
    for member in await fair.members(3):
        await fair.apply(exhibition, member)
    came = await fair.curate(exhibition, OPENING)
    assert (came.passed, came.reserved) == (1, 2)


async def test_a_cancelled_exhibition_closes_every_application(fair: Fair) -> None:
    exhibition, booth, applications = await fair.curated(2, 4)
    await fair.place(applications[0], booth)
    version = int(await fair.pool.fetchval("SELECT version FROM exhibition WHERE id = $1", exhibition))
    await fair.do(lambda c: exhibitions.cancel_exhibition(c, CancelExhibition(exhibition, version), cause(DECIDED)))
    assert await fair.states(exhibition) == {"mengundurkan_diri": 4}
    assert (await fair.application(applications[3])).cause == "pameran_dibatalkan"
    await fair.check_whole()


async def test_an_erased_owner_leaves_the_place_to_the_next(fair: Fair) -> None:
    exhibition, booth, (first, second) = await fair.curated(1, 2)
    await fair.place(first, booth)
    await fair.tell(fair.story.erased((await fair.application(first)).owner_id))
    assert await fair.states(exhibition) == {"mengundurkan_diri": 1, "ditempatkan": 1}
    assert (await fair.application(second)).booth_id == booth
    facts = await fair.pool.fetch("SELECT causation_id FROM outbox WHERE type LIKE '%application.placed%'")
    assert facts[-1]["causation_id"] is not None
    await fair.check_whole()


async def sold(fair: Fair, count: int) -> tuple[UUID, list[UUID]]:
    """Return an exhibition at which so many took part."""
    exhibition, _, applications = await fair.curated(count, count)
    await fair.do(lambda c: placing.place_all(c, exhibition, cause(DECIDED)))
    await fair.attend(exhibition, dict.fromkeys(applications, True), OPENING)
    return exhibition, applications


async def test_a_day_without_a_report_is_not_known_and_never_zero(fair: Fair) -> None:
    exhibition, (first, second) = await sold(fair, 2)
    await fair.report(first, FIRST_DAY, 0, OPENING)
    with pytest.raises(SalesDayError, match="11 Desember 2026 belum dapat dilaporkan"):
        await fair.report(first, FIRST_DAY + timedelta(days=1), 5, OPENING)
    with pytest.raises(SalesElsewhereError, match="12 Desember 2026 di luar gelombang 1"):
        await fair.report(first, FIRST_DAY + timedelta(days=2), 5, EVENING + timedelta(days=2))
    reports = await selling.list_reports(fair.pool, exhibition, UUID(int=0), None, 10)
    days = (FIRST_DAY, FIRST_DAY + timedelta(days=1))
    assert [(report.state, report.days) for report in reports] == [
        ("sebagian", {days[0]: 0, days[1]: None}),
        ("belum_lapor", {days[0]: None, days[1]: None}),
    ]
    with pytest.raises(SalesKnownError):
        await fair.attend(exhibition, {first: False, second: False}, EVENING)
    await fair.attend(exhibition, {second: False}, EVENING)
    with pytest.raises(TransitionRefusedError):
        await fair.report(second, FIRST_DAY, 5, EVENING)
    await fair.report(first, FIRST_DAY, 70_000, EVENING)
    names = [name for name, _ in await fair.facts(first)]
    assert names[-3:] == ["application.took_part", "sales.reported", "sales.corrected"]
    await fair.check_whole()


async def test_a_total_is_published_from_five_up_and_two_totals_tell_of_nobody(fair: Fair) -> None:
    exhibition, applications = await sold(fair, 10)

    async def publish() -> None:
        version = int(await fair.pool.fetchval("SELECT version FROM exhibition WHERE id = $1", exhibition))
        await fair.do(lambda c: selling.publish_turnover(c, exhibition, version, cause(EVENING)))

    for number, application in enumerate(applications[:4]):
        await fair.report(application, FIRST_DAY, 100_000 + number, OPENING)
    with pytest.raises(TooFewError, match="sekurang-kurangnya 5 usaha melapor"):
        await publish()
    await fair.report(applications[4], FIRST_DAY, 100_004, OPENING)
    await publish()
    seen = await selling.find_turnover(fair.pool, exhibition)
    assert seen is not None
    assert (seen.participants, seen.reported, seen.total) == (10, 5, 500_010)
    await fair.report(applications[5], FIRST_DAY, 7, OPENING)
    await fair.report(applications[0], FIRST_DAY, 8, OPENING)
    with pytest.raises(TooFewError) as refused:
        await publish()
    assert refused.value.values == {"reported": 6, "changed": 2, "least": 5}
    for application in applications[6:9]:
        await fair.report(application, FIRST_DAY, 1, OPENING)
    await publish()
    seen = await selling.find_turnover(fair.pool, exhibition)
    assert seen is not None
    assert (seen.reported, seen.total) == (9, 500_010 - 100_000 + 8 + 7 + 3)
    await fair.check_whole()
