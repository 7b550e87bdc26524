"""Organisations and brands by HTTP: registered, changed, ended; filed, registered for ten years, turned down, taken back."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from shared.auth import Role
from tests.desk import until_answered
from tests.registry.conftest import MANGGAR, PRAPATAN, Caller, Registry
from tests.registry.office import names, told
from tests.registry.test_licences import CLIENTS, rule_of

IPEMI = {"title": "IPEMI Balikpapan", "kind": "asosiasi", "roles": ["tempat_jual", "pelatihan", "pelatihan"]}


@pytest.fixture
async def partner(clerk: Caller) -> str:
    """A registered organisation."""
    return str((await clerk.post("/organisations", IPEMI)).raise_for_status().json()["id"])


def brand_body(business: str | None = None, organisation: str | None = None, **changes: Any) -> dict[str, Any]:
    """Return the form of a brand."""
    body = {"mark": "Amplang Beruang", "business_id": business, "organisation_id": organisation}
    return {**body, "filed_on": "2025-11-30", **changes}


async def test_a_partner_is_registered_changed_and_ended(registry: Registry, clerk: Caller, partner: str) -> None:
    path = f"/organisations/{partner}"
    shown = (await clerk.get(path)).json()
    assert (shown["title"], shown["roles"], shown["ended_on"]) == (
        "IPEMI Balikpapan",
        ["pelatihan", "tempat_jual"],
        None,
    )
    assert (await clerk.put(path, IPEMI, 1)).json()["version"] == 1
    assert (await clerk.put(path, IPEMI | {"roles": ["pameran"]}, 1)).json()["version"] == 2
    assert (await clerk.put(path, IPEMI, 1)).status_code == 412
    assert (await clerk.post(f"{path}/end", {"ended_on": "2026-05-31"}, 2)).json()["version"] == 3
    assert rule_of(await clerk.put(path, IPEMI, 3)) == (409, "organisasi-berakhir")
    assert rule_of(await clerk.post(f"{path}/end", {"ended_on": "2026-05-31"}, 3)) == (409, "organisasi-berakhir")
    assert await names(registry, "organisation.", partner) == [
        "organisation.registered",
        "organisation.changed",
        "organisation.ended",
    ]
    assert (await told(registry, "organisation.changed"))[0]["roles"] == ["pameran"]


async def test_one_title_is_one_partner_until_it_ends(clerk: Caller, partner: str) -> None:
    again = IPEMI | {"title": "  ipemi   BALIKPAPAN"}
    assert rule_of(await clerk.post("/organisations", again)) == (409, "organisasi-sudah-tercatat")
    other = (await clerk.post("/organisations", IPEMI | {"title": "Bank Kaltim"})).json()["id"]
    assert rule_of(await clerk.put(f"/organisations/{other}", again, 1)) == (409, "organisasi-sudah-tercatat")
    assert (await clerk.get(f"/organisations/{other}")).json()["version"] == 1
    assert (await clerk.post(f"/organisations/{partner}/end", {"ended_on": "2026-05-31"}, 1)).status_code == 200
    assert (await clerk.post("/organisations", again)).status_code == 201


async def test_partners_are_found_by_kind_role_and_work_page_by_page(clerk: Caller, partner: str) -> None:
    bank = {"title": "Bank Kaltim", "kind": "bank", "roles": ["pameran"]}
    other = (await clerk.post("/organisations", bank)).json()["id"]
    await clerk.post(f"/organisations/{other}/end", {"ended_on": "2026-05-31"}, 1)
    first = (await clerk.get("/organisations?limit=1")).json()
    second = (await clerk.get(f"/organisations?limit=1&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [partner, other]
    for query, expected in (("kind=bank", other), ("role=pelatihan", partner), ("working=true", partner)):
        assert [item["id"] for item in (await clerk.get(f"/organisations?{query}")).json()["items"]] == [expected]


async def test_only_the_city_registers_partners_and_kelurahan_see_them(registry: Registry, partner: str) -> None:
    own = registry.caller(Role.PETUGAS_KELURAHAN, subject="manggar", kelurahan=MANGGAR)
    assert (await own.post("/organisations", IPEMI)).status_code == 403
    assert (await own.post(f"/organisations/{partner}/end", {"ended_on": "2026-05-31"}, 1)).status_code == 403
    assert (await own.get(f"/organisations/{partner}")).status_code == 200
    assert rule_of(await own.get(f"/organisations/{uuid4()}")) == (404, "organisasi-tidak-ada")


@pytest.mark.parametrize("text", ["WA 0812 0000 0001", "siti@contoh.example", "6471014107909901", "@amplang.siti"])
async def test_what_everybody_may_read_takes_no_number_or_address(
    registry: Registry, clerk: Caller, business: str, text: str
) -> None:
    before = await registry.facts()
    for answer in (
        await clerk.post("/organisations", IPEMI | {"title": f"IPEMI {text}"}),
        await clerk.post("/brands", brand_body(business, mark=f"Amplang {text}")),
    ):
        assert rule_of(answer) == (422, "teks-memuat-data-pribadi")
        assert text not in answer.text
    assert await registry.facts() == before


async def test_a_brand_is_filed_registered_for_ten_years_and_revoked(
    registry: Registry, clerk: Caller, business: str
) -> None:
    brand = (await clerk.post("/brands", brand_body(business))).json()["id"]
    path = f"/brands/{brand}"
    early = await clerk.post(f"{path}/registration", {"registered_on": "2025-11-29"}, 1)
    assert rule_of(early) == (422, "tanggal-terbalik")
    assert (await clerk.post(f"{path}/registration", {"registered_on": "2026-05-31"}, 1)).json()["version"] == 2
    shown = (await clerk.get(path)).json()
    assert (shown["status"], shown["expires_on"]) == ("terdaftar", "2035-11-30")
    rejected = await clerk.post(f"{path}/rejection", {"cause": "ditolak_djki"}, 2)
    assert rule_of(rejected) == (409, "status-merek-tidak-sesuai")
    revoked = {"cause": "dibatalkan", "revoked_on": "2026-06-30"}
    assert (await clerk.post(f"{path}/revocation", revoked, 2)).status_code == 200
    assert await names(registry, "brand.", brand) == ["brand.filed", "brand.registered", "brand.revoked"]
    fact = (await told(registry, "brand.registered"))[0]
    assert (fact["mark"], fact["business_id"], fact["organisation_id"]) == ("Amplang Beruang", business, None)
    assert (await clerk.post("/brands", brand_body(business))).status_code == 201


@pytest.mark.timeout(300)
async def test_one_mark_filed_by_two_hundred_at_once_is_one_brand(
    registry: Registry, clerk: Caller, business: str, partner: str
) -> None:
    answers = await asyncio.gather(
        *(until_answered(clerk.post, "/brands", brand_body(business)) for _ in range(CLIENTS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
    assert (await clerk.post("/brands", brand_body(organisation=partner))).status_code == 201
    assert len(await told(registry, "brand.filed")) == 2


async def test_a_brand_has_one_owner_that_is_there(clerk: Caller, business: str, partner: str) -> None:
    for body in (brand_body(), brand_body(business, partner)):
        assert (await clerk.post("/brands", body)).status_code == 422
    assert rule_of(await clerk.post("/brands", brand_body(str(uuid4())))) == (404, "usaha-tidak-ada")
    assert rule_of(await clerk.post("/brands", brand_body(organisation=str(uuid4())))) == (404, "organisasi-tidak-ada")
    await clerk.post(f"/organisations/{partner}/end", {"ended_on": "2026-05-31"}, 1)
    assert rule_of(await clerk.post("/brands", brand_body(organisation=partner))) == (409, "organisasi-berakhir")
    ahead = await clerk.post("/brands", brand_body(business, filed_on="2099-01-01"))
    assert (ahead.status_code, ahead.json()["errors"][0]["field"]) == (422, "filed_on")


async def test_a_kelurahan_sees_brands_of_its_businesses_and_of_organisations(
    registry: Registry, clerk: Caller, business: str, partner: str
) -> None:
    ours = (await clerk.post("/brands", brand_body(business))).json()["id"]
    theirs = (await clerk.post("/brands", brand_body(organisation=partner))).json()["id"]
    own = registry.caller(Role.PETUGAS_KELURAHAN, subject="manggar", kelurahan=MANGGAR)
    other = registry.caller(Role.PETUGAS_KELURAHAN, subject="prapatan", kelurahan=PRAPATAN)
    assert [item["id"] for item in (await own.get("/brands")).json()["items"]] == [ours, theirs]
    assert [item["id"] for item in (await other.get("/brands")).json()["items"]] == [theirs]
    assert rule_of(await other.get(f"/brands/{ours}")) == (404, "merek-tidak-ada")
    assert (await other.get(f"/brands/{theirs}")).status_code == 200
    assert (await other.post("/brands", brand_body(organisation=partner, mark="Lain"))).status_code == 403
    assert rule_of(await other.post("/brands", brand_body(business, mark="Lain"))) == (404, "usaha-tidak-ada")
    for query, expected in ((f"business_id={business}", ours), (f"organisation_id={partner}", theirs)):
        assert [item["id"] for item in (await clerk.get(f"/brands?{query}")).json()["items"]] == [expected]
    assert (await clerk.get("/brands?status=terdaftar")).json()["items"] == []


async def test_the_documentation_shows_an_example_of_every_text_that_is_asked_for(registry: Registry) -> None:
    schemas = registry.app.openapi()["components"]["schemas"]
    for form, field in (("LicenceForm", "number"), ("OrganisationForm", "title"), ("BrandForm", "mark")):
        assert "examples" in json.dumps(schemas[form]["properties"][field]), form
