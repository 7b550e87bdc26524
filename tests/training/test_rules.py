"""The rules alone, by property: hypothesis drives seats through every order of deeds, and looks for a counter-example."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.training.commands import (
    ChangeQuota,
    Enrol,
    IssueCertificate,
    Mark,
    OpenBatch,
    OpenCourse,
    Presence,
    RecordAttendance,
    ReissueCertificate,
    RevokeCertificate,
    Timing,
)
from services.training.domain import certificates, courses, requirements, results, seats
from services.training.domain.models import (
    LIVE,
    SEATED,
    Applicant,
    Batch,
    Certificate,
    Course,
    Enrolment,
    Programme,
    S,
    Seats,
)
from services.training.domain.refusals import (
    AlreadyIssuedError,
    CertificateRevokedError,
    NotPassedError,
    RequirementValuesError,
    ScoreError,
    StrangersError,
)
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.contracts.training import (
    LeavingCause,
    Requirement,
    RequirementKind,
    RevocationCause,
    Selection,
    SessionTime,
)
from shared.refusals import DeedRefusedError
from shared.wita import WITA, end_of_day

START = datetime(2026, 11, 25, 4, tzinfo=UTC)
OPEN_DAYS, FIRST_DAY = 5, 8
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
UNSERVED = (Requirement(kind=RequirementKind.UTAMAKAN_BELUM_DILAYANI),)


def a_course(*, percent: int = 80, pass_score: int | None = None, asked: tuple[Requirement, ...] = UNSERVED) -> Course:
    command = OpenCourse(
        uuid4(), uuid4(), "Pemasaran", "dinas", None, date(2026, 11, 1), date(2026, 12, 31), percent, pass_score, asked
    )
    return courses.open_course(command, Programme(command.programme_id, "DIGI", "Digitalisasi"), "petugas").after


def a_batch(
    course: Course, quota: int = 3, *, selection: Selection = Selection.LANGSUNG, count: int = 1, offer_hours: int = 24
) -> Batch:
    first = START + timedelta(days=FIRST_DAY)
    timings = tuple(Timing(first + timedelta(days=n), first + timedelta(days=n, hours=4)) for n in range(count))
    closes_at = START + timedelta(days=OPEN_DAYS)
    command = OpenBatch(uuid4(), course.id, "Aula", quota, closes_at, selection, offer_hours, timings)
    return courses.open_batch(course, command, 1)[1]


def an_applicant(owner_id: UUID, *, enrolled: bool = False, served: bool = False) -> Applicant:
    return Applicant(
        owner_id=owner_id,
        owner_ids=(owner_id,),
        erased=False,
        status=BusinessStatus.TERVERIFIKASI,
        kelas=BusinessClass.MIKRO,
        kelurahan="64.71.01.1001",
        has_nib=True,
        enrolled=enrolled,
        served=served,
        this_year=False,
    )


class SeatsMachine(RuleBasedStateMachine):
    """A batch, the people who want into it, and the time; each step is one deed of somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.course = a_course()
        self.batch = a_batch(self.course)
        self.enrolments: dict[UUID, Enrolment] = {}
        self.owners = [uuid4() for _ in range(8)]
        self.now = START
        self.accepted: set[UUID] = set()

    @initialize(quota=st.integers(1, 4), selection=st.sampled_from(list(Selection)), hours=st.integers(1, 72))
    def open(self, quota: int, selection: Selection, hours: int) -> None:
        self.batch = a_batch(self.course, quota, selection=selection, offer_hours=hours)

    # -- the deeds -----------------------------------------------------------------------------------------------

    def queue(self) -> list[Enrolment]:
        return [e for e in self.enrolments.values() if e.state in {S.DIAJUKAN, S.DAFTAR_TUNGGU}]

    def take(self, after: Seats) -> None:
        """Take over what a deed came to, and look at the order in which it gave seats."""
        first = [c.after for c in after.changes if c.after.state in {S.DITAWARI, S.DITERIMA}]
        for change in after.changes:
            before = self.enrolments[change.after.id]
            assert change.after.version == before.version + len(change.facts) == before.version + 1
            self.enrolments[change.after.id] = change.after
        self.batch = after.batch
        still = [(e.priority, e.arrival) for e in self.enrolments.values() if e.state is S.DAFTAR_TUNGGU]
        given = [(e.priority, e.arrival) for e in first if len(after.changes) > 0 and e.state is S.DITAWARI]
        assert not still or not given or max(given) < min(still), "somebody was passed over"

    @rule(who=st.integers(0, 7), served=st.booleans())
    def enrol(self, who: int, served: bool) -> None:
        owner_id = self.owners[who]
        enrolled = any(e.owner_id == owner_id and e.state in LIVE for e in self.enrolments.values())
        command = Enrol(uuid4(), self.batch.id, owner_id, uuid4())
        applicant = an_applicant(owner_id, enrolled=enrolled, served=served)
        try:
            self.batch, change = seats.enrol(self.course, self.batch, command, applicant, self.now)
        except DeedRefusedError:
            return
        assert self.now.replace(microsecond=0) <= self.batch.closes_at
        self.enrolments[change.after.id] = change.after

    def one(self, which: int) -> Enrolment | None:
        everybody = list(self.enrolments.values())
        return everybody[which % len(everybody)] if everybody else None

    @rule(which=st.integers(0, 30), again=st.booleans())
    def withdraw(self, which: int, again: bool) -> None:
        for _ in range(1 + again):
            enrolment = self.one(which)
            if enrolment is None:
                return
            held = self.batch.held
            try:
                after = seats.withdraw(
                    self.batch, enrolment, None, LeavingCause.PERMINTAAN_PESERTA, self.queue(), self.now
                )
            except DeedRefusedError:
                return
            self.take(after)
            if enrolment.state is S.MENGUNDURKAN_DIRI:
                assert (self.batch.held, after.changes) == (held, ())

    @rule(which=st.integers(0, 30))
    def accept(self, which: int) -> None:
        enrolment = self.one(which)
        if enrolment is None:
            return
        try:
            after = seats.accept_offer(self.batch, enrolment, enrolment.version, self.now)
        except DeedRefusedError:
            return
        assert enrolment.state is S.DITAWARI
        assert enrolment.offer_until is not None
        assert self.now <= enrolment.offer_until
        self.take(after)

    @rule(which=st.integers(0, 30))
    def reject(self, which: int) -> None:
        enrolment = self.one(which)
        if enrolment is None:
            return
        try:
            self.take(seats.reject(self.batch, enrolment, enrolment.version, LeavingCause.LAINNYA))
        except DeedRefusedError:
            assert enrolment.state not in {S.DIAJUKAN, S.DAFTAR_TUNGGU}

    @rule(quota=st.integers(0, 6))
    def change_quota(self, quota: int) -> None:
        command = ChangeQuota(self.batch.id, self.batch.version, quota)
        held = self.batch.held
        try:
            _, after = seats.change_quota(self.course, self.batch, command, self.queue(), self.now)
        except DeedRefusedError:
            assert self.batch.cancelled or quota < max(1, held)
            return
        self.take(after)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def tick(self) -> None:
        offered = [e for e in self.enrolments.values() if e.state is S.DITAWARI]
        self.take(seats.expire(self.batch, offered, self.queue(), self.now))
        if not self.batch.selected and not self.batch.cancelled and not courses.is_open(self.batch, self.now):
            self.take(seats.select(self.batch, self.queue(), self.now))
            best = sorted((e.priority, e.arrival) for e in self.enrolments.values() if e.state is S.DITERIMA)
            rest = [(e.priority, e.arrival) for e in self.enrolments.values() if e.state is S.DAFTAR_TUNGGU]
            assert not rest or best[-1:] < [min(rest)]

    @rule()
    def cancel(self) -> None:
        try:
            _, after = seats.cancel(
                self.course, self.batch, self.batch.version, list(self.enrolments.values()), self.now
            )
        except DeedRefusedError:
            return
        self.take(after)

    # -- what holds after each of them ---------------------------------------------------------------------------

    @invariant()
    def no_seat_is_given_twice(self) -> None:
        seated = sum(1 for e in self.enrolments.values() if e.state in SEATED)
        assert seated == self.batch.held <= self.batch.quota

    @invariant()
    def nobody_has_two_live_enrolments(self) -> None:
        live = [e.owner_id for e in self.enrolments.values() if e.state in LIVE]
        assert len(live) == len(set(live))

    @invariant()
    def nobody_waits_beside_a_free_seat(self) -> None:
        if seats.may_offer(self.batch, self.now):
            assert self.batch.free == 0 or not any(e.state is S.DAFTAR_TUNGGU for e in self.enrolments.values())

    @invariant()
    def only_an_offer_has_an_end(self) -> None:
        for enrolment in self.enrolments.values():
            assert (enrolment.state is S.DITAWARI) == (enrolment.offer_until is not None)
            assert enrolment.offer_until is None or enrolment.offer_until <= self.batch.starts_at

    @invariant()
    def nobody_accepted_loses_the_seat_but_by_leaving_or_a_cancellation(self) -> None:
        for enrolment_id in self.accepted:
            assert self.enrolments[enrolment_id].state in {S.DITERIMA, S.MENGUNDURKAN_DIRI}
        self.accepted = {e.id for e in self.enrolments.values() if e.state is S.DITERIMA}


SeatsMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
test_seats_in_every_order_of_deeds = SeatsMachine.TestCase


@given(st.datetimes(datetime(2026, 11, 28), datetime(2026, 12, 3)), ZONES)  # noqa: DTZ001 - the zone is drawn too
@example(datetime(2026, 11, 30, 15, 59, 59, 999_999), UTC)  # noqa: DTZ001
@example(datetime(2026, 11, 30, 16), UTC)  # noqa: DTZ001
def test_until_a_day_is_until_its_midnight_in_balikpapan(local: datetime, zone: timezone) -> None:
    now = local.replace(tzinfo=zone)
    batch = replace(a_batch(a_course()), closes_at=end_of_day(date(2026, 11, 30)))
    assert courses.is_open(batch, now) == (now.astimezone(WITA).date() <= date(2026, 11, 30))


@given(st.integers(1, 100), st.integers(1, 30), st.data())
def test_enough_attendance_is_the_share_of_the_sessions_exactly(percent: int, count: int, data: st.DataObject) -> None:
    attended = data.draw(st.integers(0, count))
    assert results.attended_enough(attended, count, percent) == (attended / count >= percent / 100 - 1e-12)


@given(
    st.integers(1, 100), st.none() | st.integers(0, 100), st.integers(1, 6), st.data(), st.none() | st.integers(-5, 105)
)
def test_a_certificate_needs_the_attendance_rule_and_one_is_all_there_is(
    percent: int, pass_score: int | None, count: int, data: st.DataObject, score: int | None
) -> None:
    course = a_course(percent=percent, pass_score=pass_score)
    batch = a_batch(course, count=count)
    owner_id = uuid4()
    command = Enrol(uuid4(), batch.id, owner_id, uuid4())
    batch, enrolled = seats.enrol(course, batch, command, an_applicant(owner_id), START)
    enrolment = enrolled.after
    present = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    for session, there in zip(batch.sessions, present, strict=True):
        listed = RecordAttendance(batch.id, session.number, (Presence(enrolment.id, there),))
        (change,) = results.record_attendance(batch, listed, {enrolment.id: enrolment}, {}, session.starts_at)
        enrolment = change.after
    marks = [Mark(enrolment.id, score)]
    try:
        (judged,) = results.record_results(
            course, batch, marks, {enrolment.id: enrolment}, {enrolment.id: sum(present)}, batch.ends_at
        )
    except ScoreError:
        assert (score is None) != (pass_score is None) or (score is not None and not 0 <= score <= 100)
        return
    deserved = sum(present) * 100 >= percent * count and (pass_score is None or (score or 0) >= pass_score)
    assert (judged.after.state is S.LULUS) == deserved
    order = IssueCertificate(uuid4(), enrolment.id, "ABCD")
    if not deserved:
        with pytest.raises(NotPassedError):
            certificates.issue(course, judged.after, None, order, "0001/DIGI/DKUMKMP/2026", date(2026, 12, 5))
        return
    issued = certificates.issue(course, judged.after, None, order, "0001/DIGI/DKUMKMP/2026", date(2026, 12, 5)).after
    with pytest.raises(AlreadyIssuedError):
        certificates.issue(course, judged.after, issued, order, "0002/DIGI/DKUMKMP/2026", date(2026, 12, 5))


