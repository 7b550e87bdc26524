"""The exhibitions by HTTP: who may do what, refusals with rule, values and sentence, versions, keys, bad input."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from services.events.api.requests import STATUS
from services.events.domain.refusals import RefusalError
from shared.auth import Role, assert_every_route_has_a_rule
from shared.idempotency import assert_every_post_is_idempotent
from shared.registry_copy.partners import PARTNER_REFUSALS
from shared.web.deeds import EVERYWHERE
from tests.desk import MANGGAR, PRAPATAN, Caller, rule_of
from tests.events.fair import Fair

WAVE = {"starts_at": "2026-10-05T09:00:00+08:00", "ends_at": "2026-10-06T21:00:00+08:00"}
SECOND = {"starts_at": "2026-10-07T09:00:00+08:00", "ends_at": "2026-10-08T21:00:00+08:00"}
FUTURE = {"starts_at": "2099-06-05T09:00:00+08:00", "ends_at": "2099-06-05T21:00:00+08:00"}
JURY = {"code": "kemasan", "kind": "juri", "weight": 2}
RARE = {"code": "jarang", "kind": "jarang_dibantu", "weight": 1}


def exhibition_form(**changes: Any) -> dict[str, Any]:
    """Return a partner's bazaar of October, whose lists come in afterwards."""
    return {
        "title": "Bazar Ramadan",
        "held_by": "mitra",
        "partner": "IPEMI Balikpapan",
        "place": "Lapangan Merdeka",
        "starts_on": "2026-10-01",
        "ends_on": "2099-12-31",
        "closes_on": "2026-10-04",
        "waves": [WAVE, SECOND],
        "criteria": [JURY, RARE],
        **changes,
    }


@pytest.fixture
async def exhibition(clerk: Caller) -> str:
    return await clerk.new("/exhibitions", exhibition_form())


@pytest.fixture
async def booth(clerk: Caller, exhibition: str) -> str:
    return await clerk.new(f"/exhibitions/{exhibition}/booths", {"capacity": 2})


def subclasses(kind: type[RefusalError]) -> Iterator[type[RefusalError]]:
    for found in kind.__subclasses__():
        yield found
        yield from subclasses(found)


def test_every_refusal_has_a_status() -> None:
    assert set(STATUS) == {*subclasses(RefusalError), *EVERYWHERE, *PARTNER_REFUSALS}


async def test_every_route_has_a_rule_and_every_post_is_idempotent(fair: Fair) -> None:
    assert_every_route_has_a_rule(fair.app)
    assert_every_post_is_idempotent(fair.app)


OFFICE_ONLY = [
    ("POST", "/exhibitions"),
    ("POST", "/exhibitions/{id}/cancellation"),
    ("POST", "/exhibitions/{id}/booths"),
    ("PUT", "/booths/{id}/capacity"),
    ("POST", "/exhibitions/{id}/curation"),
    ("POST", "/exhibitions/{id}/placements"),
    ("POST", "/exhibitions/{id}/attendance"),
    ("POST", "/exhibitions/{id}/turnover"),
    ("POST", "/applications/{id}/rejection"),
    ("POST", "/applications/{id}/placement"),
    ("POST", "/applications/{id}/move"),
    ("POST", "/outlets"),
    ("GET", "/outlets"),
    ("GET", "/outlets/{id}"),
    ("POST", "/outlets/{id}/members"),
    ("POST", "/outlets/{id}/departures"),
    ("POST", "/outlets/{id}/turns"),
    ("POST", "/outlets/{id}/turns/1/handovers"),
]


@pytest.mark.parametrize(("method", "path"), OFFICE_ONLY)
async def test_what_is_the_offices_is_nobody_elses(fair: Fair, method: str, path: str) -> None:
    path = path.replace("{id}", str(uuid4()))
    village = fair.caller(Role.PETUGAS_KELURAHAN, kelurahan=MANGGAR)
    refused = ((village, 403), (fair.caller(Role.KURATOR), 403), (fair.caller(Role.LAYANAN), 403), (fair.caller(), 401))
    for caller, status in refused:
        assert (await caller.client.request(method, path, json={})).status_code == status


