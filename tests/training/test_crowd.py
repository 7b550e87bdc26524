"""Two hundred clients at once on a real database: what must hold in every interleaving."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

import pytest

from services.training.commands import (
    AcceptOffer,
    ChangeQuota,
    IssueCertificate,
    Mark,
    Presence,
    RecordAttendance,
    RecordResults,
    ReissueCertificate,
    WithdrawEnrolment,
)
from services.training.handlers import certificates, courses, enrolling, results
from services.training.handlers.ticking import Ticker
from services.training.handlers.turnstile import Turnstile
from shared.auth import Role
from shared.contracts.training import EnrolmentState, LeavingCause, Requirement, RequirementKind
from shared.identifiers import new_id
from tests.desk import (
    CLIENTS,
    NOON,
    ZONES,
    Member,
    at_once,
    cause,
    crowded,
    database_zone,
    process_zone,
    until_answered,
)
from tests.training.office import DEADLINE, FIRST_SESSION, UNSERVED_FIRST, Office, sessions

AFTER = FIRST_SESSION + timedelta(days=10)
S = EnrolmentState

pytestmark = pytest.mark.slow


@pytest.fixture
async def crowd(office: Office) -> AsyncIterator[Office]:
    """The office with a connection for nearly every client."""
    async with crowded(office):
        yield office


async def withdraw(office: Office, enrolment_id: UUID, version: int) -> None:
    command = WithdrawEnrolment(enrolment_id, version, LeavingCause.PERMINTAAN_PESERTA)
    await office.do(lambda connection: enrolling.withdraw(connection, command, cause(), None))


async def test_the_quota_is_never_exceeded_and_who_comes_first_is_in(crowd: Office) -> None:
    batch, members = await crowd.batch(50), await crowd.members(CLIENTS)
    clerk = crowd.caller(Role.PETUGAS_DINAS)
    answers = await asyncio.gather(
        *(until_answered(clerk.post, f"/batches/{batch}/enrolments", member.form()) for member in members)
    )
    assert Counter(answer.status_code for answer in answers) == {201: CLIENTS}
    rows = await crowd.pool.fetch("SELECT arrival, state FROM enrolment WHERE batch_id = $1 ORDER BY arrival", batch)
    assert [row["arrival"] for row in rows] == list(range(1, CLIENTS + 1))
    assert [row["state"] for row in rows] == ["diterima"] * 50 + ["daftar_tunggu"] * 150
    await crowd.check_whole()


class Processes:
    """The doors of several processes: each who comes is served by the next one."""

    def __init__(self, count: int) -> None:
        self._doors: Iterator[Turnstile[Any, Any]] = cycle([Turnstile() for _ in range(count)])

    def turn(self, *asked: Any) -> AbstractAsyncContextManager[Any]:
        return next(self._doors).turn(*asked)


async def test_groups_of_several_processes_and_batches_share_owners_and_nobody_is_turned_away(crowd: Office) -> None:
    crowd.app.state.turnstile = Processes(3)
    batches, members = [await crowd.batch(12) for _ in range(8)], await crowd.members(25)
    clerk = crowd.caller(Role.PETUGAS_DINAS)
    comers = [(batch, member) for batch in batches for member in members]
    assert len(comers) == CLIENTS
    Random(13).shuffle(comers)
    answers = await asyncio.gather(
        *(until_answered(clerk.post, f"/batches/{batch}/enrolments", member.form()) for batch, member in comers)
    )
    assert Counter(answer.status_code for answer in answers) == {201: CLIENTS}
    for batch in batches:
        assert await crowd.states(batch) == {"diterima": 12, "daftar_tunggu": 13}
    await crowd.check_whole()


@pytest.mark.security(line="S19", item="API6")
async def test_one_owner_has_one_live_enrolment_however_often_they_ask(crowd: Office) -> None:
    batch, member = await crowd.batch(50), await crowd.member()
    came = await at_once([lambda: crowd.enrol(batch, member)] * CLIENTS)
    assert came == {"ok": 1, "sudah-terdaftar": CLIENTS - 1}
    await crowd.check_whole()


async def test_one_owner_gets_into_one_batch_of_a_programme_a_year(crowd: Office) -> None:
    programme, member = await crowd.programme(), await crowd.member()
    course = await crowd.course(requirements=(Requirement(kind=RequirementKind.SEKALI_SETAHUN),), programme=programme)
    batches = [await crowd.batch(50, course=course) for _ in range(10)]
    came = await at_once([lambda b=batches[n % 10]: crowd.enrol(b, member) for n in range(CLIENTS)])
    assert came["ok"] == 1
    assert set(came) <= {"ok", "syarat-tidak-terpenuhi", "sudah-terdaftar"}
    await crowd.check_whole()


async def full(crowd: Office, quota: int, *, served: int = 0) -> tuple[UUID, list[UUID]]:
    """Return a batch that is full, with a queue of 200 together, of whom the first ``served`` waiting were served before."""
    batch = await crowd.batch(quota, requirements=UNSERVED_FIRST)
    members = await crowd.members(CLIENTS)
    for member in members[quota : quota + served]:
        await pass_another(crowd, member)
    return batch, [await crowd.enrol(batch, member) for member in members]


async def pass_another(crowd: Office, member: Member) -> None:
    if not hasattr(crowd, "_passed"):
        crowd._passed = await crowd.batch(CLIENTS)  # type: ignore[attr-defined]  # one batch for all of them
    enrolment = await crowd.enrol(crowd._passed, member)  # type: ignore[attr-defined]
    await crowd.pool.execute("UPDATE enrolment SET state = 'lulus' WHERE id = $1", enrolment)


async def test_each_freed_seat_has_one_offer_and_the_queue_keeps_its_order(crowd: Office) -> None:
    batch, enrolments = await full(crowd, 50, served=20)
    came = await at_once([lambda e=e: withdraw(crowd, e, 1) for e in enrolments[:50]])
    assert came == {"ok": 50}
    rows = await crowd.pool.fetch(
        "SELECT state, priority, arrival FROM enrolment WHERE batch_id = $1 AND arrival > 50 ORDER BY priority, arrival",
        batch,
    )
    assert [row["state"] for row in rows] == ["ditawari"] * 50 + ["daftar_tunggu"] * 100
    assert [row["arrival"] for row in rows][-20:] == list(range(51, 71))
    await crowd.check_whole()


async def test_everybody_comes_and_goes_at_once_and_no_seat_is_lost_or_doubled(crowd: Office) -> None:
    batch, enrolments = await full(crowd, 50)
    chance = Random(7)
    newcomers = await crowd.members(40)

    async def accept_if_offered(enrolment_id: UUID) -> None:
        version = (await crowd.enrolment(enrolment_id)).version
        await crowd.do(lambda c: enrolling.accept_offer(c, AcceptOffer(enrolment_id, version), cause(), None))

    works: list[Callable[[], Awaitable[Any]]] = [
        *[lambda e=e: withdraw(crowd, e, 1) for e in chance.sample(enrolments, 80)],
        *[lambda e=e: accept_if_offered(e) for e in chance.sample(enrolments[50:], 80)],
        *[lambda m=m: crowd.enrol(batch, m) for m in newcomers],
    ]
    chance.shuffle(works)
    assert len(works) == CLIENTS
    await at_once(works)
    await crowd.check_whole()
    states = await crowd.states(batch)
    assert states["diterima"] + states["ditawari"] == 50
    assert sum(states.values()) == CLIENTS + 40


async def test_giving_up_two_hundred_times_frees_one_seat(crowd: Office) -> None:
    batch, enrolments = await full(crowd, 50)
    came = await at_once([lambda: withdraw(crowd, enrolments[0], 1)] * CLIENTS)
    assert came == {"ok": CLIENTS}
    states = await crowd.states(batch)
    assert (states["mengundurkan_diri"], states["ditawari"]) == (1, 1)
    assert await crowd.facts(enrolments[0]) == [("enrolment.registered", 1), ("enrolment.withdrawn", 2)]
    await crowd.check_whole()


async def test_a_quota_that_moves_while_people_enrol_harms_nobody_accepted(crowd: Office) -> None:
    batch, members = await crowd.batch(60), await crowd.members(150)
    chance = Random(11)

    async def change_quota(quota: int) -> None:
        version = int(await crowd.pool.fetchval("SELECT version FROM batch WHERE id = $1", batch))
        await crowd.do(lambda c: courses.change_quota(c, ChangeQuota(batch, version, quota), cause()))

    works: list[Callable[[], Awaitable[Any]]] = [
        *[lambda m=m: crowd.enrol(batch, m) for m in members],
        *[lambda: change_quota(chance.randint(1, 120)) for _ in range(50)],
    ]
    chance.shuffle(works)
    came = await at_once(works)
    assert set(came) <= {"ok", "kuota-di-bawah-terisi", "versi-usang"}
    await crowd.check_whole()
    accepted = await crowd.pool.fetch(
        "SELECT e.state FROM outbox o JOIN enrolment e ON e.id = o.partition_key"
        " WHERE o.type LIKE '%enrolment.registered%' AND o.data LIKE '%\"state\":\"diterima\"%'"
    )
    assert {row["state"] for row in accepted} == {"diterima"}


async def test_an_offer_is_taken_or_runs_out_and_never_both(crowd: Office) -> None:
    batch, enrolments = await full(crowd, 50)
    await at_once([lambda e=e: withdraw(crowd, e, 1) for e in enrolments[:50]])
    until = NOON + timedelta(hours=48)
    offered = enrolments[50:100]

    async def accept(enrolment_id: UUID) -> None:
        await crowd.do(lambda c: enrolling.accept_offer(c, AcceptOffer(enrolment_id, 2), cause(until), None))

    ticker = Ticker(crowd.pool, 1, lambda: until + timedelta(seconds=1))
    works: list[Callable[[], Awaitable[Any]]] = [lambda e=e: accept(e) for e in offered]
    works += [ticker.tick] * (CLIENTS - len(works))
    Random(3).shuffle(works)
    came = await at_once(works)
    states = await crowd.states(batch)
    assert came["ok"] == CLIENTS - len(offered) + states["diterima"]
    assert came["status-tidak-sesuai"] == states["kedaluwarsa"]
    assert states["diterima"] + states["kedaluwarsa"] == 50
    await crowd.check_whole()


@pytest.mark.parametrize("zone", ZONES)
async def test_the_deadline_parts_the_crowd_by_the_second_in_any_zone(crowd: Office, zone: str) -> None:
    batch, members = await crowd.batch(CLIENTS), await crowd.members(CLIENTS)
    await database_zone(crowd, zone)
    moments = [DEADLINE + timedelta(milliseconds=10 * (number - 100)) for number in range(CLIENTS)]
    with process_zone(zone):
        came = await at_once(
            [lambda m=m, at=at: crowd.enrol(batch, m, at) for m, at in zip(members, moments, strict=True)]
        )
    # The whole of second 59 counts: 100 before it, and 100 within it.
    late = sum(1 for moment in moments if moment >= DEADLINE + timedelta(seconds=1))
    assert came == Counter({"ok": CLIENTS - late}) + Counter({"pendaftaran-ditutup": late})
    await crowd.check_whole()


async def trained(crowd: Office, count: int) -> tuple[UUID, list[UUID]]:
    """Return a batch with so many participants, of three sessions."""
    batch = await crowd.batch(count, timings=sessions(3))
    return batch, [await crowd.enrol(batch, member) for member in await crowd.members(count)]


async def test_no_certificate_without_attendance_whoever_is_faster(crowd: Office) -> None:
    batch, enrolments = await trained(crowd, 40)

    async def attend(enrolment_id: UUID, session: int) -> None:
        command = RecordAttendance(batch, session, (Presence(enrolment_id, True),))
        await crowd.do(lambda c: results.record_attendance(c, command, cause(AFTER)))

    async def judge(enrolment_id: UUID) -> None:
        command = RecordResults(batch, (Mark(enrolment_id, None),))
        await crowd.do(lambda c: results.record_results(c, command, cause(AFTER)))

    async def certify(enrolment_id: UUID) -> None:
        command = IssueCertificate(new_id(), enrolment_id, certificates.new_code())
        await crowd.do(lambda c: certificates.issue_certificate(c, command, cause(AFTER)))

    works: list[Callable[[], Awaitable[Any]]] = [
        *[lambda e=e, s=s: attend(e, s) for e in enrolments for s in (1, 2, 3)],
        *[lambda e=e: judge(e) for e in enrolments],
        *[lambda e=e: certify(e) for e in enrolments],
    ]
    assert len(works) == CLIENTS
    Random(5).shuffle(works)
    await at_once(works)
    rows = await crowd.pool.fetch(
        "SELECT e.state, count(a.*) FILTER (WHERE a.present) AS sessions, count(DISTINCT c.id) AS certificates"
        " FROM enrolment e LEFT JOIN attendance a ON a.enrolment_id = e.id LEFT JOIN certificate c ON c.enrolment_id = e.id"
        " WHERE e.batch_id = $1 GROUP BY e.id",
        batch,
    )
    assert {row["certificates"] for row in rows if row["state"] != "lulus"} <= {0}
    assert all(row["sessions"] == 3 for row in rows if row["state"] == "lulus")
    await crowd.check_whole()


async def test_one_certificate_and_one_number_however_often_it_is_asked_for(crowd: Office) -> None:
    batch, enrolments = await trained(crowd, CLIENTS)
    for session in (1, 2, 3):
        present = RecordAttendance(batch, session, tuple(Presence(e, True) for e in enrolments))
        await crowd.do(lambda c, p=present: results.record_attendance(c, p, cause(AFTER)))
    marks = RecordResults(batch, tuple(Mark(e, None) for e in enrolments))
    await crowd.do(lambda c: results.record_results(c, marks, cause(AFTER)))

    async def certify(enrolment_id: UUID) -> None:
        command = IssueCertificate(new_id(), enrolment_id, certificates.new_code())
        await crowd.do(lambda c: certificates.issue_certificate(c, command, cause(AFTER)))

    came = await at_once([lambda: certify(enrolments[0])] * CLIENTS)
    assert came == {"ok": 1, "sertifikat-sudah-terbit": CLIENTS - 1}
    came = await at_once([lambda e=e: certify(e) for e in enrolments])
    assert came == {"ok": CLIENTS - 1, "sertifikat-sudah-terbit": 1}
    numbers = [row["number"] for row in await crowd.pool.fetch("SELECT number FROM certificate ORDER BY number")]
    assert numbers == [f"{count:04}/P001/DKUMKMP/2026" for count in range(1, CLIENTS + 1)]
    await crowd.check_whole()


async def test_a_new_edition_asked_for_two_hundred_times_is_one_edition(crowd: Office) -> None:
    batch, (enrolment,) = await trained(crowd, 1)
    for session in (1, 2, 3):
        present = RecordAttendance(batch, session, (Presence(enrolment, True),))
        await crowd.do(lambda c, p=present: results.record_attendance(c, p, cause(AFTER)))
    marks = RecordResults(batch, (Mark(enrolment, None),))
    await crowd.do(lambda c: results.record_results(c, marks, cause(AFTER)))
    issue = IssueCertificate(new_id(), enrolment, certificates.new_code())
    made = (await crowd.do(lambda c: certificates.issue_certificate(c, issue, cause(AFTER)))).id

    async def again(version: int) -> None:
        command = ReissueCertificate(made, version)
        await crowd.do(lambda c: certificates.reissue_certificate(c, command, cause(AFTER)))

    assert await at_once([lambda: again(1)] * CLIENTS) == {"ok": 1, "versi-usang": CLIENTS - 1}
    assert await at_once([lambda: again(2)] * CLIENTS) == {"ok": 1, "versi-usang": CLIENTS - 1}
    row = await crowd.pool.fetchrow("SELECT number, edition FROM certificate WHERE id = $1", made)
    assert row is not None
    assert tuple(row) == ("0001/P001/DKUMKMP/2026", 3)
    editions = await crowd.pool.fetch("SELECT edition FROM certificate_edition ORDER BY edition")
    assert [found["edition"] for found in editions] == [1, 2, 3]
    await crowd.check_whole()
