"""What the trainings refuse, each by HTTP with the rule's name, the values it compared and an Indonesian sentence."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.organisations import OrganisationRole
from tests.desk import Caller, Wrong, how_refused
from tests.training.office import Office
from tests.training.test_api import FUTURE, PAST, SECOND, batch_form, course_form
from tests.training.test_certificates import pass_training

NAMED = {"partner": None}
INVALID = "isi-tidak-sah"
NO_ZONE = "harus menyebut zona waktu"


def course(**changes: Any) -> dict[str, Any]:
    return course_form("{programme}", **changes)


def attend(*enrolments: str) -> dict[str, Any]:
    return {"presences": [{"enrolment_id": item, "present": True} for item in enrolments]}


def mark(enrolment: str, score: Any = None) -> dict[str, Any]:
    return {"marks": [{"enrolment_id": enrolment, "score": score}]}


BATCHES = "POST /courses/{course}/batches"
QUOTA = "PUT /batches/{batch}/quota"
ATTENDANCE = "POST /batches/{batch}/sessions/1/attendance"
RESULTS = "POST /batches/{batch}/results"
SCORED = "POST /batches/{scored}/results"
ENROL = "POST /batches/{batch}/enrolments"
ACCEPT = "POST /enrolments/{left}/acceptance"

WRONG: dict[str, Wrong] = {
    "a course that ends before it begins": Wrong(
        "POST /courses", course(starts_on="2026-12-02", ends_on="2026-12-01"), 422, "tanggal-terbalik",
        {"starts_on": "2026-12-02", "ends_on": "2026-12-01"},
        "Pelatihan berakhir 1 Desember 2026, sebelum mulai 2 Desember 2026.",
    ),
    "a batch without sessions": Wrong(
        BATCHES, batch_form(sessions=[]), 422, "tanpa-sesi", {"sessions": 0}, "sekurang-kurangnya satu sesi",
    ),
    "a session that ends before it begins": Wrong(
        BATCHES, batch_form(sessions=[{"starts_at": PAST["ends_at"], "ends_at": PAST["starts_at"]}]), 422,
        "waktu-sesi",
        {"session": 1, "starts_at": "2026-10-05T15:00:00+08:00", "ends_at": "2026-10-05T09:00:00+08:00"},
        "berakhir sebelum mulai",
    ),
    "a session outside its course": Wrong(
        BATCHES,
        batch_form(sessions=[{"starts_at": "2026-09-30T23:00:00+08:00", "ends_at": "2026-10-01T01:00:00+08:00"}]),
        422, "waktu-sesi", {"session": 1}, "di luar masa pelatihan",
    ),
    "two sessions at once": Wrong(
        BATCHES, batch_form(sessions=[PAST, PAST]), 422, "waktu-sesi", {"session": 2}, "bertumpang tindih dengan sesi 1",
    ),
    "a deadline after the beginning": Wrong(
        BATCHES, batch_form(closes_on="2026-10-05"), 422, "batas-setelah-mulai",
        {"closes_at": "2026-10-05T23:59:59+08:00", "starts_at": "2026-10-05T09:00:00+08:00"},
        "tidak sebelum sesi pertama",
    ),
    "a quota of 0": Wrong(BATCHES, batch_form(quota=0), 422, "kuota-nol", {"quota": 0}, "Kuota 0 tidak sah"),
    "a quota below 0": Wrong(BATCHES, batch_form(quota=-3), 422, "kuota-nol", {"quota": -3}, "Kuota -3 tidak sah"),
    "a quota lowered to 0": Wrong(QUOTA, {"quota": 0}, 422, "kuota-nol", {"quota": 0}, "sekurang-kurangnya 1", 1),
    "a quota below those accepted": Wrong(
        QUOTA, {"quota": 1}, 409, "kuota-di-bawah-terisi", {"quota": 1, "held": 2},
        "Kuota 1 di bawah 2 kursi yang sudah diberikan atau ditawarkan.", 1,
    ),
    "a quota by somebody who has not seen the last one": Wrong(
        QUOTA, {"quota": 9}, 412, "versi-usang", {"current": "1"}, "Versi 7 sudah usang", 7,
    ),
    "attendance for a stranger": Wrong(
        ATTENDANCE, attend("{other}"), 409, "bukan-peserta", {"enrolment_ids": ["{other}"]}, "Bukan peserta",
    ),
    "attendance for nobody": Wrong(
        ATTENDANCE, attend("{nobody}"), 409, "bukan-peserta", {"enrolment_ids": ["{nobody}"]}, "Bukan peserta",
    ),
    "attendance for who only waits": Wrong(
        ATTENDANCE, attend("{first}", "{waiting}"), 409, "bukan-peserta", {"enrolment_ids": ["{waiting}"]},
        "Bukan peserta",
    ),
    "attendance twice on one list": Wrong(
        ATTENDANCE, attend("{first}", "{first}"), 422, INVALID, {"": "peserta yang sama disebut dua kali"}, "tidak sesuai",
    ),
    "attendance before the session": Wrong(
        "POST /batches/{future}/sessions/1/attendance", attend("{left}"), 409, "sesi-belum-mulai",
        {"session": 1, "starts_at": "2099-06-05T09:00:00+08:00"}, "Sesi 1 baru mulai 5 Juni 2099",
    ),
    "a result for a stranger": Wrong(
        RESULTS, mark("{other}"), 409, "bukan-peserta", {"enrolment_ids": ["{other}"]}, "Bukan peserta",
    ),
    "a score above 100": Wrong(
        SCORED, mark("{judged}", 101), 422, "nilai-tidak-sah", {"score": 101}, "Nilai 101 tidak sah: harus 0 sampai 100.",
    ),
    "a score below 0": Wrong(
        SCORED, mark("{judged}", -1), 422, "nilai-tidak-sah", {"score": -1}, "harus 0 sampai 100",
    ),
    "no score where one is asked": Wrong(
        SCORED, mark("{judged}"), 422, "nilai-tidak-sah", {"score": None}, "Nilai kosong tidak sah",
    ),
    "a score where none is asked": Wrong(
        RESULTS, mark("{first}", 80), 422, "nilai-tidak-sah", {"score": 80}, "pelatihan ini tidak dinilai",
    ),
    "a score that is no whole number": Wrong(
        SCORED, mark("{judged}", 7.5), 422, INVALID, {"score": "harus berupa bilangan bulat"}, "tidak sesuai",
    ),
    "two certificates": Wrong(
        "POST /enrolments/{passed}/certificate", None, 409, "sertifikat-sudah-terbit",
        {"number": "0001/DIGI/DKUMKMP/2026"}, "diterbitkan sebagai versi baru",
    ),
    "a certificate for who has not passed": Wrong(
        "POST /enrolments/{first}/certificate", None, 409, "belum-lulus", {"current": "diterima"}, "hanya untuk yang lulus",
    ),
    "a withdrawn offer accepted": Wrong(
        ACCEPT, None, 409, "status-tidak-sesuai", {"current": "mengundurkan_diri", "allowed": ["ditawari"]},
        "hanya yang berstatus: ditawari", 3,
    ),
    "a second live enrolment": Wrong(
        ENROL, {"owner_id": "{owner}", "business_id": "{business}"}, 409, "sudah-terdaftar",
        {"batch_id": "{batch}", "owner_id": "{owner}"}, "sudah terdaftar di angkatan",
    ),
    "somebody else's business": Wrong(
        ENROL, {"owner_id": "{stranger}", "business_id": "{business}"}, 422, "bukan-pemilik",
        {"owner_id": "{stranger}", "business_id": "{business}"}, "tidak tercatat sebagai pemilik",
    ),
    "an owner of whom nobody told": Wrong(
        ENROL, {"owner_id": "{nobody}", "business_id": "{business}"}, 409, "usaha-belum-dikenal", {"id": "{nobody}"},
        "coba lagi sebentar lagi",
    ),
    "an erased owner": Wrong(
        ENROL, {"owner_id": "{erased}", "business_id": "{business of erased}"}, 410, "pemilik-dihapus",
        {"owner_id": "{erased}"}, "sudah dihapus",
    ),
    "an enrolment in a cancelled batch": Wrong(
        "POST /batches/{cancelled}/enrolments", {"owner_id": "{stranger}", "business_id": "{business of stranger}"},
        409, "angkatan-dibatalkan", {"batch_id": "{cancelled}"}, "dibatalkan",
    ),
    "a deadline without zone": Wrong(
        BATCHES, batch_form(closes_on=None, closes_at="2026-10-04T23:59:59"), 422, INVALID, {"closes_at": NO_ZONE},
        "tidak sesuai",
    ),
    "a session without zone": Wrong(
        BATCHES, batch_form(sessions=[{"starts_at": "2026-10-05T09:00:00", "ends_at": PAST["ends_at"]}]), 422,
        INVALID, {"starts_at": NO_ZONE}, "tidak sesuai",
    ),
    "a session moved to a time without zone": Wrong(
        "PUT /batches/{future}/sessions/1", {"starts_at": FUTURE["starts_at"], "ends_at": "2099-06-05T15:00:00"},
        422, INVALID, {"ends_at": NO_ZONE}, "tidak sesuai", 1,
    ),
    "a partner that is not named": Wrong(
        "POST /courses", course(partner=None), 422, "penyelenggara-tidak-sesuai",
        {"held_by": "mitra", "partner": None, "partner_id": None}, "menyebut mitranya sekali",
    ),
    "a partner that is named twice": Wrong(
        "POST /courses", course(partner_id="{partner}"), 422, "penyelenggara-tidak-sesuai",
        {"partner": "IPEMI Balikpapan", "partner_id": "{partner}"}, "menyebut mitranya sekali",
    ),
    "a partner beside the office": Wrong(
        "POST /courses", course(held_by="dinas", partner_id="{partner}", **NAMED), 422, "penyelenggara-tidak-sesuai",
        {"held_by": "dinas", "partner_id": "{partner}"}, "pelatihan dinas tidak menyebut mitra",
    ),
    "a partner of whom nobody told": Wrong(
        "POST /courses", course(partner_id="{nobody}", **NAMED), 409, "mitra-belum-dikenal",
        {"partner_id": "{nobody}"}, "coba lagi sebentar lagi",
    ),
    "a partner that ended": Wrong(
        "POST /courses", course(partner_id="{ended}", **NAMED), 409, "mitra-berakhir",
        {"partner_id": "{ended}", "ended_on": "2026-11-25"}, "berakhir 25 November 2026",
    ),
    "a partner for something else": Wrong(
        "POST /courses", course(partner_id="{seller}", **NAMED), 409, "mitra-tanpa-peran",
        {"partner_id": "{seller}", "role": "pelatihan", "roles": ["pameran", "tempat_jual"]},
        "bukan mitra pelatihan; perannya: pameran, tempat jual.",
    ),
}  # fmt: skip


@pytest.fixture
async def scene(office: Office, clerk: Caller) -> dict[str, str]:
    """A batch that is full with somebody waiting, others to be judged, past, cancelled, and to come; partners of all kinds."""
    one, two, third, gone, stranger = await office.members(5)
    roles = OrganisationRole
    _, (passed,) = await pass_training(office, clerk, one)
    await clerk.new(f"/enrolments/{passed}/certificate", None)
    programme = await clerk.new("/programmes", {"code": "LAIN", "title": "Program Lain"})
    made = await clerk.new("/courses", course_form(programme))
    asked = await clerk.new("/courses", course_form(programme, pass_score=70))
    to_come = batch_form(quota=1, closes_on="2099-06-01", sessions=[FUTURE])
    batches = [
        await clerk.new(f"/courses/{made}/batches", form)
        for form in (batch_form(), batch_form(sessions=[SECOND]), to_come, to_come)
    ]
    batch, elsewhere, future, cancelled = batches
    scored = await clerk.new(f"/courses/{asked}/batches", batch_form())
    first, _, waiting = [await clerk.new(f"/batches/{batch}/enrolments", who.form()) for who in (one, two, third)]
    leaving, left = [await clerk.new(f"/batches/{future}/enrolments", who.form()) for who in (one, two)]
    for enrolment, version in ((leaving, 1), (left, 2)):
        (await clerk.post(f"/enrolments/{enrolment}/withdrawal", {}, version)).raise_for_status()
    (await clerk.post(f"/batches/{cancelled}/cancellation", None, 1)).raise_for_status()
    await office.tell(office.story.erased(gone.owner_id))
    return {
        "programme": programme,
        "course": made,
        "batch": batch,
        "future": future,
        "cancelled": cancelled,
        "scored": scored,
        "first": first,
        "waiting": waiting,
        "left": left,
        "passed": passed,
        "other": await clerk.new(f"/batches/{elsewhere}/enrolments", two.form()),
        "judged": await clerk.new(f"/batches/{scored}/enrolments", one.form()),
        "owner": str(one.owner_id),
        "business": str(one.business_id),
        "stranger": str(stranger.owner_id),
        "business of stranger": str(stranger.business_id),
        "erased": str(gone.owner_id),
        "business of erased": str(gone.business_id),
        "nobody": str(uuid4()),
        "partner": str(await office.organisation(roles.PELATIHAN)),
        "ended": str(await office.organisation(roles.PELATIHAN, ended=True)),
        "seller": str(await office.organisation(roles.PAMERAN, roles.TEMPAT_JUAL)),
    }


async def test_bad_input_is_refused_with_rule_values_and_sentence_and_changes_nothing(
    office: Office, clerk: Caller, scene: dict[str, str]
) -> None:
    before = await office.facts()
    differing = {what: await how_refused(clerk, wrong, scene) for what, wrong in WRONG.items()}
    assert {what: found for what, found in differing.items() if found} == {}
    assert await office.facts() == before
    await office.check_whole()


async def test_a_course_of_a_known_partner_names_it_and_keeps_what_it_was_called(
    office: Office, clerk: Caller, scene: dict[str, str]
) -> None:
    form = course_form(scene["programme"], partner=None, partner_id=scene["partner"])
    shown = (await clerk.get(f"/courses/{await clerk.new('/courses', form)}")).json()
    assert (shown["partner_id"], shown["partner"]) == (scene["partner"], "IPEMI Balikpapan")
    old = (await clerk.get(f"/courses/{scene['course']}")).json()
    assert (old["partner_id"], old["partner"]) == (None, "IPEMI Balikpapan")
    data = await office.pool.fetch("SELECT data FROM outbox WHERE type LIKE '%course.opened%' ORDER BY id")
    assert f'"partner_id":"{scene["partner"]}"' in data[-1]["data"]
