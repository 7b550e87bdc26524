"""The rules alone, by property: hypothesis drives places through every order of deeds, and looks for a counter-example."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.events.commands import (
    ChangeCapacity,
    ConfirmPlace,
    MoveApplication,
    OpenBooth,
    OpenExhibition,
    OpenOutlet,
    OpenTurn,
    PlaceApplication,
    RejectApplication,
    Timing,
)
from services.events.domain import applying, curation, exhibitions, outlets, placing, selling
from services.events.domain.clock import end_of_day_in
from services.events.domain.curation import Entry, Given
from services.events.domain.models import (
    CHOSEN,
    LEAVABLE,
    OVER,
    PLACED,
    Applicant,
    Application,
    Booth,
    Exhibition,
    History,
    Member,
    Places,
    S,
    Turn,
)
from services.events.domain.placing import Floor
from services.events.domain.refusals import AlreadyAppliedError, TooFewError
from shared.contracts.exhibitions import ApplicationCause, BoothKind, Criterion, CriterionKind
from shared.contracts.registry import BusinessClass, BusinessStatus
from shared.refusals import DeedRefusedError

START = datetime(2026, 11, 25, 4, tzinfo=UTC)
KINDS = (BoothKind.KULINER, BoothKind.KRIYA)
ASKED = ApplicationCause.PERMINTAAN_PESERTA
JURY = Criterion(code="kemasan", kind=CriterionKind.JURI, weight=3)
RARE = Criterion(code="jarang", kind=CriterionKind.JARANG_DIBANTU, weight=1)


def an_exhibition(waves: int = 2, criteria: tuple[Criterion, ...] = (JURY, RARE), pass_score: int = 0) -> Exhibition:
    first = START + timedelta(days=10)
    timings = tuple(Timing(first + timedelta(days=n), first + timedelta(days=n, hours=8)) for n in range(waves))
    command = OpenExhibition(
        uuid4(), "Bazar", "dinas", None, "Lapangan", "Asia/Makassar", date(2026, 12, 1), date(2026, 12, 31),
        START + timedelta(days=1), timings, criteria, pass_score, 1, 48,
    )  # fmt: skip
    return exhibitions.open_exhibition(command, "petugas").after


def an_application(exhibition: Exhibition, kind: BoothKind, rank: int | None, state: S) -> Application:
    return Application(
        uuid4(), 2, exhibition.id, uuid4(), uuid4(), "64.71.01.1001", kind, state, START, total=5000, rank=rank
    )


class PlacesMachine(RuleBasedStateMachine):
    """A curated exhibition, its booths, its applications, and the time; each step is one deed of somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.exhibition = replace(an_exhibition(), curated=True)
        self.booths: dict[UUID, Booth] = {}
        self.applications: dict[UUID, Application] = {}
        self.now = START + timedelta(days=2)
        self.went_on: Counter[UUID] = Counter()

    @initialize(
        booths=st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 3)), min_size=1, max_size=3),
        wanting=st.lists(st.sampled_from(KINDS), min_size=1, max_size=14),
    )
    def curate(self, booths: list[tuple[BoothKind, int]], wanting: list[BoothKind]) -> None:
        before = replace(self.exhibition, curated=False)
        for number, (kind, capacity) in enumerate(booths, 1):
            command = OpenBooth(uuid4(), before.id, kind, capacity)
            booth = exhibitions.open_booth(before, command, number, self.now)[1]
            self.booths[booth.id] = booth
        history = History(BusinessStatus.TERVERIFIKASI, BusinessClass.MIKRO, 0, 0)
        entries = [
            Entry(
                replace(an_application(before, kind, None, S.KURASI), applied_at=START + timedelta(seconds=n)),
                history,
                {},
            )
            for n, kind in enumerate(wanting)
        ]
        for change in curation.curate(before, entries, self.free()):
            self.applications[change.after.id] = change.after

    def places(self) -> dict[BoothKind, int]:
        counted: Counter[BoothKind] = Counter()
        for booth in self.booths.values():
            counted[booth.kind] += booth.capacity * len(booth.placed)
        return dict(counted)

    def free(self) -> Counter[BoothKind]:
        """Count anew what can still be given to somebody."""
        counted: Counter[BoothKind] = Counter()
        for booth in self.booths.values():
            for wave in self.exhibition.waves:
                if self.now < wave.starts_at:
                    counted[booth.kind] += booth.capacity - booth.placed[wave.number - 1]
        return counted

    def promised(self) -> Counter[BoothKind]:
        return Counter(item.kind for item in self.applications.values() if item.state is S.LOLOS)

    def chosen(self) -> dict[BoothKind, int]:
        return dict(Counter(item.kind for item in self.applications.values() if item.state in CHOSEN))

    def floor(self) -> Floor:
        reserve = tuple(item for item in self.applications.values() if item.state is S.CADANGAN)
        return Floor(self.exhibition, tuple(self.booths.values()), reserve, self.promised())

    def take(self, places: Places) -> None:
        """Take over what a deed came to, and look at whom free places went to."""
        leaving = {change.after.id for change in places.changes if change.after.state is S.MENGUNDURKAN_DIRI}
        waited, all_of_them = {item.id for item in self.floor().reserve}, [change.after for change in places.changes]
        up = {after.kind for after in all_of_them if after.id in waited and after.state in CHOSEN}
        for change in places.changes:
            before, after = self.applications[change.after.id], change.after
            assert after.version == before.version + len(change.facts)
            if before.state is S.CADANGAN and after.state in CHOSEN:
                self.went_on[after.id] += 1
                waiting = [
                    item.rank
                    for item in self.applications.values()
                    if item.state is S.CADANGAN and item.kind is after.kind and item.id not in leaving
                ]
                assert after.rank == min(rank for rank in waiting if rank is not None)
            self.applications[after.id] = after
        for booth in places.booths:
            self.booths[booth.id] = booth
        assert all(self.promised()[kind] <= self.free()[kind] for kind in up), "told of a place that is not there"

    def some(self, data: st.DataObject) -> Application:
        return data.draw(st.sampled_from(sorted(self.applications.values(), key=lambda item: item.rank or 0)))

    def somewhere(self, data: st.DataObject) -> tuple[UUID, int]:
        booth = data.draw(st.sampled_from(sorted(self.booths.values(), key=lambda item: item.number)))
        return booth.id, data.draw(st.integers(1, 2))

    @rule(data=st.data())
    def place(self, data: st.DataObject) -> None:
        application = self.some(data)
        command = PlaceApplication(application.id, application.version, *self.somewhere(data))
        try:
            self.take(placing.place(self.floor(), application, command, self.now))
        except DeedRefusedError:
            return

    @rule()
    def place_all(self) -> None:
        chosen = [item for item in self.applications.values() if item.state is S.LOLOS]
        self.take(placing.place_all(self.floor(), chosen, self.now))

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        application = self.some(data)
        command = MoveApplication(application.id, application.version, *self.somewhere(data))
        try:
            self.take(placing.move(self.floor(), application, command, self.now))
        except DeedRefusedError:
            return

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        application = self.some(data)
        try:
            command = ConfirmPlace(application.id, application.version)
            self.take(placing.confirm(self.exhibition, application, command, self.now))
        except DeedRefusedError:
            return

    @rule(data=st.data(), twice=st.booleans())
    def withdraw(self, data: st.DataObject, twice: bool) -> None:
        application = self.some(data)
        if application.state not in LEAVABLE:
            return
        self.take(placing.withdraw(self.floor(), application, application.version, ASKED, self.now))
        if twice:
            left = self.applications[application.id]
            again = placing.withdraw(self.floor(), left, application.version, ASKED, self.now)
            assert again == Places()

    @rule(data=st.data())
    def erase_many(self, data: st.DataObject) -> None:
        leavers = [
            item
            for item in self.applications.values()
            if item.state in LEAVABLE and data.draw(st.booleans(), label="leaves")
        ]
        self.take(placing.give_up(self.floor(), leavers, ApplicationCause.PEMILIK_DIHAPUS, self.now))

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        placed = [item for item in self.applications.values() if item.state is S.DITEMPATKAN]
        self.take(placing.lapse(self.floor(), placed, self.now))

    @rule(data=st.data(), capacity=st.integers(0, 4))
    def change_capacity(self, data: st.DataObject, capacity: int) -> None:
        booth = self.booths[self.somewhere(data)[0]]
        command, free = ChangeCapacity(booth.id, booth.version, capacity), self.free()
        try:
            change, after = exhibitions.change_capacity(
                self.exhibition, tuple(self.booths.values()), command, self.promised()[booth.kind], self.now
            )
        except DeedRefusedError:
            return
        self.exhibition, self.booths[booth.id] = change.after, after
        if capacity < booth.capacity:
            assert self.free()[booth.kind] >= min(free[booth.kind], self.promised()[booth.kind])
        self.take(placing.fill(self.floor(), self.now))

    @invariant()
    def no_booth_holds_more_than_it_can_and_counts_are_true(self) -> None:
        there = Counter((item.booth_id, item.wave) for item in self.applications.values() if item.state in PLACED)
        for booth in self.booths.values():
            for wave, placed in enumerate(booth.placed, 1):
                assert placed == there[booth.id, wave] <= booth.capacity

    @invariant()
    def no_more_are_chosen_than_there_are_places(self) -> None:
        places = self.places()
        assert all(count <= places.get(kind, 0) for kind, count in self.chosen().items())

    @invariant()
    def no_place_is_free_while_somebody_waits(self) -> None:
        if self.now < min(wave.starts_at for wave in self.exhibition.waves):
            chosen, places = self.chosen(), self.places()
            for kind in {item.kind for item in self.applications.values() if item.state is S.CADANGAN}:
                assert chosen.get(kind, 0) == places.get(kind, 0)

    @invariant()
    def everybody_goes_up_once(self) -> None:
        assert all(count == 1 for count in self.went_on.values())