@given(st.lists(st.sampled_from(["reissue", "revoke"]), max_size=8))
def test_a_new_edition_keeps_number_and_code_until_it_is_taken_back(deeds: list[str]) -> None:
    certificate = Certificate(
        uuid4(), 1, uuid4(), uuid4(), uuid4(), uuid4(), "0001/DIGI/DKUMKMP/2026", "ABCD", 1, False
    )
    for deed in deeds:
        before = certificate
        try:
            if deed == "reissue":
                command = ReissueCertificate(before.id, before.version)
                certificate = certificates.reissue(before, command, date(2026, 12, 5)).after
            else:
                revoking = RevokeCertificate(before.id, before.version, RevocationCause.LAINNYA)
                certificate = certificates.revoke(before, revoking).after
        except CertificateRevokedError:
            assert before.revoked
            continue
        assert not before.revoked
        assert (certificate.number, certificate.code) == (before.number, before.code)
        assert certificate.version == before.version + 1
        assert certificate.edition == before.edition + (deed == "reissue")


@given(st.text(certificates.CODE_SIGNS, min_size=12, max_size=12), st.integers(0, 11))
def test_a_code_is_known_however_it_was_typed(code: str, at: int) -> None:
    assert certificates.fold_code(certificates.show_code(code)) == code
    assert certificates.fold_code(f" {code[:at].lower()}- {code[at:]} ") == code