async def test_curators_see_all_and_score_and_villages_see_their_own_and_do_not(
    fair: Fair, clerk: Caller, exhibition: str
) -> None:
    own, other = await fair.member(kelurahan=MANGGAR), await fair.member(kelurahan=PRAPATAN)
    village = fair.caller(Role.PETUGAS_KELURAHAN, kelurahan=MANGGAR)
    curator = fair.caller(Role.KURATOR, subject="kurator-a")
    path = f"/exhibitions/{exhibition}/applications"
    mine = await village.new(path, own.form())
    assert rule_of(await village.post(path, other.form())) == (409, "usaha-belum-dikenal")
    theirs = await clerk.new(path, other.form())
    assert (await village.get(f"/applications/{theirs}")).status_code == 404
    assert (await village.post(f"/applications/{theirs}/withdrawal", {}, 1)).status_code == 404
    assert [item["id"] for item in (await village.get(path)).json()["items"]] == [mine]
    assert [item["id"] for item in (await curator.get(path)).json()["items"]] == [mine, theirs]
    scores = {"judgements": [{"application_id": theirs, "scores": {"kemasan": 80}}]}
    assert (await village.post(f"/exhibitions/{exhibition}/scores", scores)).status_code == 403
    assert (await curator.post(f"/exhibitions/{exhibition}/scores", scores)).status_code == 200
    assert (await curator.post(path, own.form())).status_code == 403
    shown = (await curator.get(f"/applications/{theirs}")).json()
    assert (shown["state"], shown["history"]["helped"], shown["scored"][0]["score"]) == ("kurasi", 0, 80)


BAD_EXHIBITIONS: list[tuple[dict[str, Any], str]] = [
    ({"starts_on": "2026-12-02", "ends_on": "2026-12-01"}, "tanggal-terbalik"),
    ({"held_by": "dinas"}, "penyelenggara-tidak-sesuai"),
    ({"partner": None}, "penyelenggara-tidak-sesuai"),
    ({"waves": []}, "tanpa-gelombang"),
    ({"waves": [{**WAVE, "ends_at": WAVE["starts_at"]}]}, "waktu-gelombang"),
    ({"waves": [WAVE, WAVE]}, "waktu-gelombang"),
    ({"starts_on": "2026-10-06"}, "waktu-gelombang"),
    # 00:30 on the 5th in Balikpapan is still the 4th in Jakarta.
    (
        {
            "zone": "Asia/Jakarta",
            "starts_on": "2026-10-05",
            "waves": [{**WAVE, "starts_at": "2026-10-05T00:30:00+08:00"}],
        },
        "waktu-gelombang",
    ),
    ({"closes_on": "2026-10-05"}, "batas-setelah-mulai"),
    ({"criteria": []}, "kriteria-tidak-sah"),
    ({"criteria": [JURY, JURY]}, "kriteria-tidak-sah"),
    ({"criteria": [{**JURY, "weight": 0}]}, "kriteria-tidak-sah"),
    ({"criteria": [{"code": "kelas", "kind": "kelas", "weight": 1, "values": ["raksasa"]}]}, "kriteria-tidak-sah"),
    ({"criteria": [{**JURY, "kind": "bukan"}]}, "isi-tidak-sah"),
    ({"zone": "Asia/Balikpapan"}, "isi-tidak-sah"),
    ({"closes_on": None}, "isi-tidak-sah"),
    ({"closes_on": None, "closes_at": "2026-10-04T23:59:59"}, "isi-tidak-sah"),
    ({"waves": [{"starts_at": "2026-10-05T09:00:00", "ends_at": "2026-10-05T15:00:00"}]}, "isi-tidak-sah"),
    ({"pass_score": 101}, "isi-tidak-sah"),
    ({"lainnya": 1}, "isi-tidak-sah"),
]


@pytest.mark.parametrize(("changes", "rule"), BAD_EXHIBITIONS)
async def test_a_bad_exhibition_is_refused_with_its_rule(clerk: Caller, changes: dict[str, Any], rule: str) -> None:
    answer = await clerk.post("/exhibitions", exhibition_form(**changes))
    assert rule_of(answer) == (422, rule)
    assert answer.json()["detail"]


async def test_a_time_without_a_zone_is_told_in_indonesian(clerk: Caller) -> None:
    form = exhibition_form(closes_on=None, closes_at="2026-10-04T23:59:59")
    (error,) = (await clerk.post("/exhibitions", form)).json()["errors"]
    assert error["field"].endswith("closes_at")
    assert "zona" in error["message"]


