"""Owners by HTTP: one NIK, one owner; contact and consent; erasure that nothing survives; keys for services."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.registry.api.requests import _STATUS
from services.registry.commands import Profile, RegisterBusiness
from services.registry.domain.refusals import RefusalError
from services.registry.handlers.businesses import register_business
from shared.auth import Role, assert_every_route_has_a_rule
from shared.contracts.registry import BusinessPersonal, OwnerPersonal
from shared.database import create_pool
from shared.idempotency import assert_every_post_is_idempotent
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.sealing import open_sealed
from shared.web.deeds import EVERYWHERE
from tests.kernel.locks import until_waiting
from tests.registry.conftest import MANGGAR, Caller, Registry

NIB = "1234567890123"


def test_every_refusal_has_a_status() -> None:
    assert set(_STATUS) == {*RefusalError.__subclasses__(), *EVERYWHERE}


async def test_every_route_has_a_rule_and_every_post_is_idempotent(registry: Registry) -> None:
    assert_every_route_has_a_rule(registry.app)
    assert_every_post_is_idempotent(registry.app, except_paths=frozenset({"/keys/resolve"}))


async def test_one_nik_registered_by_many_at_once_is_one_owner(registry: Registry, clerk: Caller) -> None:
    body = {"name": "Budi", "nik": "6471010506859902", "kelurahan": MANGGAR}
    answers = await asyncio.gather(*(clerk.post("/owners", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert "6471010506859902" not in "".join(answer.text for answer in answers)
    assert await registry.facts() == [("owner.registered", 1)]


async def test_a_phone_is_stored_in_one_form_and_a_bad_one_is_named(clerk: Caller, owner: str) -> None:
    assert (await clerk.get(f"/owners/{owner}")).json()["phones"] == ["+6281200000001"]
    answer = await clerk.put(f"/owners/{owner}/contact", {"name": "Siti", "phones": ["12345678"]}, 1)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "phones.0")


async def test_contact_and_consent_change_by_version(registry: Registry, clerk: Caller, owner: str) -> None:
    contact = {"name": "Siti Aminah", "phones": ["081200000001"], "email": "siti@contoh.example"}
    assert (await clerk.put(f"/owners/{owner}/contact", contact, 1)).json()["version"] == 2
    assert (await clerk.put(f"/owners/{owner}/contact", contact, 2)).json()["version"] == 2
    assert (await clerk.put(f"/owners/{owner}/contact", contact, 1)).status_code == 412
    consent = {"consents": {"notifications": True}, "language": "en", "channel": "email"}
    assert (await clerk.put(f"/owners/{owner}/consent", consent, 2)).json()["version"] == 3
    names = [name for name, _ in await registry.facts()]
    assert names == ["owner.registered", "owner.contact_changed", "owner.consent_changed"]


async def _key(registry: Registry, owner: str) -> dict[str, str]:
    service = registry.caller(Role.LAYANAN, subject="notifications")
    body = {"purpose": "notifikasi", "owner_ids": [owner, str(uuid4())]}
    answer = (await service.post("/keys/resolve", body)).raise_for_status().json()["keys"]
    assert max(item["status"] for item in answer.values()) == "unknown"
    found: dict[str, str] = answer[owner]
    return found


@pytest.mark.security(line="S13")
async def test_a_service_opens_facts_with_the_key_and_the_asking_is_noted(
    registry: Registry, owner: str, business: str
) -> None:
    key = b64decode((await _key(registry, owner))["key"])
    rows = await registry.pool.fetch("SELECT data FROM outbox ORDER BY id")
    first, second = (json.loads(row["data"])["personal"] for row in rows)
    assert open_sealed(key, first, OwnerPersonal).name == "Siti Aminah"
    assert open_sealed(key, second, BusinessPersonal).name == "Warung Siti"
    noted = await registry.pool.fetchrow("SELECT actor, purpose, answered, unknown FROM key_access")
    assert tuple(noted) == ("notifications", "notifikasi", 1, 1)


async def test_only_services_get_keys(registry: Registry, clerk: Caller, owner: str) -> None:
    assert (await clerk.post("/keys/resolve", {"purpose": "ingin tahu", "owner_ids": [owner]})).status_code == 403
    assert (await clerk.get(f"/keys/{owner}?purpose=ingin")).status_code == 403


@pytest.mark.security(line="S12")
async def test_erasure_leaves_nothing_readable_and_says_erased(
    registry: Registry, clerk: Caller, owner: str, business: str
) -> None:
    await registry.pool.execute("UPDATE owner SET import_key = $1", uuid4())
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    assert await registry.pool.fetchval("SELECT import_key FROM owner") is None
    assert (await _key(registry, owner)) == {"status": "erased"}
    service = registry.caller(Role.LAYANAN, subject="notifications")
    assert (await service.get(f"/keys/{owner}?purpose=notifikasi")).status_code == 410
    for table in ("owner", "business", "outbox", "owner_key", "idempotency_key"):
        text = "".join(str(tuple(row)) for row in await registry.pool.fetch(f"SELECT * FROM {table}"))
        assert not any(word in text for word in ("Siti", "6471014107909901", "81200000001")), table
    assert (await clerk.put(f"/owners/{owner}/contact", {"name": "Siti"}, 2)).status_code == 410
    assert ("owner.erased", 2) in await registry.facts()


async def test_a_business_with_another_owner_goes_on_under_that_owners_key(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    second = (await clerk.post("/owners", {"name": "Budi", "nik": "6471010506859902"})).json()["id"]
    body = {"owner_ids": [owner, second], "name": "Toko Berdua", "kelurahan": MANGGAR, "nib": NIB}
    business = (await clerk.post("/businesses", body)).json()["id"]
    path = f"/businesses/{business}"
    (await clerk.post(f"{path}/deactivation", {"reason": "Siti Aminah pindah"}, 1)).raise_for_status()
    would_go = (await clerk.get(f"/owners/{owner}/erasure")).json()
    assert (would_go["businesses_passed_on"], would_go["nibs"]) == (1, 1)
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    shown = (await clerk.get(path)).json()
    assert (shown["owner_ids"], shown["name"], shown["version"]) == ([second], "Toko Berdua", 3)
    assert (shown["nib"], shown["status_reason"]) == (None, None)
    key = b64decode((await _key(registry, second))["key"])
    data = json.loads(await registry.pool.fetchval("SELECT data FROM outbox WHERE type LIKE '%business.changed%'"))
    assert data["changed"] == ["owner_ids", "nib"]
    told = open_sealed(key, data["personal"], BusinessPersonal)
    assert (told.name, told.nib) == ("Toko Berdua", None)


async def test_the_business_of_an_erased_owner_can_still_be_put_to_rest_and_closed(
    registry: Registry, clerk: Caller, owner: str, business: str
) -> None:
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    path = f"/businesses/{business}"
    assert (await clerk.post(f"{path}/deactivation", {"reason": "Siti pindah"}, 1)).status_code == 200
    closed = {"reason": "Siti tutup", "closed_on": "2026-05-31"}
    assert (await clerk.post(f"{path}/closure", closed, 2)).status_code == 200
    shown = (await clerk.get(path)).json()
    assert (shown["status"], shown["status_reason"], shown["version"]) == ("tutup", None, 3)
    assert [fact for fact in await registry.facts() if fact[0].startswith("business.")][-1] == ("business.closed", 3)
    body = {"owner_ids": [owner], "name": "Warung Siti", "kelurahan": MANGGAR}
    assert (await clerk.post("/businesses", body)).status_code == 410


async def test_a_business_registered_while_its_owner_is_erased_keeps_no_name(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    ring = registry.app.state.ring
    profile = Profile((UUID(owner),), "Warung Siti", None, None, MANGGAR, "kuliner", None, None, None, None)
    command = RegisterBusiness(new_id(), profile, None, None)
    cause = Cause("uji", None, "petugas-a", "command", None, datetime.now(UTC))
    async with registry.pool.acquire() as connection, connection.transaction():
        await register_business(connection, ring, command, cause, None)
        erasing = asyncio.create_task(clerk.post(f"/owners/{owner}/erasure", None, 1))
        await until_waiting(registry.pool)
    assert (await erasing).status_code == 200
    assert await registry.pool.fetchval("SELECT name FROM business WHERE id = $1", command.business_id) is None


@pytest.mark.parametrize("day", ["2999-01-01", "1822-01-01", "31-12-1990"])
async def test_a_day_of_birth_ahead_or_long_ago_is_refused(registry: Registry, clerk: Caller, day: str) -> None:
    answer = await clerk.post("/owners", {"name": "Budi", "birth_date": day, "kelurahan": MANGGAR})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "birth_date")
    assert await registry.facts() == []


async def test_without_its_database_the_api_says_come_again(registry: Registry, clerk: Caller) -> None:
    async with await create_pool("postgresql://registry:x@127.0.0.1:1/registry", min_size=0) as away:
        registry.app.state.pool = away
        for answer in (await clerk.get("/owners"), await clerk.post("/owners", {"name": "Budi"})):
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
