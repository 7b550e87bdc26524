"""Enrolling on a real database, at times of the test's choosing: seats, queue, offers, requirements, erasure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.training.commands import (
    AcceptOffer,
    CancelBatch,
    ChangeQuota,
    Enrol,
    MoveSession,
    RejectEnrolment,
    Timing,
    WithdrawEnrolment,
)
from services.training.domain.models import Batch
from services.training.domain.refusals import (
    AlreadyEnrolledError,
    EnrolmentClosedError,
    NotAnOwnerError,
    OfferExpiredError,
    OwnerErasedError,
    QuotaBelowHeldError,
    RequirementsNotMetError,
    TransitionRefusedError,
    UnknownBusinessError,
)
from services.training.handlers import courses, enrolling
from services.training.handlers.seating import lock_batch
from services.training.handlers.ticking import Ticker
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.contracts.training import EnrolmentState, LeavingCause, Requirement, RequirementKind, Selection
from shared.database import Connection
from shared.identifiers import new_id
from tests.desk import MANGGAR, NOON, PRAPATAN, Member, cause
from tests.training.office import DEADLINE, FIRST_SESSION, UNSERVED_FIRST, Office, sessions

S = EnrolmentState
ASKED = LeavingCause.PERMINTAAN_PESERTA


async def withdraw(office: Office, enrolment_id: UUID, now: datetime = NOON, version: int | None = None) -> None:
    command = WithdrawEnrolment(enrolment_id, version or (await office.enrolment(enrolment_id)).version, ASKED)
    await office.do(lambda connection: enrolling.withdraw(connection, command, cause(now), None))


async def accept(office: Office, enrolment_id: UUID, now: datetime = NOON) -> None:
    command = AcceptOffer(enrolment_id, (await office.enrolment(enrolment_id)).version)
    await office.do(lambda connection: enrolling.accept_offer(connection, command, cause(now), None))


async def filled(office: Office, quota: int, waiting: int) -> tuple[UUID, list[UUID]]:
    """Return a batch that is full, with a queue, and its enrolments in the order of coming."""
    batch = await office.batch(quota)
    return batch, [await office.enrol(batch, member) for member in await office.members(quota + waiting)]


async def test_a_freed_seat_is_offered_to_who_waits_longest_and_taken(office: Office) -> None:
    batch, (first, second, third) = await filled(office, 1, 2)
    assert [(await office.enrolment(e)).state for e in (first, second, third)] == [
        S.DITERIMA,
        S.DAFTAR_TUNGGU,
        S.DAFTAR_TUNGGU,
    ]
    await withdraw(office, first)
    offered = await office.enrolment(second)
    assert (offered.state, offered.offer_until) == (S.DITAWARI, NOON + timedelta(hours=48))
    await accept(office, second)
    assert await office.states(batch) == {"mengundurkan_diri": 1, "diterima": 1, "daftar_tunggu": 1}
    assert await office.facts(second) == [
        ("enrolment.registered", 1),
        ("enrolment.offered", 2),
        ("enrolment.accepted", 3),
    ]
    await office.check_whole()


async def test_who_gave_up_is_not_promoted_again_and_gives_up_once(office: Office) -> None:
    batch, (first, second, third) = await filled(office, 1, 2)
    await withdraw(office, second)
    await withdraw(office, first)
    await withdraw(office, first, version=1)
    assert (await office.enrolment(third)).state is S.DITAWARI
    assert await office.held(batch) == 1
    await withdraw(office, third)
    assert await office.states(batch) == {"mengundurkan_diri": 3}
    assert await office.held(batch) == 0
    await office.check_whole()


async def test_an_offer_runs_out_by_the_second_and_goes_to_the_next(office: Office) -> None:
    batch, (first, second, third) = await filled(office, 1, 2)
    await withdraw(office, first)
    until = NOON + timedelta(hours=48)
    clock = [until]
    ticker = Ticker(office.pool, 1, lambda: clock[0])
    assert await ticker.tick() == 0
    clock[0] = until + timedelta(seconds=1)
    with pytest.raises(OfferExpiredError, match=r"berlaku sampai 27 November 2026 pukul 12\.00 WITA"):
        await accept(office, second, clock[0])
    assert await ticker.tick() == 1
    assert await ticker.tick() == 0
    assert (await office.enrolment(second)).state is S.KEDALUWARSA
    assert (await office.enrolment(third)).state is S.DITAWARI
    with pytest.raises(TransitionRefusedError, match="kedaluwarsa"):
        await accept(office, second, clock[0])
    await office.check_whole()


async def test_an_offer_never_outlives_the_beginning(office: Office) -> None:
    batch = await office.batch(1, offer_hours=720)
    first, second = [await office.enrol(batch, member) for member in await office.members(2)]
    await withdraw(office, first)
    assert (await office.enrolment(second)).offer_until == FIRST_SESSION
    await withdraw(office, second, FIRST_SESSION + timedelta(minutes=1))
    assert await office.states(batch) == {"mengundurkan_diri": 2}


@pytest.mark.parametrize(
    ("now", "open_"),
    [
        (datetime(2026, 11, 30, 15, 59, 59, 999_999, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 16, 0, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), False),
    ],
)
async def test_until_30_november_ends_at_midnight_in_balikpapan(office: Office, now: datetime, open_: bool) -> None:
    batch, member = await office.batch(5), await office.member()
    if open_:
        await office.enrol(batch, member, now)
    else:
        with pytest.raises(EnrolmentClosedError, match=r"ditutup 30 November 2026 pukul 23\.59 WITA"):
            await office.enrol(batch, member, now)


async def test_a_partners_list_may_come_after_the_course(office: Office) -> None:
    batch = await office.batch(5, course=await office.course(held_by="mitra"))
    enrolment = await office.enrol(batch, await office.member(), DEADLINE + timedelta(days=40))
    assert (await office.enrolment(enrolment)).state is S.DITERIMA


async def test_the_unserved_come_first_when_seats_are_given_after_the_deadline(office: Office) -> None:
    served, fresh, late = await office.members(3)
    await finish_a_training(office, served)
    batch = await office.batch(1, requirements=UNSERVED_FIRST, selection=Selection.SETELAH_BATAS)
    enrolments = [await office.enrol(batch, member) for member in (served, fresh, late)]
    assert await office.states(batch) == {"diajukan": 3}
    clock = [DEADLINE]
    ticker = Ticker(office.pool, 1, lambda: clock[0])
    assert await ticker.tick() == 0
    clock[0] = DEADLINE + timedelta(seconds=1)
    assert await ticker.tick() == 1
    assert await ticker.tick() == 0
    assert [(await office.enrolment(e)).state for e in enrolments] == [S.DAFTAR_TUNGGU, S.DITERIMA, S.DAFTAR_TUNGGU]
    await withdraw(office, enrolments[1], clock[0])
    assert (await office.enrolment(enrolments[2])).state is S.DITAWARI
    await office.check_whole()


async def finish_a_training(office: Office, member: Member) -> None:
    """Let somebody pass another course, as the office recorded it."""
    other = await office.batch(5)
    enrolment = await office.enrol(other, member)
    await office.pool.execute("UPDATE enrolment SET state = 'lulus' WHERE id = $1", enrolment)


async def test_nobody_follows_a_programme_twice_in_a_year_where_the_course_says_so(office: Office) -> None:
    programme, member = await office.programme(), await office.member()
    once = (Requirement(kind=RequirementKind.SEKALI_SETAHUN),)
    first = await office.batch(5, course=await office.course(requirements=once, programme=programme))
    second = await office.batch(5, course=await office.course(requirements=once, programme=programme))
    next_year = await office.batch(
        5,
        course=await office.course(requirements=once, programme=programme),
        timings=sessions(1, datetime(2027, 1, 1, 0, 30, tzinfo=FIRST_SESSION.tzinfo)),
    )
    enrolment = await office.enrol(first, member)
    with pytest.raises(RequirementsNotMetError, match="program ini pada tahun yang sama"):
        await office.enrol(second, member)
    await office.enrol(next_year, member)
    await withdraw(office, enrolment)
    await office.enrol(second, member)


async def test_who_only_waited_when_a_batch_began_has_not_followed_the_programme_that_year(office: Office) -> None:
    programme = await office.programme()
    once = (Requirement(kind=RequirementKind.SEKALI_SETAHUN), *UNSERVED_FIRST)
    course = await office.course(requirements=once, programme=programme)
    first = await office.batch(1, course=course)
    seated, waiting = await office.members(2)
    for member in (seated, waiting):
        await office.enrol(first, member)
    later = sessions(2, FIRST_SESSION + timedelta(days=20))
    second = await office.batch(5, course=course, closes_at=FIRST_SESSION + timedelta(days=10), timings=later)
    with pytest.raises(RequirementsNotMetError, match="program ini pada tahun yang sama"):
        await office.enrol(second, waiting, FIRST_SESSION - timedelta(seconds=1))
    with pytest.raises(RequirementsNotMetError, match="program ini pada tahun yang sama"):
        await office.enrol(second, seated, FIRST_SESSION)
    came = await office.enrolment(await office.enrol(second, waiting, FIRST_SESSION))
    assert (came.state, came.priority) == (S.DITERIMA, 0)
    await office.check_whole()


async def test_a_batch_that_moves_into_another_year_while_somebody_waits_is_looked_at_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    programme, member = await office.programme(), await office.member()
    once = (Requirement(kind=RequirementKind.SEKALI_SETAHUN),)
    first = await office.batch(5, course=await office.course(requirements=once, programme=programme))
    new_year = datetime(2027, 1, 1, 9, tzinfo=FIRST_SESSION.tzinfo)
    other = await office.course(requirements=once, programme=programme)
    second = await office.batch(5, course=other, timings=sessions(1, new_year))
    await office.enrol(first, member)

    async def moved_meanwhile(connection: Connection, batch_id: UUID) -> Batch:
        (timing,) = sessions(1, new_year - timedelta(days=1))
        move = MoveSession(second, 1, 1, timing)
        await office.do(lambda another: courses.move_session(another, move, cause()))
        return await lock_batch(connection, batch_id)

    monkeypatch.setattr(enrolling, "lock_batch", moved_meanwhile)
    command = Enrol(new_id(), second, member.owner_id, member.business_id)
    with pytest.raises(RequirementsNotMetError, match="program ini pada tahun yang sama"):
        await office.do(lambda c: enrolling.enrol(c, command, None, cause(), None))


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        (Requirement(kind=RequirementKind.KELAS, values=("kecil",)), "kelas usaha mikro, yang diterima: kecil"),
        (Requirement(kind=RequirementKind.KELURAHAN, values=(PRAPATAN,)), f"kelurahan usaha {MANGGAR}"),
        (Requirement(kind=RequirementKind.TERVERIFIKASI), "belum terverifikasi"),
        (Requirement(kind=RequirementKind.PUNYA_NIB), "belum memiliki NIB"),
    ],
)
async def test_a_requirement_that_is_not_met_is_named(office: Office, requirement: Requirement, said: str) -> None:
    batch = await office.batch(5, requirements=(requirement,))
    member = await office.member(status=BusinessStatus.DRAF, kelas=BusinessClass.MIKRO, kelurahan=MANGGAR)
    with pytest.raises(RequirementsNotMetError, match=said) as refused:
        await office.enrol(batch, member)
    assert refused.value.values == {"requirements": [requirement.kind.value]}


async def test_a_nib_is_read_under_the_owners_key_with_its_purpose(office: Office) -> None:
    batch = await office.batch(5, requirements=(Requirement(kind=RequirementKind.PUNYA_NIB),))
    having, lacking = await office.member(nib="0123456789012"), await office.member()
    found = [
        await enrolling.look_for_nib(
            office.pool, office.app.state.nib_keys, Enrol(new_id(), batch, member.owner_id, member.business_id)
        )
        for member in (having, lacking)
    ]
    assert found == [True, False]
    assert len(office.keys.asked) == 2
    other = Enrol(new_id(), await office.batch(5), having.owner_id, having.business_id)
    assert await enrolling.look_for_nib(office.pool, office.app.state.nib_keys, other) is None
    assert len(office.keys.asked) == 2


async def test_strangers_to_the_registry_and_to_the_business_are_refused(office: Office) -> None:
    batch, (one, other) = await office.batch(5), await office.members(2)
    with pytest.raises(UnknownBusinessError, match="Pemilik"):
        await office.enrol(batch, Member(uuid4(), one.business_id))
    with pytest.raises(UnknownBusinessError, match="Usaha"):
        await office.enrol(batch, Member(one.owner_id, uuid4()))
    with pytest.raises(NotAnOwnerError):
        await office.enrol(batch, Member(one.owner_id, other.business_id))
    await office.enrol(batch, one)
    with pytest.raises(AlreadyEnrolledError):
        await office.enrol(batch, one)


async def test_a_closed_business_is_not_trained(office: Office) -> None:
    member = await office.member(status=BusinessStatus.TUTUP)
    with pytest.raises(RequirementsNotMetError, match="usaha berstatus tutup"):
        await office.enrol(await office.batch(5), member)


async def test_a_lower_quota_harms_nobody_and_a_higher_one_is_offered_on(office: Office) -> None:
    batch, enrolments = await filled(office, 3, 2)

    async def change(quota: int, version: int) -> None:
        command = ChangeQuota(batch, version, quota)
        await office.do(lambda connection: courses.change_quota(connection, command, cause()))

    with pytest.raises(QuotaBelowHeldError, match="Kuota 2 di bawah 3 kursi") as refused:
        await change(2, 1)
    assert refused.value.values == {"quota": 2, "held": 3}
    await change(4, 1)
    assert [(await office.enrolment(e)).state for e in enrolments[3:]] == [S.DITAWARI, S.DAFTAR_TUNGGU]
    await withdraw(office, enrolments[4])
    await withdraw(office, enrolments[3])
    await change(3, 2)
    assert await office.states(batch) == {"diterima": 3, "mengundurkan_diri": 2}
    await office.check_whole()


async def test_a_cancelled_batch_closes_every_enrolment_once(office: Office) -> None:
    batch, enrolments = await filled(office, 2, 2)
    command = CancelBatch(batch, 1)
    await office.do(lambda connection: courses.cancel_batch(connection, command, cause()))
    assert await office.states(batch) == {"mengundurkan_diri": 4}
    assert (await office.enrolment(enrolments[0])).cause is LeavingCause.ANGKATAN_DIBATALKAN
    assert [name for name, _ in await office.facts()].count("enrolment.withdrawn") == 4
    await office.check_whole()


async def test_who_waits_can_be_refused_and_who_has_a_seat_cannot(office: Office) -> None:
    batch, (seated, waiting) = await filled(office, 1, 1)
    unfit = LeavingCause.TIDAK_MEMENUHI_SYARAT
    with pytest.raises(TransitionRefusedError, match="berstatus diterima tidak dapat ditolak"):
        await office.do(lambda c: enrolling.reject(c, RejectEnrolment(seated, 1, unfit), cause()))
    await office.do(lambda c: enrolling.reject(c, RejectEnrolment(waiting, 1, unfit), cause()))
    await withdraw(office, seated)
    assert await office.states(batch) == {"mengundurkan_diri": 1, "ditolak": 1}


async def test_an_erased_owner_leaves_the_seat_to_the_next(office: Office) -> None:
    batch = await office.batch(1)
    gone, next_one = await office.members(2)
    first, second = await office.enrol(batch, gone), await office.enrol(batch, next_one)
    await office.tell(office.story.erased(gone.owner_id))
    left = await office.enrolment(first)
    assert (left.state, left.cause) == (S.MENGUNDURKAN_DIRI, LeavingCause.PEMILIK_DIHAPUS)
    assert (await office.enrolment(second)).state is S.DITAWARI
    with pytest.raises(OwnerErasedError):
        await office.enrol(batch, gone)
    rows = await office.pool.fetch("SELECT personal FROM owner_copy WHERE owner_id = $1", gone.owner_id)
    rows += await office.pool.fetch("SELECT personal FROM business_copy WHERE business_id = $1", gone.business_id)
    assert [row["personal"] for row in rows] == [None, None]
    caused = await office.pool.fetchrow("SELECT causation_id, correlation_id FROM outbox ORDER BY id DESC LIMIT 1")
    assert caused["causation_id"]
    await office.check_whole()


async def test_a_moved_session_says_both_times_and_keeps_the_deadline_before_it(office: Office) -> None:
    batch = await office.batch(5)
    timing = Timing(FIRST_SESSION + timedelta(hours=1), FIRST_SESSION + timedelta(hours=5))
    await office.do(lambda c: courses.move_session(c, MoveSession(batch, 1, 1, timing), cause()))
    fact = await office.pool.fetchval("SELECT data FROM outbox WHERE type LIKE '%session_moved%'")
    assert "2026-12-03T09:00:00+08:00" in fact
    assert "2026-12-03T10:00:00+08:00" in fact
    assert date(2026, 12, 3) == timing.starts_at.date()
