"""Counts over all services by HTTP: known facts, known numbers, and who may see which."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.domain.counting import CountMismatchError
from services.projections.domain.figures import (
    HELP,
    OUTCOMES,
    EquityDimension,
    OutcomeDimension,
    count_equity,
    count_outcomes,
    fair,
)
from services.projections.handlers.projecting import project_batch
from services.projections.reference import load_places
from shared.auth import Role
from shared.contracts import exhibitions as x
from shared.contracts import mentoring as m
from shared.contracts import registry as r
from shared.contracts import training as t
from shared.contracts.fact import Fact
from shared.database import Pool
from shared.envelope import Event
from shared.wita import monday_of
from tests.projections.conftest import Office
from tests.projections.service_stories import BEGINS, FAIR, SEAT, service_streams
from tests.projections.stories import interleaved, random_story, registered, story

PLACES = load_places()
IDS = count(0x0192F0C0_0000_7000_8000_0000_0001_0000, 1 << 8)  # room for the ids that facts get after their aggregate
MANGGAR, ELSEWHERE, UNKNOWN = "64.71.01.1001", "64.71.02.1001", "TIDAK_DIKETAHUI"


def new_id() -> UUID:
    return UUID(int=next(IDS))


A, B, C, D, E = (new_id() for _ in range(5))
COURSE, PROGRAMME, BATCH = new_id(), new_id(), new_id()
MENTOR, OTHER_MENTOR = new_id(), new_id()


def enrolment(business: UUID, *, state: str = "diterima", present: Sequence[bool] = (), end: str = "") -> list[Event]:
    of: dict[str, Any] = {"enrolment_id": new_id(), "batch_id": BATCH, "course_id": COURSE}
    of |= {"owner_id": new_id(), "business_id": business}
    facts: list[Fact] = [t.EnrolmentRegistered(**of, **SEAT, state=state, priority=1, arrival=1)]
    facts += [t.AttendanceRecorded(**of, session=n, present=was) for n, was in enumerate(present, 1)]
    if end == "lulus":
        done = {"programme_id": PROGRAMME, "year": 2026, "title": "Foto produk", "completed_on": date(2026, 5, 6)}
        facts.append(t.TrainingCompleted(**of, **done, attended=2, sessions=2))
    if end == "tidak_lulus":
        facts.append(t.EnrolmentFailed(**of, cause="kehadiran", attended=0, sessions=2))
    if end in (causes := {"mundur": "permintaan_peserta", "dibatalkan": "angkatan_dibatalkan"}):
        facts.append(t.EnrolmentWithdrawn(**of, **SEAT, cause=causes[end]))
    return story(*facts)


def certificate(enrolled: Sequence[Event], *, revoked: bool = False) -> list[Event]:
    fact: Any = enrolled[0].fact
    of = {"certificate_id": new_id(), "enrolment_id": fact.enrolment_id, "batch_id": BATCH, "owner_id": fact.owner_id}
    of |= {"business_id": fact.business_id, "number": "UJI-1", "edition": 1}
    facts: list[Fact] = [t.CertificateIssued(**of, title="Foto produk", issued_on=date(2026, 5, 7))]
    return story(*facts, *([t.CertificateRevoked(**of, cause="salah_data")] if revoked else []))


def course() -> list[Event]:
    of = {"course_id": COURSE}
    begins = datetime(2025, 12, 31, 16, 30, tzinfo=UTC)  # 00:30 WITA of the new year
    return story(
        t.CourseOpened(**of, programme_id=PROGRAMME, programme="Naik kelas digital", title="Foto produk", held_by="dinas",
                       starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 2), attendance_percent=80),
        t.BatchOpened(**of, batch_id=BATCH, number=2, place="Aula", quota=30, closes_at=begins, selection="langsung",
                      sessions=(t.SessionTime(number=1, starts_at=begins, ends_at=begins + timedelta(hours=2)),)),
    )  # fmt: skip


def application(
    exhibition: UUID, business: UUID, *, came: bool | None, sold: int | None = None, placed: bool = False
) -> list[Event]:
    of: dict[str, Any] = {"application_id": new_id(), "exhibition_id": exhibition, "owner_id": new_id()}
    of["business_id"] = business
    place = {**of, **FAIR, "booth_id": new_id(), "wave": 1, "booth": 3, "starts_at": BEGINS, "confirm_by": BEGINS}
    facts: list[Fact] = [x.ApplicationSubmitted(**of, kind="kuliner")]
    if placed or came is not None:
        facts.append(x.ApplicationPlaced(**place))
    if came is not None:
        facts.append((x.ApplicationTookPart if came else x.ApplicationNoShow)(**of))
    if sold is not None:
        facts.append(x.SalesReported(**of, day=date(2026, 3, 1), amount=sold))
    return story(*facts)


def exhibition(exhibition_id: UUID, *more: Fact) -> list[Event]:
    opened = x.ExhibitionOpened(
        exhibition_id=exhibition_id, **FAIR, held_by="dinas", starts_on=date(2026, 3, 1), ends_on=date(2026, 3, 3),
        closes_at=BEGINS, waves=(), criteria=(), pass_score=50,
    )  # fmt: skip
    return story(opened, *more)


def mentorings() -> list[list[Event]]:
    of: dict[str, Any] = {"mentoring_id": new_id(), "business_id": B}
    visit = {**of, "mentor_id": MENTOR, "way": "kunjungan"}
    return [
        story(
            m.MentorRegistered(mentor_id=MENTOR, account="pendamping-1", weekly_target=3),
        ),
        story(
            m.MentoringStarted(**of, mentor_id=MENTOR, started_on=date(2026, 3, 4)),
            m.MentoringVisited(**visit, visit_id=new_id(), visited_on=date(2026, 3, 8)),
            m.MentoringVisited(**visit, visit_id=new_id(), visited_on=date(2026, 3, 9)),
            m.MentoringHandedOver(
                **of, mentor_id=OTHER_MENTOR, previous_mentor_id=MENTOR, handed_over_on=date(2026, 3, 16)
            ),
            m.MentoringEnded(**of, mentor_id=OTHER_MENTOR, cause="selesai", ended_on=date(2026, 3, 20)),
        ),
    ]


FEW, MANY, UNHEARD = new_id(), new_id(), new_id()


def scene() -> list[list[Event]]:
    passed, merged = enrolment(A, present=[True, True], end="lulus"), enrolment(E, present=[True])
    revoked = enrolment(C, present=[True, False], end="lulus")
    published = x.TurnoverPublished(exhibition_id=MANY, participants=6, reported=5, total=2_500_000)
    return [
        story(registered(A, kelurahan=MANGGAR)),
        story(registered(B, kelurahan=MANGGAR)),
        story(registered(C, kelurahan=ELSEWHERE)),
        story(registered(D, kelurahan=UNKNOWN)),
        story(registered(E, kelurahan=ELSEWHERE), r.BusinessMerged(business_id=E, into_id=A)),
        course(),
        passed,
        merged,
        revoked,
        enrolment(D, state="daftar_tunggu", end="mundur"),
        enrolment(new_id(), end="tidak_lulus"),
        certificate(passed),
        certificate(revoked, revoked=True),
        exhibition(FEW),
        application(FEW, A, came=True, sold=100_000),
        application(FEW, C, came=True),
        application(FEW, C, came=False),
        application(FEW, D, came=None),
        exhibition(MANY, published),
        *(application(MANY, C, came=True, sold=500_000) for _ in range(6)),
        application(UNHEARD, C, came=None),
        *mentorings(),
    ]


@pytest.fixture(params=[0, 1])
async def told(pool: Pool, request: pytest.FixtureRequest) -> None:
    events = list(interleaved(scene(), request.param))
    async with pool.acquire() as connection, connection.transaction():
        for start in range(0, len(events), 9):
            await project_batch(connection, events[start : start + 9])


async def ask(office: Office, path: str, kelurahan: str | None = None, **params: Any) -> Any:
    role = Role.PETUGAS_DINAS if kelurahan is None else Role.PETUGAS_KELURAHAN
    async with office.client(role, kelurahan=kelurahan) as client:
        answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of(buckets: Sequence[dict[str, Any]], code: object, names: Sequence[str]) -> list[int]:
    (found,) = [bucket for bucket in buckets if bucket["code"] == str(code)]
    return [found[name] for name in names]


@pytest.mark.usefixtures("told")
async def test_what_came_of_trainings_is_counted_where_the_business_counts(office: Office) -> None:
    by_place = await ask(office, "/trainings/outcome", by="kelurahan")
    # A's and that of E, which went into A: enrolled, accepted, attended, passed, failed, withdrawn, cancelled, certificates.
    assert of(by_place["buckets"], MANGGAR, OUTCOMES) == [2, 2, 2, 1, 0, 0, 0, 1]
    assert of(by_place["buckets"], ELSEWHERE, OUTCOMES) == [1, 1, 1, 1, 0, 0, 0, 0]
    # D's place is not known, and of one business nothing has been heard.
    assert of([by_place["unknown"]], UNKNOWN, OUTCOMES) == [2, 1, 0, 0, 1, 1, 0, 0]
    for by, code in (("year", 2026), ("programme", PROGRAMME), ("course", COURSE), ("batch", BATCH)):
        counts = await ask(office, "/trainings/outcome", by=by)
        assert of(counts["buckets"], code, OUTCOMES) == [5, 4, 3, 2, 1, 1, 0, 1]
        assert counts["unknown"]["enrolled"] == 0
    assert counts["buckets"][0]["label"] == "Foto produk, angkatan 2"


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("by", list(OutcomeDimension))
async def test_an_officer_of_a_kelurahan_counts_the_own_enrolments_alone(office: Office, by: OutcomeDimension) -> None:
    counts = await ask(office, "/trainings/outcome", kelurahan=MANGGAR, by=by.value)
    assert [counts["total"][name] for name in OUTCOMES] == [2, 2, 2, 1, 0, 0, 0, 1]


@pytest.mark.usefixtures("told")
async def test_who_was_never_helped_is_counted_and_all_add_up(office: Office) -> None:
    counts = await ask(office, "/equity", by="kelurahan")
    # businesses, trained, placed, mentored, never helped
    assert of(counts["buckets"], MANGGAR, HELP) == [2, 1, 1, 1, 0]
    assert of(counts["buckets"], ELSEWHERE, HELP) == [1, 1, 1, 0, 0]
    assert of([counts["unknown"]], UNKNOWN, HELP) == [1, 0, 0, 0, 1]
    assert [counts["total"][name] for name in HELP] == [4, 2, 2, 1, 1]
    own = await ask(office, "/equity", kelurahan=MANGGAR, by="kecamatan")
    assert [own["total"][name] for name in HELP] == [2, 1, 1, 1, 0]


FAIRS = ("applications", "placed", "took_part", "no_show", "reported", "belum_lapor", "turnover", "withheld")


@pytest.mark.usefixtures("told")
async def test_a_turnover_is_told_as_published_and_else_why_not(office: Office) -> None:
    page = await ask(office, "/exhibitions/turnover")
    found = {item["exhibition_id"]: [item[name] for name in FAIRS] for item in page["items"]}
    assert found == {
        str(FEW): [4, 3, 2, 1, 1, 1, None, "kurang_dari_lima_usaha"],
        str(MANY): [6, 6, 6, 0, 6, 0, 2_500_000, None],
        str(UNHEARD): [1, 0, 0, 0, 0, 0, None, "kurang_dari_lima_usaha"],
    }
    assert page["next_after"] is None
    own = await ask(office, "/exhibitions/turnover", kelurahan=MANGGAR)
    mine = {item["exhibition_id"]: [item[name] for name in FAIRS] for item in own["items"]}
    assert mine[str(FEW)] == [1, 1, 1, 0, 1, 0, None, "kurang_dari_lima_usaha"]
    assert mine[str(MANY)] == [0, 0, 0, 0, 0, 0, 2_500_000, None]


@pytest.mark.usefixtures("told")
async def test_exhibitions_are_read_page_by_page(office: Office) -> None:
    whole = [item["exhibition_id"] for item in (await ask(office, "/exhibitions/turnover"))["items"]]
    first = await ask(office, "/exhibitions/turnover", limit=2)
    rest = await ask(office, "/exhibitions/turnover", limit=2, after=first["next_after"])
    assert [item["exhibition_id"] for page in (first, rest) for item in page["items"]] == whole
    assert rest["next_after"] is None


@pytest.mark.usefixtures("told")
async def test_mentors_are_counted_by_weeks_from_monday_to_sunday(office: Office) -> None:
    names = ("monday", "mentor_id", "visits", "visited", "looked_after", "weekly_target")
    page = await ask(office, "/mentoring/activity", since="2026-03-04", until="2026-03-24")
    weeks = [[item[name] for name in names] for item in page["items"]]
    assert weeks == [
        ["2026-03-02", str(MENTOR), 1, 1, 1, 3],
        ["2026-03-09", str(MENTOR), 1, 1, 1, 3],
        ["2026-03-16", str(MENTOR), 0, 0, 0, 3],
        ["2026-03-16", str(OTHER_MENTOR), 0, 0, 1, None],
        ["2026-03-23", str(MENTOR), 0, 0, 0, 3],
    ]
    first = await ask(office, "/mentoring/activity", since="2026-03-04", until="2026-03-24", limit=3)
    rest = await ask(
        office, "/mentoring/activity", since="2026-03-04", until="2026-03-24", limit=3, after=first["next_after"]
    )
    assert [[item[name] for name in names] for part in (first, rest) for item in part["items"]] == weeks
    elsewhere = await ask(office, "/mentoring/activity", kelurahan=ELSEWHERE, since="2026-03-04", until="2026-03-24")
    assert elsewhere["items"] == []


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("since", ["2026-03-09", "2027-12-31"])
async def test_a_stretch_of_weeks_that_goes_back_or_too_far_is_refused(office: Office, since: str) -> None:
    async with office.client(Role.PENDAMPING) as client:
        until = "2026-03-01" if since < "2027" else "2030-01-01"
        answer = await client.get("/mentoring/activity", params={"since": since, "until": until})
    assert (answer.status_code, answer.json()["title"]) == (422, "Rentang tidak sah")


@pytest.mark.parametrize("path", ["/trainings/outcome", "/exhibitions/turnover", "/mentoring/activity", "/equity"])
async def test_nobody_counts_without_a_token(office: Office, path: str) -> None:
    async with office.client() as client:
        assert (await client.get(path)).status_code == 401


@pytest.mark.usefixtures("told")
async def test_the_timeline_tells_of_all_services_in_the_order_of_time_and_stream(office: Office) -> None:
    body = await ask(office, f"/businesses/{B}/timeline")
    told = [(entry["name"], entry["sequence"]) for entry in body["entries"]]
    assert sorted(told) == [
        ("business.registered", 1),
        ("mentoring.ended", 5),
        ("mentoring.handed_over", 4),
        ("mentoring.started", 1),
        ("mentoring.visited", 2),
        ("mentoring.visited", 3),
    ]
    assert "Didampingi dengan kunjungan pada 8 Maret 2026." in [entry["sentence"] for entry in body["entries"]]
    pages, after = [], None
    while True:
        page = await ask(office, f"/businesses/{B}/timeline", limit=2, **({"after": after} if after else {}))
        pages += page["entries"]
        after = page["next_after"]
        if after is None:
            break
    assert pages == body["entries"]


async def test_a_clock_that_was_set_back_does_not_turn_a_stream_round(office: Office, pool: Pool) -> None:
    own = story(registered(A), r.BusinessVerified(business_id=A), r.BusinessReactivated(business_id=A, status="draf"))
    hours = (5, -3, 6)
    moved = [
        Event(each.meta._replace(time=each.meta.time + timedelta(hours=hour)), each.fact)
        for each, hour in zip(own, hours, strict=True)
    ]
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, [*moved, *enrolment(A)])
    body = await ask(office, f"/businesses/{A}/timeline")
    assert [(entry["name"], entry["sequence"]) for entry in body["entries"]] == [
        ("enrolment.registered", 1),
        ("business.registered", 1),
        ("business.verified", 2),
        ("business.reactivated", 3),
    ]


@pytest.mark.usefixtures("told")
async def test_the_page_shows_the_counts_of_the_api_and_no_sum_that_is_withheld(office: Office) -> None:
    async with office.client() as client:
        page = (await client.get("/")).text
    assert "Pemerataan: siapa yang belum pernah dibantu" in page
    assert "2.500.000 (dari 5 usaha)" in page
    assert page.count("Kurang dari lima usaha melapor") == 2
    assert "100.000" not in page
    bare = re.sub(r' data-address="[^"]*"', "", page)
    assert '<th scope="row">Naik kelas digital</th><td>5</td><td>4</td><td>3</td><td>2</td>' in bare


@pytest.mark.parametrize("seed", range(3))
async def test_in_every_city_all_columns_add_up(office: Office, pool: Pool, seed: int) -> None:
    lives = [random_story(seed * 50 + number, 5) for number in range(20)]
    streams = [*lives, *service_streams(seed, [life[0].fact.aggregate_id for life in lives])]
    async with pool.acquire() as connection, connection.transaction():
        await project_batch(connection, list(interleaved(streams, seed)))
    enrolments = sum(stream[0].fact.TOPIC == t.ENROLMENT_TOPIC for stream in streams)
    for by in OutcomeDimension:
        assert (await ask(office, "/trainings/outcome", by=by.value))["total"]["enrolled"] == enrolments
    jobs = await ask(office, "/jobs")
    for place in EquityDimension:
        assert (await ask(office, "/equity", by=place.value))["total"]["businesses"] == jobs["city"]["businesses"][
            "count"
        ]


def test_counts_that_do_not_add_up_are_not_shown() -> None:
    nothing = dict.fromkeys(OUTCOMES, 0)
    row = {"programme": "p", "title": None, "number": None, "changed_at": None, **nothing}
    levels = (31, 47, 55, 59, 61, 62)
    rows = [{**row, "level": level, "code": None, "enrolled": 2} for level in levels]
    rows.append({**row, "level": 63, "code": None, "enrolled": 2})
    assert count_outcomes(rows, PLACES)[OutcomeDimension.YEAR].unknown.counts["enrolled"] == 2
    rows[3] |= {"enrolled": 1}
    with pytest.raises(CountMismatchError, match="year: enrolled comes to 1 of 2"):
        count_outcomes(rows, PLACES)


def test_an_empty_city_is_shown_as_zeros() -> None:
    total = {"level": 3, "code": None, "changed_at": None, **dict.fromkeys(HELP, 0)}
    table = count_equity([total], PLACES)[EquityDimension.KELURAHAN]
    assert (len(table.buckets), table.total.counts["businesses"]) == (34, 0)


@given(
    reports=st.none() | st.integers(0, 12),
    total=st.integers(0, 10**12),
    reported=st.integers(0, 12),
    took_part=st.integers(12, 20),
)
def test_no_total_of_fewer_than_five_is_ever_told(
    reports: int | None, total: int, reported: int, took_part: int
) -> None:
    row = dict.fromkeys(("title", "place", "starts_on", "ends_on", "changed_at", "applications", "placed", "no_show"))
    row |= {"exhibition_id": new_id(), "cancelled": False, "took_part": took_part, "reported": reported}
    row |= {"reported_by_all": reported, "published_participants": reports, "published_reports": reports}
    found = fair({**row, "published_total": None if reports is None else total})
    assert (found.turnover is None) == (reports is None or reports < 5) == (found.withheld is not None)
    assert found.belum_lapor + found.reported == took_part


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_week_begins_on_its_monday(day: date) -> None:
    monday = monday_of(day)
    assert monday.weekday() == 0
    assert timedelta() <= day - monday < timedelta(days=7)
