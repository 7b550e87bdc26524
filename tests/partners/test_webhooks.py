"""Webhooks by HTTP: who keeps them, secrets that are shown once, versions, limits, the same request twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from shared.auth import Role
from tests.desk import CLIENTS, crowded, rule_of, until_answered
from tests.partners.bureau import Bureau
from tests.partners.receiving import WAYS, register

URL = "https://instansi.example/webhook"


def test_only_what_makes_a_secret_declares_one(bureau: Bureau) -> None:
    document = bureau.app.openapi()
    telling = {
        (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if any("SecretOut" in str(answer.get("content", "")) for answer in operation["responses"].values())
    }
    assert telling == {("post", "/webhooks"), ("post", "/webhooks/{webhook_id}/secrets")}


async def test_a_secret_is_shown_once_and_stands_nowhere_in_the_clear(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    agency = bureau.agency()
    first, second = [await agency.post("/webhooks", {"url": URL}, key="k1") for _ in range(2)]
    secret = first.json()["secret"]
    assert secret.startswith("whsec_")
    assert first.headers["Cache-Control"] == "no-store"
    assert (second.status_code, second.json().get("secret"), second.json()["id"]) == (201, None, first.json()["id"])
    shown = await agency.get(f"/webhooks/{first.json()['id']}")
    listed = await agency.get("/webhooks")
    assert secret not in shown.text + listed.text
    tables = await bureau.pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        " AND has_table_privilege(oid, 'SELECT')"
    )
    for table in tables:
        rows = await bureau.pool.fetch(f"SELECT t::text AS told FROM {table['relname']} t")
        assert not any(secret.removeprefix("whsec_") in row["told"] for row in rows), table["relname"]
    bodies = await bureau.pool.fetch("SELECT encode(body, 'escape') AS told FROM idempotency_key")
    assert not any(secret.removeprefix("whsec_").rstrip("=") in row["told"] for row in bodies)


async def test_an_agency_sees_how_far_it_is_where_it_is_granted_something_and_the_operator_everywhere(
    bureau: Bureau,
) -> None:
    await bureau.agree(**WAYS)
    endpoint = await register(bureau, URL)
    assert {item["stream"] for item in (await endpoint.shown())["streams"]} == {"business", "enrolment"}
    seen = (await bureau.operator().get(f"/webhooks/{endpoint.id}")).json()["streams"]
    assert {"business", "enrolment", "owner"} < {item["stream"] for item in seen}


async def test_an_endpoint_needs_an_agreement_that_names_the_way(bureau: Bureau) -> None:
    body = {"url": URL}
    assert rule_of(await bureau.agency().post("/webhooks", body)) == (403, "tanpa-perjanjian")
    assert rule_of(await bureau.agency(None).post("/webhooks", body)) == (403, "tanpa-perjanjian")
    await bureau.agree()
    assert rule_of(await bureau.agency().post("/webhooks", body)) == (403, "cara-tidak-diperjanjikan")


async def test_a_bad_address_is_refused_with_the_reason(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    answer = await bureau.agency().post("/webhooks", {"url": "https://a:b@instansi.example/"})
    assert (rule_of(answer), answer.json()["why"]) == ((422, "alamat-webhook"), "nama_pengguna")
    assert rule_of(await bureau.agency().post("/webhooks", {"url": URL, "asing": 1})) == (422, "isi-tidak-sah")


@pytest.mark.security(line="S2")
@pytest.mark.security(line="S19", item="API1")
async def test_another_agencys_endpoint_is_not_there_and_the_operator_sees_and_pauses_all(bureau: Bureau) -> None:
    for agency in ("satu", "dua"):
        await bureau.agree(agency=agency, **WAYS)
    mine, other = await register(bureau, URL, agency="satu"), await register(bureau, URL, agency="dua")
    foreign = bureau.agency("satu")
    assert rule_of(await foreign.get(f"/webhooks/{other.id}")) == (404, "tidak-ditemukan")
    bodies: dict[str, Any] = {"secrets": {}, "pause": None, "resumption": {}, "tests": None}
    for deed, body in bodies.items():
        answer = await foreign.post(f"/webhooks/{other.id}/{deed}", body, 1)
        assert rule_of(answer) == (404, "tidak-ditemukan")
    assert [item["id"] for item in (await foreign.get("/webhooks")).json()["items"]] == [mine.id]
    assert [item["id"] for item in (await foreign.get("/webhooks?agency=dua")).json()["items"]] == [mine.id]
    seen = (await bureau.operator().get("/webhooks?limit=1")).json()
    rest = (await bureau.operator().get(f"/webhooks?limit=1&after={seen['next']}")).json()
    assert [item["id"] for item in seen["items"] + rest["items"]] == [mine.id, other.id]
    assert (await bureau.operator().post(f"/webhooks/{other.id}/pause", None, 1)).status_code == 200
    assert rule_of(await bureau.operator().post(f"/webhooks/{other.id}/secrets", {}, 2)) == (403, "tidak-berhak")


@pytest.mark.parametrize("role", list(Role))
async def test_only_agencies_and_operators_look_at_endpoints(bureau: Bureau, role: Role) -> None:
    caller = bureau.caller(role, kelurahan="64.71.01.1001", agency="dpmptsp")
    allowed = role in {Role.INSTANSI, Role.OPERATOR}
    assert (await caller.get("/webhooks")).status_code == (200 if allowed else 403)
    made = await caller.post("/webhooks", {"url": URL})
    assert rule_of(made) == (403, "tanpa-perjanjian" if role is Role.INSTANSI else "tidak-berhak")


async def test_states_and_versions(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    endpoint, agency = await register(bureau, URL), bureau.agency()
    path = f"/webhooks/{endpoint.id}"
    assert rule_of(await agency.post(f"{path}/resumption", {}, 1)) == (409, "keadaan-webhook")
    assert rule_of(await agency.post(f"{path}/pause", None, 7)) == (412, "versi-usang")
    assert (await agency.post(f"{path}/pause")).status_code == 428
    assert await endpoint.do("pause") == {"id": endpoint.id, "version": 2}
    assert rule_of(await agency.post(f"{path}/tests", None, 2)) == (409, "keadaan-webhook")
    await endpoint.do("resumption", {})
    assert ((await endpoint.shown())["state"], (await endpoint.shown())["version"]) == ("aktif", 3)


async def test_so_many_secrets_and_no_more_are_valid_at_a_time(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    endpoint = await register(bureau, URL)
    for _ in range(3):
        assert (await endpoint.do("secrets", {"overlap_hours": 1}))["secret"] != endpoint.secret
    version = (await endpoint.shown())["version"]
    answer = await bureau.agency().post(f"/webhooks/{endpoint.id}/secrets", {}, version)
    assert rule_of(answer) == (409, "kunci-terlalu-banyak")


async def test_of_two_hundred_at_once_ten_endpoints_are_made_and_one_secret_is_changed(bureau: Bureau) -> None:
    async with crowded(bureau):
        await bureau.agree(**WAYS)
        agency = bureau.agency()
        made = await asyncio.gather(*(until_answered(agency.post, "/webhooks", {"url": URL}) for _ in range(CLIENTS)))
        assert Counter(answer.status_code for answer in made) == {201: 10, 409: CLIENTS - 10}
        one = next(answer.json()["id"] for answer in made if answer.status_code == 201)
        changed = await asyncio.gather(
            *(until_answered(agency.post, f"/webhooks/{one}/secrets", {}, 1) for _ in range(CLIENTS))
        )
        assert Counter(answer.status_code for answer in changed) == {200: 1, 412: CLIENTS - 1}
        assert await bureau.pool.fetchval("SELECT count(*) FROM webhook_secret WHERE webhook_id = $1::uuid", one) == 2


async def test_an_endpoint_that_is_removed_leaves_room_for_another_and_comes_back_by_nothing(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    made, agency = [await register(bureau, URL) for _ in range(10)], bureau.agency()
    assert rule_of(await agency.post("/webhooks", {"url": URL})) == (409, "webhook-terlalu-banyak")
    path = f"/webhooks/{made[0].id}"
    assert rule_of(await agency.client.delete(path, headers={"If-Match": '"9"'})) == (412, "versi-usang")
    assert (await agency.client.delete(path, headers={"If-Match": '"1"'})).status_code == 200
    bodies: dict[str, Any] = {"secrets": {}, "pause": None, "resumption": {}, "tests": None}
    for deed, body in bodies.items():
        assert rule_of(await agency.post(f"{path}/{deed}", body, 2)) == (409, "keadaan-webhook")
    assert len((await agency.get("/webhooks")).json()["items"]) == 9
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook_secret") == 9
    await register(bureau, URL)