TestPlaces = PlacesMachine.TestCase
TestPlaces.settings = settings(max_examples=150, stateful_step_count=25)


HISTORIES = st.builds(
    History,
    st.sampled_from([BusinessStatus.TERVERIFIKASI, BusinessStatus.DIAJUKAN, BusinessStatus.TUTUP]),
    st.sampled_from(list(BusinessClass)),
    st.integers(0, 3),
    st.integers(0, 20),
)
GIVEN = st.lists(st.integers(0, 100), min_size=0, max_size=4).map(
    lambda scores: {"kemasan": Given(sum(scores), len(scores))} if scores else {}
)


@given(
    seen=st.lists(st.tuples(st.sampled_from(KINDS), HISTORIES, GIVEN, st.integers(0, 3)), max_size=12),
    places=st.fixed_dictionaries({kind: st.integers(0, 4) for kind in KINDS}),
    pass_score=st.integers(0, 100),
    chance=st.randoms(),
)
@settings(max_examples=150)
def test_a_curation_chooses_by_its_stated_order_whatever_order_it_is_told(
    seen: list[tuple[BoothKind, History, dict[str, Given], int]],
    places: dict[BoothKind, int],
    pass_score: int,
    chance: object,
) -> None:
    exhibition = an_exhibition(pass_score=pass_score)
    entries = [
        Entry(
            replace(an_application(exhibition, kind, None, S.KURASI), applied_at=START + timedelta(seconds=at)),
            history,
            scores,
        )
        for kind, history, scores, at in seen
    ]
    came = {change.after.id: change.after for change in curation.curate(exhibition, entries, places)}
    shuffled = list(entries)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {c.after.id: c.after for c in curation.curate(exhibition, shuffled, places)} == came
    assert len(came) == len(entries)
    helped = {entry.application.id: entry.history.helped for entry in entries}
    for kind in KINDS:
        ranked = sorted((a for a in came.values() if a.kind is kind and a.rank), key=lambda a: a.rank or 0)
        keys = [(-(a.total or 0), helped[a.id], a.applied_at, a.id) for a in ranked]
        assert keys == sorted(keys)
        assert [a.state for a in ranked] == [S.LOLOS if a.rank <= places[kind] else S.CADANGAN for a in ranked]  # type: ignore[operator]
    for application in came.values():
        assert 0 <= (application.total or 0) <= 10_000
        assert (application.state is S.DITOLAK) == (application.rank is None)