async def test_until_a_day_ends_where_the_exhibition_is(clerk: Caller) -> None:
    for zone, instant in (("Asia/Jakarta", "2026-10-04T16:59:59Z"), ("Asia/Makassar", "2026-10-04T15:59:59Z")):
        made = await clerk.new("/exhibitions", exhibition_form(zone=zone))
        assert (await clerk.get(f"/exhibitions/{made}")).json()["closes_at"] == instant


async def test_a_capacity_of_none_or_below_those_placed_is_refused(
    fair: Fair, clerk: Caller, exhibition: str, booth: str
) -> None:
    for capacity in (0, -2):
        answer = await clerk.post(f"/exhibitions/{exhibition}/booths", {"capacity": capacity})
        assert (rule_of(answer), answer.json()["capacity"]) == ((422, "kapasitas-nol"), capacity)
    await through(fair, clerk, exhibition, 2)
    path = f"/booths/{booth}/capacity"
    assert (await clerk.client.put(path, json={"capacity": 3})).status_code == 428
    stale = await clerk.put(path, {"capacity": 3}, 7)
    assert (rule_of(stale), stale.json()["current"]) == ((412, "versi-usang"), "1")
    low = await clerk.put(path, {"capacity": 1}, 1)
    assert (rule_of(low), low.json()["placed"]) == ((409, "kapasitas-di-bawah-terisi"), 2)
    assert "2 usaha sudah ditempatkan" in low.json()["detail"]
    assert rule_of(await clerk.put(path, {"capacity": 0}, 1)) == (422, "kapasitas-nol")
    saved = await clerk.put(path, {"capacity": 3}, 1)
    assert (saved.status_code, saved.headers["ETag"]) == (200, '"2"')


async def through(fair: Fair, clerk: Caller, exhibition: str, count: int) -> list[str]:
    """Let so many apply, be scored, chosen, placed; return their applications."""
    path = f"/exhibitions/{exhibition}"
    made = [await clerk.new(f"{path}/applications", member.form()) for member in await fair.members(count)]
    judgements = [{"application_id": item, "scores": {"kemasan": 90 - n}} for n, item in enumerate(made)]
    curator = fair.caller(Role.KURATOR, subject="kurator-a")
    assert (await curator.post(f"{path}/scores", {"judgements": judgements})).status_code == 200
    version = (await clerk.get(path)).json()["version"]
    assert (await clerk.post(f"{path}/curation", None, version)).status_code == 200
    assert (await clerk.post(f"{path}/placements")).status_code == 200
    return made