@pytest.mark.parametrize(
    "asked",
    [
        (Requirement(kind=RequirementKind.KELAS),),
        (Requirement(kind=RequirementKind.KELAS, values=("raksasa",)),),
        (Requirement(kind=RequirementKind.KELURAHAN, values=("Manggar",)),),
        (Requirement(kind=RequirementKind.PUNYA_NIB, values=("ya",)),),
        (Requirement(kind=RequirementKind.KELAS, values=("mikro", "mikro")),),
        (Requirement(kind=RequirementKind.PUNYA_NIB), Requirement(kind=RequirementKind.PUNYA_NIB)),
    ],
)
def test_requirements_with_values_that_they_do_not_take_are_refused(asked: tuple[Requirement, ...]) -> None:
    with pytest.raises(RequirementValuesError):
        requirements.check_requirements(asked)


def test_a_stranger_is_named_and_nobody_is_recorded() -> None:
    batch = a_batch(a_course())
    stranger = uuid4()
    command = RecordAttendance(batch.id, 1, (Presence(stranger, True),))
    with pytest.raises(StrangersError, match=str(stranger)):
        results.record_attendance(batch, command, {}, {}, batch.starts_at)


@given(st.permutations(range(6)), st.lists(st.integers(0, 1), min_size=6, max_size=6), st.integers(0, 6))
def test_the_selection_goes_by_priority_and_then_by_arrival(
    shuffled: list[int], priorities: list[int], quota: int
) -> None:
    assume(quota > 0)
    batch = replace(a_batch(a_course(), quota, selection=Selection.SETELAH_BATAS), arrivals=6)
    everybody = [
        Enrolment(
            uuid4(),
            1,
            batch.id,
            batch.course_id,
            uuid4(),
            uuid4(),
            "64.71.01.1001",
            S.DIAJUKAN,
            priorities[n],
            n + 1,
            None,
            None,
            None,
        )
        for n in range(6)
    ]
    after = seats.select(batch, [everybody[n] for n in shuffled], batch.closes_at + timedelta(seconds=1))
    chosen = {c.after.id for c in after.changes if c.after.state is S.DITERIMA}
    expected = sorted(everybody, key=lambda e: (e.priority, e.arrival))[:quota]
    assert chosen == {e.id for e in expected}
    assert after.batch.held == len(chosen)


def test_the_year_of_a_batch_is_that_of_balikpapan() -> None:
    eve = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    session = SessionTime(number=1, starts_at=eve, ends_at=eve + timedelta(hours=1))
    assert results.year_of(replace(a_batch(a_course()), sessions=(session,))) == 2027
