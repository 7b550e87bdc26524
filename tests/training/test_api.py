"""The trainings by HTTP: who may do what, refusals with rule, values and sentence, versions, keys, bad input."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.training.api.requests import STATUS
from services.training.domain.refusals import RefusalError
from shared.auth import Role, assert_every_route_has_a_rule
from shared.idempotency import assert_every_post_is_idempotent
from shared.registry_copy.partners import PARTNER_REFUSALS
from shared.web.deeds import EVERYWHERE
from tests.desk import MANGGAR, PRAPATAN, Caller
from tests.training.office import Office

PAST = {"starts_at": "2026-10-05T09:00:00+08:00", "ends_at": "2026-10-05T15:00:00+08:00"}
SECOND = {"starts_at": "2026-10-06T09:00:00+08:00", "ends_at": "2026-10-06T15:00:00+08:00"}
FUTURE = {"starts_at": "2099-06-05T09:00:00+08:00", "ends_at": "2099-06-05T15:00:00+08:00"}


def course_form(programme: str, **changes: Any) -> dict[str, Any]:
    return {
        "programme_id": programme,
        "title": "Pemasaran Digital",
        "starts_on": "2026-10-01",
        "ends_on": "2099-12-31",
        "held_by": "mitra",
        "partner": "IPEMI Balikpapan",
        **changes,
    }


def batch_form(**changes: Any) -> dict[str, Any]:
    return {"place": "Aula DKUMKMP", "quota": 2, "closes_on": "2026-10-04", "sessions": [PAST, SECOND], **changes}


@pytest.fixture
async def programme(clerk: Caller) -> str:
    return await clerk.new("/programmes", {"code": "DIGI", "title": "Digitalisasi UMKM"})


@pytest.fixture
async def course(clerk: Caller, programme: str) -> str:
    return await clerk.new("/courses", course_form(programme))


@pytest.fixture
async def batch(clerk: Caller, course: str) -> str:
    return await clerk.new(f"/courses/{course}/batches", batch_form())


def subclasses(kind: type[RefusalError]) -> Iterator[type[RefusalError]]:
    for found in kind.__subclasses__():
        yield found
        yield from subclasses(found)


def test_every_refusal_has_a_status() -> None:
    assert set(STATUS) == {*subclasses(RefusalError), *EVERYWHERE, *PARTNER_REFUSALS}


async def test_every_route_has_a_rule_and_every_post_is_idempotent(office: Office) -> None:
    assert_every_route_has_a_rule(office.app)
    assert_every_post_is_idempotent(office.app)


OFFICE_ONLY = [
    ("POST", "/programmes"),
    ("POST", "/courses"),
    ("POST", "/courses/{id}/batches"),
    ("PUT", "/batches/{id}/quota"),
    ("PUT", "/batches/{id}/sessions/1"),
    ("POST", "/batches/{id}/cancellation"),
    ("POST", "/batches/{id}/selection"),
    ("POST", "/batches/{id}/sessions/1/attendance"),
    ("POST", "/batches/{id}/results"),
    ("POST", "/batches/{id}/certificates"),
    ("POST", "/enrolments/{id}/rejection"),
    ("POST", "/enrolments/{id}/certificate"),
    ("GET", "/certificates/{id}"),
    ("GET", "/certificates/{id}/pdf"),
    ("POST", "/certificates/{id}/reissue"),
    ("POST", "/certificates/{id}/revocation"),
]


@pytest.mark.parametrize(("method", "path"), OFFICE_ONLY)
async def test_what_is_the_offices_is_nobody_elses(office: Office, method: str, path: str) -> None:
    path = path.replace("{id}", str(uuid4()))
    village = office.caller(Role.PETUGAS_KELURAHAN, kelurahan=MANGGAR)
    for caller, status in ((village, 403), (office.caller(Role.LAYANAN), 403), (office.caller(), 401)):
        assert (await caller.client.request(method, path, json={})).status_code == status


@pytest.mark.security(line="S2")
async def test_officers_of_a_kelurahan_enrol_and_see_their_own_only(office: Office, batch: str) -> None:
    own, other = await office.member(kelurahan=MANGGAR), await office.member(kelurahan=PRAPATAN)
    village = office.caller(Role.PETUGAS_KELURAHAN, kelurahan=MANGGAR)
    mine = await village.new(f"/batches/{batch}/enrolments", own.form())
    refused = await village.post(f"/batches/{batch}/enrolments", other.form())
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "usaha-belum-dikenal")
    theirs = await office.caller(Role.PETUGAS_DINAS).new(f"/batches/{batch}/enrolments", other.form())
    assert (await village.get(f"/enrolments/{mine}")).status_code == 200
    assert (await village.get(f"/enrolments/{theirs}")).status_code == 404
    assert (await village.post(f"/enrolments/{theirs}/withdrawal", {}, 1)).status_code == 404
    listed = (await village.get(f"/batches/{batch}/enrolments")).json()
    assert [item["id"] for item in listed["items"]] == [mine]


BAD_COURSES: list[tuple[dict[str, Any], str]] = [
    ({"starts_on": "2026-12-02", "ends_on": "2026-12-01"}, "tanggal-terbalik"),
    ({"held_by": "dinas"}, "penyelenggara-tidak-sesuai"),
    ({"partner": None}, "penyelenggara-tidak-sesuai"),
    ({"requirements": [{"kind": "kelas", "values": ["raksasa"]}]}, "syarat-tidak-sah"),
    ({"requirements": [{"kind": "bukan_syarat"}]}, "isi-tidak-sah"),
    ({"attendance_percent": 0}, "isi-tidak-sah"),
    ({"pass_score": 101}, "isi-tidak-sah"),
    ({"title": "   "}, "isi-tidak-sah"),
    ({"starts_on": "0001-01-01"}, "isi-tidak-sah"),
    ({"lainnya": 1}, "isi-tidak-sah"),
]


@pytest.mark.parametrize(("changes", "rule"), BAD_COURSES)
async def test_a_bad_course_is_refused_with_its_rule(
    clerk: Caller, programme: str, changes: dict[str, Any], rule: str
) -> None:
    answer = await clerk.post("/courses", course_form(programme, **changes))
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, rule)


BAD_BATCHES: list[tuple[dict[str, Any], str]] = [
    ({"sessions": []}, "tanpa-sesi"),
    ({"quota": 0}, "kuota-nol"),
    ({"quota": -3}, "kuota-nol"),
    ({"sessions": [{**PAST, "ends_at": PAST["starts_at"]}]}, "waktu-sesi"),
    ({"sessions": [PAST, PAST]}, "waktu-sesi"),
    ({"sessions": [{"starts_at": "2026-09-30T09:00:00+08:00", "ends_at": "2026-09-30T15:00:00+08:00"}]}, "waktu-sesi"),
    ({"closes_on": "2026-10-05"}, "batas-setelah-mulai"),
    ({"closes_on": None}, "isi-tidak-sah"),
    ({"closes_at": "2026-10-01T00:00:00+08:00"}, "isi-tidak-sah"),
    ({"closes_on": None, "closes_at": "2026-10-04T23:59:59"}, "isi-tidak-sah"),
    ({"sessions": [{"starts_at": "2026-10-05T09:00:00", "ends_at": "2026-10-05T15:00:00"}]}, "isi-tidak-sah"),
    ({"offer_hours": 0}, "isi-tidak-sah"),
    ({"quota": 2.5}, "isi-tidak-sah"),
]


@pytest.mark.parametrize(("changes", "rule"), BAD_BATCHES)
async def test_a_bad_batch_is_refused_with_its_rule(
    clerk: Caller, course: str, changes: dict[str, Any], rule: str
) -> None:
    answer = await clerk.post(f"/courses/{course}/batches", batch_form(**changes))
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, rule)
    assert answer.json()["detail"]


async def test_a_time_without_a_zone_is_told_in_indonesian(clerk: Caller, course: str) -> None:
    form = batch_form(closes_on=None, closes_at="2026-10-04T23:59:59")
    (error,) = (await clerk.post(f"/courses/{course}/batches", form)).json()["errors"]
    assert error["field"].endswith("closes_at")
    assert "zona" in error["message"]


async def test_until_a_day_is_stored_as_its_last_second_in_balikpapan(clerk: Caller, batch: str) -> None:
    assert (await clerk.get(f"/batches/{batch}")).json()["closes_at"] == "2026-10-04T15:59:59Z"


async def test_a_quota_is_changed_in_the_version_that_was_seen(office: Office, clerk: Caller, batch: str) -> None:
    for member in await office.members(2):
        await clerk.new(f"/batches/{batch}/enrolments", member.form())
    path = f"/batches/{batch}/quota"
    assert (await clerk.client.put(path, json={"quota": 3})).status_code == 428
    stale = await clerk.put(path, {"quota": 3}, 7)
    assert (stale.status_code, stale.json()["current"]) == (412, "1")
    low = await clerk.put(path, {"quota": 1}, 1)
    assert (low.status_code, low.json()["quota"], low.json()["held"]) == (409, 1, 2)
    assert "Kuota 1 di bawah 2 kursi" in low.json()["detail"]
    none = await clerk.put(path, {"quota": 0}, 1)
    assert (none.status_code, none.json()["quota"]) == (422, 0)
    saved = await clerk.put(path, {"quota": 3}, 1)
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"2"')


async def test_the_same_request_again_has_one_effect(office: Office, clerk: Caller, batch: str) -> None:
    member, path = await office.member(), f"/batches/{batch}/enrolments"
    answers = await asyncio.gather(*(clerk.post(path, member.form(), key="sama") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    other = await clerk.post(path, (await office.member()).form(), key="sama")
    assert other.status_code == 422
    assert (await clerk.client.post(path, json=member.form())).status_code == 400
    assert [name for name, _ in await office.facts()].count("enrolment.registered") == 1


async def test_from_enrolment_to_result_with_every_stranger_refused(office: Office, clerk: Caller, batch: str) -> None:
    one, two, third = await office.members(3)
    first = await clerk.new(f"/batches/{batch}/enrolments", one.form())
    second = await clerk.new(f"/batches/{batch}/enrolments", two.form())
    waiting = await clerk.new(f"/batches/{batch}/enrolments", third.form())

    async def attend(session: int, *present: tuple[str, bool]) -> Any:
        listed = [{"enrolment_id": enrolment, "present": there} for enrolment, there in present]
        return await clerk.post(f"/batches/{batch}/sessions/{session}/attendance", {"presences": listed})

    stranger = await attend(1, (first, True), (waiting, True))
    assert (stranger.status_code, stranger.json()["enrolment_ids"]) == (409, [waiting])
    assert (await attend(3, (first, True))).status_code == 404
    assert (await attend(1, (first, True), (first, False))).status_code == 422
    assert len((await attend(1, (first, True), (second, True))).json()["items"]) == 2
    assert len((await attend(1, (first, True), (second, False))).json()["items"]) == 1
    await attend(2, (first, True), (second, True))
    shown = (await clerk.get(f"/enrolments/{second}")).json()
    assert (shown["state"], shown["attendance"]) == ("hadir", {"1": False, "2": True})
    scored = await clerk.post(f"/batches/{batch}/results", {"marks": [{"enrolment_id": first, "score": 80}]})
    assert (scored.status_code, scored.json()["score"]) == (422, 80)
    marks = {"marks": [{"enrolment_id": first}, {"enrolment_id": second}]}
    judged = (await clerk.post(f"/batches/{batch}/results", marks)).json()
    assert [item["state"] for item in judged["items"]] == ["lulus", "tidak_lulus"]
    again = await clerk.post(f"/batches/{batch}/results", marks)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "bukan-peserta")
    names = [name for name, _ in await office.facts()]
    assert names.count("training.completed") == names.count("enrolment.failed") == 1
    await office.check_whole()


async def test_a_score_out_of_range_is_refused(office: Office, clerk: Caller, programme: str) -> None:
    course = await clerk.new("/courses", course_form(programme, pass_score=70))
    batch = await clerk.new(f"/courses/{course}/batches", batch_form())
    enrolment = await clerk.new(f"/batches/{batch}/enrolments", (await office.member()).form())
    for score, said in ((101, "harus 0 sampai 100"), (-1, "harus 0 sampai 100"), (None, "lulus mulai 70")):
        answer = await clerk.post(f"/batches/{batch}/results", {"marks": [{"enrolment_id": enrolment, "score": score}]})
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "nilai-tidak-sah")
        assert said in answer.json()["detail"]


async def test_nothing_is_recorded_before_its_time(office: Office, clerk: Caller, course: str) -> None:
    batch = await clerk.new(f"/courses/{course}/batches", batch_form(closes_on="2099-06-01", sessions=[FUTURE]))
    enrolment = await clerk.new(f"/batches/{batch}/enrolments", (await office.member()).form())
    early = await clerk.post(
        f"/batches/{batch}/sessions/1/attendance", {"presences": [{"enrolment_id": enrolment, "present": True}]}
    )
    assert (early.status_code, early.json()["session"]) == (409, 1)
    judged = await clerk.post(f"/batches/{batch}/results", {"marks": [{"enrolment_id": enrolment}]})
    assert judged.json()["type"].endswith("angkatan-belum-selesai")
    certified = await clerk.post(f"/enrolments/{enrolment}/certificate")
    assert (certified.status_code, certified.json()["current"]) == (409, "diterima")
    selected = await clerk.post(f"/batches/{batch}/selection")
    assert selected.status_code == 200  # seats go to who comes first: there is nothing to select


async def test_a_withdrawn_offer_cannot_be_taken(office: Office, clerk: Caller, course: str) -> None:
    form = batch_form(quota=1, closes_on="2099-06-01", sessions=[FUTURE])
    batch = await clerk.new(f"/courses/{course}/batches", form)
    first, second = [
        await clerk.new(f"/batches/{batch}/enrolments", member.form()) for member in await office.members(2)
    ]
    assert (await clerk.post(f"/enrolments/{first}/withdrawal", {}, 1)).status_code == 200
    offered = await clerk.get(f"/enrolments/{second}")
    assert (offered.json()["state"], offered.headers["ETag"]) == ("ditawari", '"2"')
    body = {"cause": "menolak_tawaran"}
    assert (await clerk.post(f"/enrolments/{second}/withdrawal", body, 2)).status_code == 200
    taken = await clerk.post(f"/enrolments/{second}/acceptance", None, 3)
    assert (taken.status_code, taken.json()["current"]) == (409, "mengundurkan_diri")
    assert "hanya yang berstatus: ditawari" in taken.json()["detail"]
    again = await clerk.post(f"/enrolments/{second}/withdrawal", body, 2)
    assert (again.status_code, again.json()["version"]) == (200, 3)


async def test_what_is_not_there_is_not_found(clerk: Caller, programme: str) -> None:
    nobody = uuid4()
    for path in (f"/courses/{nobody}", f"/batches/{nobody}", f"/enrolments/{nobody}", f"/certificates/{nobody}"):
        answer = await clerk.get(path)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "tidak-ditemukan")
    assert (await clerk.post("/courses", course_form(str(nobody)))).status_code == 404
    taken = await clerk.post("/programmes", {"code": "DIGI", "title": "Lain lagi"})
    assert (taken.status_code, taken.json()["code"]) == (409, "DIGI")


async def test_lists_come_in_pages(office: Office, clerk: Caller, programme: str) -> None:
    made = [await clerk.new("/courses", course_form(programme, title=f"Pelatihan {n}")) for n in range(3)]
    first = (await clerk.get("/courses?limit=2")).json()
    rest = (await clerk.get(f"/courses?limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made
    assert rest["next"] is None
    batch = await clerk.new(f"/courses/{made[0]}/batches", batch_form(quota=5))
    for member in await office.members(3):
        await clerk.new(f"/batches/{batch}/enrolments", member.form())
    head = (await clerk.get(f"/batches/{batch}/enrolments?limit=2")).json()
    tail = (await clerk.get(f"/batches/{batch}/enrolments?limit=2&after={head['next']}")).json()
    assert [item["arrival"] for item in head["items"] + tail["items"]] == [1, 2, 3]
    assert (await clerk.get(f"/batches/{batch}/enrolments?after={2**31 - 1}")).json()["items"] == []
    assert (await clerk.get(f"/batches/{batch}/enrolments?after={2**31}")).status_code == 422
    detail = (await clerk.get(f"/courses/{made[0]}")).json()
    assert [item["held"] for item in detail["batches"]] == [3]
    assert [item["code"] for item in (await clerk.get("/programmes")).json()["items"]] == ["DIGI"]


async def test_a_registry_that_is_away_is_waited_for_only_where_a_nib_is_asked(
    office: Office, clerk: Caller, programme: str
) -> None:
    member = await office.member(nib="0123456789012")
    form = course_form(programme, requirements=[{"kind": "punya_nib"}])
    course = await clerk.new("/courses", form)
    batch = await clerk.new(f"/courses/{course}/batches", batch_form())
    office.keys.away = True
    answer = await clerk.post(f"/batches/{batch}/enrolments", member.form(), key="sama")
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    plain = await clerk.new("/courses", course_form(programme))
    other = await clerk.new(f"/courses/{plain}/batches", batch_form())
    assert (await clerk.post(f"/batches/{other}/enrolments", member.form())).status_code == 201
    office.keys.away = False
    answer = await clerk.post(f"/batches/{batch}/enrolments", member.form(), key="sama")
    assert answer.status_code == 201