async def test_the_same_request_again_has_one_effect(fair: Fair, clerk: Caller, exhibition: str) -> None:
    member, path = await fair.member(), f"/exhibitions/{exhibition}/applications"
    answers = await asyncio.gather(*(clerk.post(path, member.form(), key="sama") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert (await clerk.post(path, (await fair.member()).form(), key="sama")).status_code == 422
    assert (await clerk.client.post(path, json=member.form())).status_code == 400
    assert rule_of(await clerk.post(path, member.form())) == (409, "sudah-mendaftar")
    assert [name for name, _ in await fair.facts()].count("application.submitted") == 1


async def test_a_score_out_of_range_or_of_a_stranger_is_refused(fair: Fair, clerk: Caller, exhibition: str) -> None:
    application = await clerk.new(f"/exhibitions/{exhibition}/applications", (await fair.member()).form())
    path = f"/exhibitions/{exhibition}/scores"
    curator = fair.caller(Role.KURATOR, subject="kurator-a")

    async def give(target: str, **scores: int) -> Any:
        return await curator.post(path, {"judgements": [{"application_id": target, "scores": scores}]})

    for score in (101, -1):
        answer = await give(application, kemasan=score)
        assert (rule_of(answer), answer.json()["score"]) == ((422, "nilai-tidak-sah"), score)
        assert "harus 0 sampai 100" in answer.json()["detail"]
    assert "bukan kriteria yang dinilai kurator" in (await give(application, jarang=50)).json()["detail"]
    stranger = await give(str(uuid4()), kemasan=5)
    assert rule_of(stranger) == (409, "bukan-peserta")
    twice = {"judgements": [{"application_id": application, "scores": {"kemasan": 5}}] * 2}
    assert rule_of(await curator.post(path, twice)) == (422, "isi-tidak-sah")


async def test_from_place_to_sales_with_every_wrong_deed_refused(
    fair: Fair, clerk: Caller, exhibition: str, booth: str
) -> None:
    first, second, *_ = await through(fair, clerk, exhibition, 5)
    other = await clerk.new("/exhibitions", exhibition_form())
    elsewhere = await clerk.new(f"/exhibitions/{other}/booths", {"capacity": 9})
    moved = await clerk.post(f"/applications/{first}/move", {"booth_id": elsewhere, "wave": 1}, 4)
    assert (rule_of(moved), moved.json()["booth_id"]) == ((422, "stan-pameran-lain"), elsewhere)
    full = await clerk.post(f"/applications/{first}/move", {"booth_id": booth, "wave": 2}, 4)
    assert rule_of(full) == (409, "stan-penuh")
    assert (await clerk.post(f"/applications/{first}/move", {"booth_id": booth, "wave": 3}, 4)).status_code == 404
    placed = await clerk.post(f"/applications/{first}/placement", {"booth_id": booth, "wave": 1}, 4)
    assert (rule_of(placed), placed.json()["current"]) == ((409, "status-tidak-sesuai"), "ditempatkan")
    confirmed = await clerk.post(f"/applications/{first}/confirmation", None, 4)
    assert (confirmed.status_code, confirmed.headers["ETag"]) == (200, '"5"')
    early = await clerk.post(f"/applications/{first}/sales", {"day": "2026-10-05", "amount": 5}, 5)
    assert rule_of(early) == (409, "status-tidak-sesuai")
    there = {"presences": [{"application_id": first, "present": True}, {"application_id": second, "present": False}]}
    assert len((await clerk.post(f"/exhibitions/{exhibition}/attendance", there)).json()["items"]) == 2
    for body, expected in (
        ({"day": "2026-10-05", "amount": -1}, (422, "penjualan-negatif")),
        ({"day": "2099-10-05", "amount": 5}, (422, "penjualan-hari-depan")),
        ({"day": "2026-10-07", "amount": 5}, (422, "penjualan-di-luar-gelombang")),
        ({"day": "2026-10-05", "amount": 5.5}, (422, "isi-tidak-sah")),
    ):
        refused = await clerk.post(f"/applications/{first}/sales", body, 6)
        assert rule_of(refused) == expected
    report = {"day": "2026-10-05", "amount": 1_250_000}
    assert (await clerk.post(f"/applications/{first}/sales", report, 6)).json()["version"] == 7
    listed = (await clerk.get(f"/exhibitions/{exhibition}/sales")).json()["items"]
    assert [(item["state"], item["days"]) for item in listed] == [
        ("sebagian", {"2026-10-05": 1_250_000, "2026-10-06": None})
    ]
    await fair.check_whole()


async def test_the_public_sees_a_total_of_five_or_more_and_nothing_before(
    fair: Fair, clerk: Caller, exhibition: str, booth: str
) -> None:
    assert (await clerk.put(f"/booths/{booth}/capacity", {"capacity": 3}, 1)).status_code == 200
    made = await through(fair, clerk, exhibition, 6)
    there = {"presences": [{"application_id": item, "present": True} for item in made]}
    await clerk.post(f"/exhibitions/{exhibition}/attendance", there)
    anybody, path = fair.caller(), f"/exhibitions/{exhibition}/turnover"
    days = ["2026-10-05"] * 3 + ["2026-10-07"] * 3

    async def publish() -> Any:
        return await clerk.post(path, None, (await clerk.get(f"/exhibitions/{exhibition}")).json()["version"])

    for number in range(5):
        refused = await publish()
        assert (rule_of(refused), refused.json()["reported"]) == ((409, "terlalu-sedikit-usaha"), number)
        assert (await anybody.get(path)).json()["total"] is None
        version = (await clerk.get(f"/applications/{made[number]}")).json()["version"]
        body = {"day": days[number], "amount": 100_000}
        assert (await clerk.post(f"/applications/{made[number]}/sales", body, version)).status_code == 200
    assert (await anybody.get(f"/exhibitions/{exhibition}/sales")).status_code == 401
    assert (await publish()).status_code == 200
    seen = (await anybody.get(path)).json()
    assert (seen["participants"], seen["reported"], seen["not_reported"], seen["total"]) == (6, 5, 1, 500_000)


async def test_what_is_not_there_is_not_found(clerk: Caller) -> None:
    nobody = uuid4()
    for path in ("exhibitions", "booths", "applications", "outlets"):
        assert rule_of(await clerk.get(f"/{path}/{nobody}")) == (404, "tidak-ditemukan")
    assert (await clerk.get(f"/exhibitions/{nobody}/turnover")).status_code == 404


async def test_an_outlet_by_http(fair: Fair, clerk: Caller) -> None:
    form = {
        "title": "Pawon Colang Caling",
        "held_by": "mitra",
        "partner": "IPEMI Balikpapan",
        "place": "Pasar Klandasan",
    }
    assert rule_of(await clerk.post("/outlets", {**form, "stalls": 0})) == (422, "kapasitas-nol")
    outlet = await clerk.new("/outlets", {**form, "stalls": 1})
    turn = {"starts_on": "2099-10-05", "ends_on": "2099-10-11"}
    assert rule_of(await clerk.post(f"/outlets/{outlet}/turns", turn)) == (409, "tanpa-anggota")
    members = await fair.members(2)
    for member in members:
        assert (await clerk.post(f"/outlets/{outlet}/members", member.form())).status_code == 200
    assert rule_of(await clerk.post(f"/outlets/{outlet}/turns", {**turn, "ends_on": "2099-10-01"})) == (
        422,
        "tanggal-giliran",
    )
    assert (await clerk.post(f"/outlets/{outlet}/turns", turn)).status_code == 200
    body = {"business_id": str(members[0].business_id)}
    assert (await clerk.post(f"/outlets/{outlet}/turns/1/handovers", body)).status_code == 200
    shown = (await clerk.get(f"/outlets/{outlet}")).json()
    assert shown["turns"][0]["business_ids"] == [str(members[1].business_id)]
    assert (await clerk.post(f"/outlets/{outlet}/departures", body)).status_code == 200
    assert [item["id"] for item in (await clerk.get("/outlets")).json()["items"]] == [outlet]


async def test_lists_come_in_pages(fair: Fair, clerk: Caller) -> None:
    made = [await clerk.new("/exhibitions", exhibition_form(title=f"Bazar {n}")) for n in range(3)]
    first = (await clerk.get("/exhibitions?limit=2")).json()
    rest = (await clerk.get(f"/exhibitions?limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made
    assert rest["next"] is None
    for member in await fair.members(3):
        await clerk.new(f"/exhibitions/{made[0]}/applications", member.form())
    path = f"/exhibitions/{made[0]}/applications?limit=2"
    head = (await clerk.get(path)).json()
    tail = (await clerk.get(f"{path}&after={head['next']}")).json()
    assert len({item["id"] for item in head["items"] + tail["items"]}) == 3


async def test_an_office_exhibition_waits_for_its_deadline_and_its_wave(fair: Fair, clerk: Caller) -> None:
    form = exhibition_form(held_by="dinas", partner=None, closes_on="2099-06-01", waves=[FUTURE], criteria=[RARE])
    exhibition = await clerk.new("/exhibitions", form)
    await clerk.new(f"/exhibitions/{exhibition}/booths", {"capacity": 1})
    application = await clerk.new(f"/exhibitions/{exhibition}/applications", (await fair.member()).form())
    early = await clerk.post(f"/exhibitions/{exhibition}/curation", None, 2)
    assert rule_of(early) == (409, "pendaftaran-masih-buka")
    there = {"presences": [{"application_id": application, "present": True}]}
    assert rule_of(await clerk.post(f"/exhibitions/{exhibition}/attendance", there)) == (409, "bukan-peserta")
    refused = await clerk.post(f"/applications/{application}/rejection", {"cause": "tidak_memenuhi_syarat"}, 1)
    assert refused.status_code == 200
    assert (await clerk.post(f"/exhibitions/{exhibition}/cancellation", None, 2)).status_code == 200
    gone = await clerk.post(f"/exhibitions/{exhibition}/applications", (await fair.member()).form())
    assert rule_of(gone) == (409, "pameran-dibatalkan")