@given(total=st.integers(0, 400), curators=st.integers(1, 4), helped=st.integers(0, 40))
def test_scores_are_the_mean_of_the_curators_and_halve_with_each_help(total: int, curators: int, helped: int) -> None:
    assume(total <= 100 * curators)
    history = History(BusinessStatus.TERVERIFIKASI, BusinessClass.MIKRO, 0, helped)
    mean = curation.score(JURY, history, {"kemasan": Given(total, curators)})
    assert abs(mean - 100 * total / curators) <= 0.5
    assert curation.score(JURY, history, {}) == 0
    assert 0 <= curation.score(RARE, history, {}) <= 10_000 // 2 ** min(helped, 14)


@given(
    steps=st.lists(
        st.lists(st.tuples(st.integers(0, 11), st.integers(0, 9)), max_size=8),
        max_size=8,
    )
)
def test_no_two_published_totals_differ_by_the_reports_of_fewer_than_five(steps: list[list[tuple[int, int]]]) -> None:
    exhibition, people = an_exhibition(), [uuid4() for _ in range(12)]
    sums: dict[UUID, int] = {}
    published: dict[UUID, int] = {}
    for reports in steps:
        sums.update({people[number]: amount for number, amount in reports})
        differing = [key for key, amount in sums.items() if published.get(key) != amount]
        try:
            change = selling.publish_turnover(exhibition, len(people), sums, published)
        except TooFewError:
            assert len(sums) < 5 or len(differing) < 5
            continue
        assert len(differing) >= 5
        assert change.facts[0].model_dump()["total"] == sum(sums.values())
        published = dict(sums)


