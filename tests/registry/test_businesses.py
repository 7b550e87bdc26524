"""Businesses by HTTP: states, refusals that say what is allowed, versions, places, the facts that come of it."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from shared.auth import Role
from tests.registry.conftest import MANGGAR, PRAPATAN, Caller, Registry

REASON = {"reason": "Foto produk belum jelas"}


async def test_from_draft_to_a_higher_class_with_one_fact_each(
    registry: Registry, clerk: Caller, checker: Caller, business: str
) -> None:
    path = f"/businesses/{business}"
    assert (await clerk.post(f"{path}/submission", None, 1)).json()["version"] == 2
    assert (await checker.post(f"{path}/return", REASON, 2)).status_code == 200
    assert (await clerk.post(f"{path}/submission", None, 3)).status_code == 200
    assert (await checker.post(f"{path}/verification", None, 4)).status_code == 200
    reported = {"kelas": "kecil", "basis": "penjualan", "year": 2026, "source": "laporan", "evidence": ["neraca"]}
    assert (await checker.put(f"{path}/class", reported, 5)).json()["version"] == 6
    shown = (await clerk.get(path)).json()
    assert (shown["status"], shown["kelas"]["kelas"], shown["flags"]) == (
        "terverifikasi",
        "kecil",
        ["kelas_bertentangan"],
    )
    names = [name for name, _ in await registry.facts() if name.startswith("business.")]
    assert names == [
        "business.registered",
        "business.submitted",
        "business.returned",
        "business.submitted",
        "business.verified",
        "business.class_changed",
    ]


async def test_who_registered_or_handed_in_does_not_verify(clerk: Caller, checker: Caller, business: str) -> None:
    path = f"/businesses/{business}"
    await checker.post(f"{path}/submission", None, 1)
    for caller in (clerk, checker):
        answer = await caller.post(f"{path}/verification", None, 2)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "pemeriksa-pengaju")


@pytest.mark.parametrize(
    ("deed", "body"),
    [("verification", None), ("return", REASON), ("rejection", REASON), ("reactivation", None), ("merge-undo", None)],
)
async def test_a_deed_that_the_status_forbids_says_what_is_allowed(
    checker: Caller, business: str, deed: str, body: dict[str, str] | None
) -> None:
    answer = await checker.post(f"/businesses/{business}/{deed}", body, 1)
    assert answer.status_code == 409
    assert answer.json()["current"] == "draf"
    assert answer.json()["allowed"]
    assert "draf" not in answer.json()["allowed"]


async def test_rest_and_return_keep_the_status(clerk: Caller, business: str) -> None:
    path = f"/businesses/{business}"
    await clerk.post(f"{path}/submission", None, 1)
    assert (await clerk.post(f"{path}/deactivation", REASON, 2)).status_code == 200
    assert (await clerk.get(path)).json()["status"] == "nonaktif"
    assert (await clerk.post(f"{path}/reactivation", None, 3)).status_code == 200
    assert (await clerk.get(path)).json()["status"] == "diajukan"
    closed = await clerk.post(f"{path}/closure", REASON | {"closed_on": "2026-05-31"}, 4)
    assert closed.status_code == 200
    assert (await clerk.post(f"{path}/deactivation", REASON, 5)).status_code == 409


async def test_a_merge_can_be_undone(clerk: Caller, checker: Caller, owner: str, business: str) -> None:
    body = {"owner_ids": [owner], "name": "Warung Siti 2", "kelurahan": MANGGAR}
    other = (await clerk.post("/businesses", body)).json()["id"]
    assert (await clerk.post(f"/businesses/{other}/duplicates", {"other_id": business}, 1)).status_code == 200
    assert (await clerk.post(f"/businesses/{other}/duplicates", {"other_id": business}, 2)).status_code == 409
    assert (await checker.post(f"/businesses/{other}/merge", {"into_id": business}, 2)).status_code == 200
    merged = (await clerk.get(f"/businesses/{other}")).json()
    assert (merged["status"], merged["merged_into"]) == ("digabung", business)
    listed = (await checker.get("/businesses?status=digabung")).json()["items"]
    assert [(it["id"], it["merged_into"]) for it in listed] == [(other, business)]  # the year's report reads it there
    assert (await clerk.get("/duplicates?state=digabung")).json()["items"][0]["other_id"] == business
    assert (await checker.post(f"/businesses/{other}/merge-undo", None, 3)).status_code == 200
    assert (await clerk.get(f"/businesses/{other}")).json()["status"] == "draf"
    assert (await checker.post(f"/businesses/{other}/merge", {"into_id": other}, 4)).status_code == 422


async def test_a_profile_as_it_was_is_no_change(registry: Registry, clerk: Caller, owner: str, business: str) -> None:
    body = {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR, "sector": "kuliner", "sales": 36_000_000}
    assert (await clerk.put(f"/businesses/{business}", body, 1)).json()["version"] == 1
    assert (await clerk.put(f"/businesses/{business}", body | {"sales": 40_000_000}, 1)).json()["version"] == 2
    assert [fact for fact in await registry.facts() if fact[0] == "business.changed"] == [("business.changed", 2)]


async def test_two_at_once_on_one_version_have_one_effect(registry: Registry, clerk: Caller, business: str) -> None:
    answers = await asyncio.gather(*(clerk.post(f"/businesses/{business}/submission", None, 1) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert [fact for fact in await registry.facts() if fact[0] == "business.submitted"] == [("business.submitted", 2)]


async def test_one_key_sent_by_many_at_once_has_one_effect_and_one_answer(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    body, key = {"owner_ids": [owner], "name": "Kios", "kelurahan": MANGGAR}, uuid4().hex
    answers = await asyncio.gather(*(clerk.post("/businesses", body, key=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await clerk.post("/businesses", body | {"name": "Lain"}, key=key)).status_code == 422
    assert await registry.pool.fetchval("SELECT count(*) FROM business") == 1


async def test_without_a_version_or_a_key_nothing_is_done(registry: Registry, clerk: Caller, business: str) -> None:
    assert (await clerk.post(f"/businesses/{business}/submission", None)).status_code == 428
    assert (
        await clerk.client.post(f"/businesses/{business}/submission", headers={"If-Match": '"1"'})
    ).status_code == 400
    assert len(await registry.facts()) == 2


async def test_an_officer_of_a_kelurahan_sees_and_does_only_what_is_theirs(
    registry: Registry, owner: str, business: str
) -> None:
    own = registry.caller(Role.PETUGAS_KELURAHAN, subject="manggar", kelurahan=MANGGAR)
    other = registry.caller(Role.PETUGAS_KELURAHAN, subject="prapatan", kelurahan=PRAPATAN)
    assert (await own.get(f"/businesses/{business}")).status_code == 200
    assert (await other.get(f"/businesses/{business}")).status_code == 404
    assert (await other.get(f"/owners/{owner}")).status_code == 404
    assert (await other.post(f"/businesses/{business}/submission", None, 1)).status_code == 404
    assert (await other.get("/businesses")).json()["items"] == []
    body = {"owner_ids": [owner], "name": "Kios", "kelurahan": MANGGAR}
    assert (await other.post("/businesses", body)).status_code == 403
    assert (await own.post(f"/businesses/{business}/verification", None, 1)).status_code == 403


@pytest.mark.security(line="S2")
async def test_whom_an_officer_may_not_see_they_make_the_owner_of_nothing(
    registry: Registry, owner: str, business: str
) -> None:
    officer = registry.caller(Role.PETUGAS_KELURAHAN, subject="prapatan", kelurahan=PRAPATAN)
    own = (await officer.post("/owners", {"name": "Budi", "kelurahan": PRAPATAN})).json()["id"]
    body = {"owner_ids": [own], "name": "Kios", "kelurahan": PRAPATAN}
    kiosk = (await officer.post("/businesses", body)).raise_for_status().json()["id"]
    for answer in (
        await officer.post("/businesses", body | {"owner_ids": [owner]}),
        await officer.put(f"/businesses/{kiosk}", body | {"owner_ids": [own, owner]}, 1),
    ):
        assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (404, "pemilik-tidak-ada")
    assert (await officer.get(f"/owners/{owner}")).status_code == 404
    city = registry.caller(Role.PETUGAS_DINAS)
    assert (await city.put(f"/businesses/{kiosk}", body | {"owner_ids": [own, owner]}, 1)).status_code == 200
    assert (await officer.put(f"/businesses/{kiosk}", body | {"owner_ids": [owner, own]}, 2)).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nama": "x"}, "nama"),
        ({"sales": "banyak"}, "sales"),
        ({"sales": -1}, "sales"),
        ({"kelurahan": "64.72.01.1001"}, "kelurahan"),
        ({"kelurahan": "64.71.09.9999"}, None),
        ({"sector": "bebas"}, "sector"),
        ({"name": "  "}, "name"),
        ({"nib": "090/SKU/180/2025"}, "nib"),
        ({"kbli": {"version": "2025", "code": "99999"}}, None),
        ({"owner_ids": []}, "owner_ids"),
    ],
)
async def test_a_bad_field_is_named_and_nothing_is_stored(
    registry: Registry, clerk: Caller, owner: str, change: dict[str, object], field: str | None
) -> None:
    body = {"owner_ids": [owner], "name": "Kios", "kelurahan": MANGGAR} | change
    answer = await clerk.post("/businesses", body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert field in answer.json()["errors"][0]["field"]
    assert await registry.pool.fetchval("SELECT count(*) FROM business") == 0


async def test_search_finds_words_by_their_beginning_page_by_page(clerk: Caller, owner: str) -> None:
    for number in range(5):
        await clerk.post("/businesses", {"owner_ids": [owner], "name": f"Kue Ma'ruf {number}", "kelurahan": MANGGAR})
    first = (await clerk.get("/businesses?q=MARU&limit=3")).json()
    second = (await clerk.get(f"/businesses?q=maruf&limit=3&after={first['next']}")).json()
    names = [item["name"] for item in first["items"] + second["items"]]
    assert names == [f"Kue Ma'ruf {number}" for number in range(5)]
    assert second["next"] is None


async def test_a_search_for_signs_only_finds_nothing(clerk: Caller, owner: str, business: str) -> None:
    assert (await clerk.get("/businesses?q=!!!")).json()["items"] == []
    assert (await clerk.get("/owners?q=...")).json()["items"] == []
