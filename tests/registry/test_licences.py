"""Licences by HTTP: verified by another person, renewed, ended with business and owner; nothing personal in the clear."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.auth import Role
from shared.contracts.licensing import LicencePersonal
from shared.masking import mask_text
from shared.sealing import open_sealed
from tests.desk import until_answered
from tests.registry.conftest import MANGGAR, PRAPATAN, Caller, Registry
from tests.registry.office import FAR, MD, NIB, P_IRT, licence_body, names, submit, told, verify
from tests.stack.servers import Database

CLIENTS = 200


def rule_of(answer: Any) -> tuple[int, str]:
    """Return the status and the name of the rule of a refusal."""
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def show(caller: Caller, licence: str) -> dict[str, Any]:
    """Return a licence as the API shows it."""
    found: dict[str, Any] = (await caller.get(f"/licences/{licence}")).raise_for_status().json()
    return found


async def test_a_licence_is_valid_once_another_person_has_verified_it(
    registry: Registry, clerk: Caller, checker: Caller, business: str
) -> None:
    answer = await clerk.post("/licences", licence_body(business, " 2063471019901 -31", product="Amplang"))
    assert answer.status_code == 201
    licence = answer.json()["id"]
    assert answer.headers["location"] == f"/licences/{licence}"
    path = f"/licences/{licence}"
    assert rule_of(await clerk.post(f"{path}/verification", None, 1)) == (409, "pemeriksa-izin-pengaju")
    assert (await checker.post(f"{path}/verification", None, 7)).status_code == 412
    assert (await checker.post(f"{path}/verification", None, 1)).json() == {"id": licence, "version": 2}
    refused = await checker.post(f"{path}/rejection", {"cause": "lainnya"}, 2)
    assert rule_of(refused) == (409, "status-izin-tidak-sesuai")
    assert (refused.json()["current"], refused.json()["allowed"]) == ("berlaku", ["diajukan"])
    revoked = {"cause": "dicabut_penerbit", "revoked_on": "2026-05-31"}
    assert (await checker.post(f"{path}/revocation", revoked, 2)).json()["version"] == 3
    shown = await show(clerk, licence)
    assert (shown["number"], shown["product"], shown["status"]) == (P_IRT, "Amplang", "dicabut")
    expected = ["licence.submitted", "licence.verified", "licence.revoked"]
    assert await names(registry, "licence.", licence) == expected


async def test_number_and_product_travel_sealed_under_the_principal_owners_key(
    registry: Registry, clerk: Caller, owner: str, business: str
) -> None:
    await submit(clerk, business, product="Amplang")
    service = registry.caller(Role.LAYANAN, subject="notifications")
    asked = await service.post("/keys/resolve", {"purpose": "notifikasi", "owner_ids": [owner]})
    key = b64decode(asked.json()["keys"][owner]["key"])
    fact = (await told(registry, "licence."))[0]
    assert open_sealed(key, fact["personal"], LicencePersonal) == LicencePersonal(number=P_IRT, product="Amplang")
    assert (fact["owner_id"], fact["business_id"], fact["kind"]) == (owner, business, "p_irt")


@pytest.mark.parametrize(
    ("changes", "status", "rule"),
    [
        ({"number": "090/SKU/180/2025"}, 422, "nomor-izin-tidak-sah"),
        ({"kind": "nib", "number": NIB}, 422, "masa-berlaku-tidak-sah"),
        ({"expires_on": None}, 422, "masa-berlaku-tidak-sah"),
        ({"valid_from": "2020-01-01"}, 422, "masa-berlaku-tidak-sah"),
        ({"expires_on": "2021-01-01"}, 409, "izin-kedaluwarsa"),
        ({"renews": "0193e7a0-0000-7000-8000-00000000abcd"}, 422, "perpanjangan-tidak-sesuai"),
        ({"business_id": "0193e7a0-0000-7000-8000-00000000abcd"}, 404, "usaha-tidak-ada"),
        ({"kind": "merek"}, 422, None),
        ({"number": 2063471010001}, 422, None),
        ({"expires_on": "31-12-2027"}, 422, None),
        ({"expires_on": "2999-12-31"}, 422, None),
        ({"nomor": "1"}, 422, None),
    ],
)
async def test_a_bad_licence_is_refused_by_name_and_nothing_is_stored(
    registry: Registry, clerk: Caller, business: str, changes: dict[str, Any], status: int, rule: str | None
) -> None:
    answer = await clerk.post("/licences", licence_body(business) | changes)
    assert answer.headers["content-type"] == "application/problem+json"
    if rule is None:
        assert answer.status_code == status
        assert answer.json()["errors"][0]["field"] in changes
    else:
        assert rule_of(answer) == (status, rule)
    assert P_IRT not in answer.text
    assert NIB not in answer.text
    assert await registry.pool.fetchval("SELECT count(*) FROM licence") == 0


@pytest.mark.parametrize("cause", ["pemilik_dihapus", "usaha_tutup", "bosan"])
async def test_a_cause_that_is_not_the_officers_to_give_is_refused(
    clerk: Caller, checker: Caller, business: str, cause: str
) -> None:
    licence = await submit(clerk, business)
    answer = await checker.post(f"/licences/{licence}/rejection", {"cause": cause}, 1)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cause")
    assert (await checker.post(f"/licences/{licence}/rejection", {"cause": "lainnya"}, 1)).status_code == 200


async def test_a_renewal_takes_the_place_of_the_older_licence(
    registry: Registry, clerk: Caller, checker: Caller, business: str
) -> None:
    older = await submit(clerk, business)
    await verify(checker, older)
    assert rule_of(await clerk.post("/licences", licence_body(business))) == (409, "izin-sudah-tercatat")
    renewal = await submit(clerk, business, P_IRT, renews=older)
    assert (await show(clerk, older))["replaced_by"] is None
    await verify(checker, renewal)
    shown = await show(clerk, older)
    assert (shown["status"], shown["replaced_by"], shown["version"]) == ("berlaku", renewal, 2)
    assert await registry.pool.fetchval("SELECT due_on FROM licence WHERE id = $1", UUID(older)) is None
    verified = [fact for fact in await told(registry, "licence.verified") if fact["licence_id"] == renewal]
    assert verified[0]["renews"] == older
    again = await clerk.post("/licences", licence_body(business, "2063471019901-32", renews=older))
    assert rule_of(again) == (409, "izin-sudah-diganti")
    revoked = {"cause": "lainnya", "revoked_on": "2026-05-31"}
    assert rule_of(await checker.post(f"/licences/{older}/revocation", revoked, 2)) == (409, "izin-sudah-diganti")


@pytest.mark.timeout(300)
async def test_one_number_handed_in_by_two_hundred_at_once_is_one_licence(
    registry: Registry, clerk: Caller, business: str
) -> None:
    answers = await asyncio.gather(
        *(until_answered(clerk.post, "/licences", licence_body(business)) for _ in range(CLIENTS))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: CLIENTS - 1}
    assert [fact["sequence"] for fact in await told(registry, "licence.")] == [1]


@pytest.mark.timeout(300)
async def test_of_two_hundred_renewals_verified_at_once_one_takes_the_place(
    registry: Registry, clerk: Caller, checker: Caller, business: str
) -> None:
    older = await submit(clerk, business)
    await verify(checker, older)
    numbers = [f"20634719{n:05d}-32" for n in range(CLIENTS)]
    renewals = await asyncio.gather(*(submit(clerk, business, number, renews=older) for number in numbers))
    answers = await asyncio.gather(
        *(until_answered(checker.post, f"/licences/{one}/verification", None, 1) for one in renewals)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: CLIENTS - 1}
    winner = next(one for one, answer in zip(renewals, answers, strict=True) if answer.status_code == 200)
    assert (await show(clerk, older))["replaced_by"] == winner
    assert len(await told(registry, "licence.verified")) == 2


async def test_an_officer_of_a_kelurahan_sees_and_hands_in_only_what_is_theirs(
    registry: Registry, clerk: Caller, checker: Caller, business: str
) -> None:
    own = registry.caller(Role.PETUGAS_KELURAHAN, subject="manggar", kelurahan=MANGGAR)
    other = registry.caller(Role.PETUGAS_KELURAHAN, subject="prapatan", kelurahan=PRAPATAN)
    licence = await submit(own, business)
    assert (await show(own, licence))["number"] == P_IRT
    assert rule_of(await other.get(f"/licences/{licence}")) == (404, "izin-tidak-ada")
    assert rule_of(await other.post("/licences", licence_body(business, MD, kind="bpom"))) == (404, "usaha-tidak-ada")
    assert (await other.get(f"/licences?kelurahan={MANGGAR}")).json()["items"] == []
    assert [item["id"] for item in (await own.get("/licences")).json()["items"]] == [licence]
    assert (await own.post(f"/licences/{licence}/verification", None, 1)).status_code == 403
    assert (await registry.caller(Role.KURATOR).get("/licences")).status_code == 403


async def test_licences_are_found_by_business_kind_status_and_last_day_page_by_page(
    clerk: Caller, checker: Caller, business: str
) -> None:
    made = [await submit(clerk, business, f"206347101000{n}-31") for n in range(3)]
    nib = await submit(clerk, business, NIB, kind="nib", expires_on=None)
    await verify(checker, made[1])
    first = (await clerk.get(f"/licences?business_id={business}&kind=p_irt&limit=2")).json()
    second = (await clerk.get(f"/licences?business_id={business}&kind=p_irt&limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + second["items"]] == made
    assert second["next"] is None
    assert [item["id"] for item in (await clerk.get("/licences?status=berlaku")).json()["items"]] == [made[1]]
    assert len((await clerk.get(f"/licences?expires_until={FAR}")).json()["items"]) == 3
    before = (date.fromisoformat(FAR) - timedelta(days=1)).isoformat()
    assert (await clerk.get(f"/licences?expires_until={before}")).json()["items"] == []
    assert (await clerk.get(f"/licences?business_id={uuid4()}")).json()["items"] == []
    assert (await show(clerk, nib))["expires_on"] is None


async def test_with_the_only_owner_erased_licences_end_and_their_numbers_are_nowhere(
    registry: Registry, clerk: Caller, checker: Caller, owner: str, business: str
) -> None:
    valid = await submit(clerk, business, product="Amplang Siti")
    await verify(checker, valid)
    waiting = await submit(clerk, business, NIB, kind="nib", expires_on=None)
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    for licence, status, name in ((valid, "dicabut", "licence.revoked"), (waiting, "ditolak", "licence.rejected")):
        shown = await show(clerk, licence)
        assert (shown["status"], shown["cause"]) == (status, "pemilik_dihapus")
        assert (shown["number"], shown["product"]) == (None, None)
        assert (await names(registry, "licence.", licence))[-1] == name
    for table in ("licence", "business", "outbox", "idempotency_key"):
        text = "".join(str(tuple(row)) for row in await registry.pool.fetch(f"SELECT * FROM {table}"))
        assert not any(word in text for word in (P_IRT, NIB, "Amplang")), table
    assert rule_of(await clerk.post("/licences", licence_body(business))) == (410, "pemilik-dihapus")


async def test_where_another_owner_goes_on_what_is_valid_stays_and_the_number_goes(
    registry: Registry, clerk: Caller, checker: Caller, owner: str
) -> None:
    second = (await clerk.post("/owners", {"name": "Budi", "nik": "6471010506859902"})).json()["id"]
    body = {"owner_ids": [owner, second], "name": "Toko Berdua", "kelurahan": MANGGAR}
    shop = (await clerk.post("/businesses", body)).json()["id"]
    valid, waiting = await submit(clerk, shop), await submit(clerk, shop, MD, kind="bpom")
    await verify(checker, valid)
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    shown = await show(clerk, valid)
    assert (shown["status"], shown["number"], shown["version"]) == ("berlaku", None, 2)
    assert (await show(clerk, waiting))["status"] == "ditolak"
    assert await submit(clerk, shop)
    assert [fact["owner_id"] for fact in await told(registry, "licence.submitted")] == [owner, owner, second]


async def test_a_licence_handed_in_while_its_owner_is_erased_keeps_no_number(
    registry: Registry, clerk: Caller, owner: str, business: str
) -> None:
    answers = await asyncio.gather(
        *(submit(clerk, business, f"20634719{n:05d}-31") for n in range(20)),
        clerk.post(f"/owners/{owner}/erasure", None, 1),
        return_exceptions=True,
    )
    assert answers[-1].status_code == 200  # type: ignore[union-attr]  # the erasure is answered
    rows = await registry.pool.fetch("SELECT number, status FROM licence")
    assert {tuple(row) for row in rows} <= {(None, "ditolak")}


async def test_a_business_that_closes_takes_its_licences_with_it(
    registry: Registry, clerk: Caller, checker: Caller, business: str
) -> None:
    valid, waiting = await submit(clerk, business), await submit(clerk, business, MD, kind="bpom")
    await verify(checker, valid)
    closed = {"reason": "Pindah kota", "closed_on": "2026-05-31"}
    assert (await clerk.post(f"/businesses/{business}/closure", closed, 1)).status_code == 200
    states = {one: (await show(clerk, one))["status"] for one in (valid, waiting)}
    assert states == {valid: "dicabut", waiting: "ditolak"}
    assert {fact["cause"] for fact in await told(registry, "licence.re")} == {"usaha_tutup"}
    assert rule_of(await clerk.post("/licences", licence_body(business))) == (409, "status-tidak-sesuai")


async def test_no_fact_of_licences_shows_a_long_number_a_phone_or_an_address(
    registry: Registry, clerk: Caller, checker: Caller, owner: str, business: str
) -> None:
    await verify(checker, await submit(clerk, business, product="Amplang, WA 081200000001"))
    await submit(clerk, business, NIB, kind="nib", expires_on=None, product="siti@contoh.example")
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    facts = await told(registry, "licence.")
    assert len(facts) == 5
    for fact in facts:
        text = json.dumps({name: value for name, value in fact.items() if name != "personal"})
        for ours in (owner, business, fact["licence_id"]):
            text = text.replace(ours, "")
        assert mask_text(text) == text
        assert not any(word in text for word in ("Amplang", NIB, P_IRT))


async def test_the_audit_sees_each_aggregate_in_the_version_of_its_last_fact(
    registry: Registry, registry_db: Database, clerk: Caller, checker: Caller, business: str
) -> None:
    await verify(checker, await submit(clerk, business))
    organisation = {"title": "IPEMI Balikpapan", "kind": "asosiasi", "roles": ["pelatihan"]}
    partner = (await clerk.post("/organisations", organisation)).json()["id"]
    await clerk.post("/brands", {"mark": "Mantau Kita", "organisation_id": partner, "filed_on": "2026-05-31"})
    audit = await asyncpg.connect(registry_db.audit_dsn)
    try:
        seen = await audit.fetch("SELECT topic, aggregate_id, version FROM audit.source")
    finally:
        await audit.close()
    told_of = await registry.pool.fetch("SELECT topic, partition_key, max(sequence) FROM outbox GROUP BY 1, 2")
    assert {tuple(row) for row in seen} == {tuple(row) for row in told_of}
    assert {row["topic"] for row in seen} == {
        "umkm.owner",
        "umkm.business",
        "umkm.licence",
        "umkm.organisation",
        "umkm.brand",
    }