@given(stalls=st.integers(1, 6), people=st.integers(1, 15), rounds=st.integers(1, 12))
def test_the_rota_gives_nobody_a_second_turn_more_than_another(stalls: int, people: int, rounds: int) -> None:
    outlet = outlets.open_outlet(OpenOutlet(uuid4(), "Pawon", "dinas", None, "Pasar", stalls), "petugas").after
    members = {key: Member(key, uuid4(), place, 0, 0) for place, key in enumerate((uuid4() for _ in range(people)), 1)}
    last: Turn | None = None
    for number in range(rounds):
        day = date(2026, 1, 1) + timedelta(days=7 * number)
        command = OpenTurn(outlet.id, day, day + timedelta(days=6))
        change, last = outlets.open_turn(outlet, list(members.values()), last, command)
        outlet = change.after
        assert len(last.business_ids) == min(stalls, people)
        for key in last.business_ids:
            members[key] = replace(members[key], turns=members[key].turns + 1, last_turn=last.number)
        had = [member.turns for member in members.values()]
        assert max(had) - min(had) <= 1


ZONES = st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "Asia/Kuala_Lumpur", "America/New_York"])


@given(zone=ZONES, minutes=st.integers(-14 * 60, 14 * 60), seconds=st.integers(-90_000, 90_000))
def test_a_deadline_closes_with_its_day_where_the_exhibition_is(zone: str, minutes: int, seconds: int) -> None:
    closes_at = end_of_day_in(zone, date(2026, 11, 30))
    exhibition = replace(an_exhibition(), zone=zone, closes_at=closes_at)
    now = (closes_at + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=minutes)))
    applicant = Applicant((exhibition.id,), False, BusinessStatus.TERVERIFIKASI, "64.71.01.1001", False)
    command = applying.Apply(uuid4(), exhibition.id, exhibition.id, uuid4(), BoothKind.UMUM)
    if seconds <= 0:
        assert applying.apply(exhibition, command, applicant, now).after.state is S.DIAJUKAN
    else:
        with pytest.raises(DeedRefusedError):
            applying.apply(exhibition, command, applicant, now)


@given(deeds=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["apply", "withdraw", "reject"])), max_size=40))
def test_a_business_never_has_two_live_applications_and_may_come_back(deeds: list[tuple[int, str]]) -> None:
    exhibition, people = an_exhibition(), [uuid4() for _ in range(3)]
    made: dict[UUID, list[Application]] = {key: [] for key in people}
    for who, deed in deeds:
        key, mine = people[who], made[people[who]]
        live = [item for item in mine if item.state not in OVER]
        applicant = Applicant((key,), False, BusinessStatus.TERVERIFIKASI, "64.71.01.1001", bool(live))
        if deed == "apply":
            command = applying.Apply(uuid4(), exhibition.id, key, key, BoothKind.UMUM)
            if live:
                with pytest.raises(AlreadyAppliedError):
                    applying.apply(exhibition, command, applicant, START)
            else:
                mine.append(applying.apply(exhibition, command, applicant, START).after)
        elif live and deed == "withdraw":
            floor = Floor(exhibition, ())
            mine[-1] = placing.withdraw(floor, live[0], live[0].version, ASKED, START).changes[0].after
        elif live:
            refusal = RejectApplication(live[0].id, live[0].version, ApplicationCause.TIDAK_MEMENUHI_SYARAT)
            mine[-1] = applying.reject(exhibition, live[0], refusal).after
        assert sum(item.state not in OVER for item in mine) <= 1
