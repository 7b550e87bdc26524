"""Requests to erase by HTTP: their states, their deadline, who may, carrying out, and what is seen when it is late."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from services.registry.handlers.overdue_erasures import OverdueErasures
from shared.auth import Role
from tests.registry.conftest import MANGGAR, Caller, Registry

REQUESTS = "/erasure-requests"


@pytest.fixture
def operator(registry: Registry) -> Caller:
    """An operator of the platform."""
    return registry.caller(Role.OPERATOR, subject="operator-a")


def ask_body(owner: str, **changes: Any) -> dict[str, Any]:
    """Return the form of an owner who comes to the counter, with some of it changed."""
    return {"owner_id": owner, "asker": "pemilik", "way": "loket", **changes}


async def ask(caller: Caller, owner: str, **changes: Any) -> str:
    """Record a request and return its id."""
    answer = await caller.post(REQUESTS, ask_body(owner, **changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def accepted(caller: Caller, owner: str) -> str:
    """Return a granted request, version 3."""
    one = await ask(caller, owner)
    (await caller.post(f"{REQUESTS}/{one}/identity", {"identity": "ktp"}, 1)).raise_for_status()
    (await caller.post(f"{REQUESTS}/{one}/acceptance", None, 2)).raise_for_status()
    return one


async def test_a_request_goes_its_way_and_the_owner_is_erased(
    registry: Registry, clerk: Caller, operator: Caller, owner: str, business: str
) -> None:
    one = await accepted(clerk, owner)
    foreseen = (await operator.get(f"/owners/{owner}/erasure")).json()
    assert (foreseen["businesses_forgotten"], foreseen["request"]["id"]) == (1, one)
    done = await operator.post(f"{REQUESTS}/{one}/execution", None, 3, key="sekali-saja-hapus")
    again = await operator.post(f"{REQUESTS}/{one}/execution", None, 3, key="sekali-saja-hapus")
    assert (done.status_code, done.json()) == (200, {"id": one, "version": 4}) == (again.status_code, again.json())
    shown = (await clerk.get(f"{REQUESTS}/{one}")).json()
    assert (shown["state"], shown["recorded_by"], shown["ended_by"]) == ("selesai", "petugas-a", "operator-a")
    assert (await clerk.get(f"/owners/{owner}")).json()["erased"] is True
    assert await registry.facts() == [("owner.registered", 1), ("business.registered", 1), ("owner.erased", 2)]
    # Carried out once, so told once: of whom stands in the request alone.
    deeds = await registry.pool.fetch("SELECT actor, way, deed, object, details FROM trail")
    assert [tuple(deed)[:4] for deed in deeds] == [("operator-a", "api", "erase", f"erasure-request/{one}")]
    text = str(await registry.pool.fetch("SELECT * FROM erasure_request")) + str(deeds)
    assert "Siti" not in text
    assert "6471014107909901" not in text
    assert owner not in str(deeds)


async def test_an_erasure_on_the_offices_own_duty_is_told_and_one_that_is_refused_is_not(
    registry: Registry, clerk: Caller, operator: Caller, owner: str
) -> None:
    one = await ask(clerk, owner)
    refused = await clerk.post(f"/owners/{owner}/erasure", None, 1)
    assert (refused.status_code, await registry.pool.fetchval("SELECT count(*) FROM trail")) == (409, 0)
    (await clerk.post(f"{REQUESTS}/{one}/cancellation", None, 1)).raise_for_status()
    (await clerk.post(f"/owners/{owner}/erasure", None, 1)).raise_for_status()
    deeds = await registry.pool.fetch("SELECT actor, deed, object, reason FROM trail")
    assert [tuple(deed) for deed in deeds] == [("petugas-a", "erase", f"owner/{owner}", "the office's own duty")]


async def test_the_deadline_is_three_times_24_hours_from_when_it_reached_the_office(clerk: Caller, owner: str) -> None:
    one = await ask(clerk, owner, way="surat", asked_at="2026-01-31T16:30:00Z")
    shown = (await clerk.get(f"{REQUESTS}/{one}")).json()
    assert (shown["asked_at"], shown["due_at"]) == ("2026-02-01T00:30:00+08:00", "2026-02-04T00:30:00+08:00")
    assert (shown["due"], shown["overdue"]) == ("4 Februari 2026 pukul 00.30 WITA", True)


async def test_what_is_overdue_is_noted_once_and_shown_until_it_ends(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    other = (await clerk.post("/owners", {"name": "Budi", "kelurahan": MANGGAR})).json()["id"]
    late = await ask(clerk, owner, asked_at=(datetime.now(UTC) - timedelta(hours=73)).isoformat())
    await ask(clerk, other, asked_at=(datetime.now(UTC) - timedelta(hours=71)).isoformat())
    with capture_logs() as lines:
        looks = [OverdueErasures(registry.pool, 1.0) for _ in range(4)]
        assert sum(await asyncio.gather(*(look.tick() for look in looks))) == 1
    assert [(line["event"], line["request_id"]) for line in lines] == [("erasure_overdue", late)]
    found = (await clerk.get(f"{REQUESTS}?overdue=true")).json()["items"]
    assert [item["id"] for item in found] == [late]
    assert (await clerk.post(f"{REQUESTS}/{late}/refusal", {"reason": "identitas_tidak_terbukti"}, 1)).is_success
    assert (await clerk.get(f"{REQUESTS}?overdue=true")).json()["items"] == []


async def test_a_refusal_names_its_legal_reason_and_room_is_left_for_another_request(clerk: Caller, owner: str) -> None:
    one = await ask(clerk, owner)
    (await clerk.post(f"{REQUESTS}/{one}/identity", {"identity": "ktp"}, 1)).raise_for_status()
    assert (await clerk.post(f"{REQUESTS}/{one}/refusal", {"reason": "tidak mau"}, 2)).status_code == 422
    (await clerk.post(f"{REQUESTS}/{one}/refusal", {"reason": "proses_hukum"}, 2)).raise_for_status()
    shown = (await clerk.get(f"{REQUESTS}/{one}")).json()
    assert "pasal 15" in shown["legal_reason"]
    late = await clerk.post(f"{REQUESTS}/{one}/execution", None, 3)
    assert (late.status_code, late.json()["current"]) == (409, "ditolak")
    assert await ask(clerk, owner) != one


@pytest.mark.parametrize(
    ("path", "body", "status", "slug"),
    [
        ("execution", None, 409, "status-permintaan-tidak-sesuai"),
        ("acceptance", None, 409, "status-permintaan-tidak-sesuai"),
        ("identity", {"identity": "surat_keterangan_waris"}, 422, "bukti-tidak-sesuai"),
        ("refusal", {"reason": "proses_hukum"}, 409, "alasan-tidak-sesuai"),
    ],
)
async def test_no_step_is_skipped(
    registry: Registry, clerk: Caller, owner: str, path: str, body: Any, status: int, slug: str
) -> None:
    one = await ask(clerk, owner)
    answer = await clerk.post(f"{REQUESTS}/{one}/{path}", body, 1)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2].rpartition(":")[2]) == (status, slug)
    assert (await clerk.get(f"{REQUESTS}/{one}")).json()["version"] == 1
    assert (await clerk.post(f"{REQUESTS}/{one}/cancellation", None, 7)).status_code == 412


async def test_an_owner_has_one_open_request_whoever_asks_at_once(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    answers = await asyncio.gather(*(clerk.post(REQUESTS, ask_body(owner)) for _ in range(200)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 199
    (one,) = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert {answer.json()["open_request"] for answer in answers if answer.status_code == 409} == {one}
    direct = await clerk.post(f"/owners/{owner}/erasure", None, 1)
    assert (direct.status_code, direct.json()["open_request"]) == (409, one)
    assert await registry.facts() == [("owner.registered", 1)]


async def test_a_request_is_carried_out_once_whoever_does_it_at_once(
    registry: Registry, clerk: Caller, owner: str, business: str
) -> None:
    one = await accepted(clerk, owner)
    answers = await asyncio.gather(*(clerk.post(f"{REQUESTS}/{one}/execution", None, 3) for _ in range(200)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 199
    assert [fact for fact in await registry.facts() if fact[0] == "owner.erased"] == [("owner.erased", 2)]


async def test_nobody_asks_for_an_erased_or_unknown_owner(clerk: Caller, owner: str) -> None:
    assert (await clerk.post(REQUESTS, ask_body(str(uuid4())))).status_code == 404
    ahead = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    assert (await clerk.post(REQUESTS, ask_body(owner, asked_at=ahead))).status_code == 422
    assert (await clerk.post(REQUESTS, ask_body(owner, asked_at="2026-01-31T16:30:00"))).status_code == 422
    for edge in ("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"):  # without a year in UTC
        assert (await clerk.post(REQUESTS, ask_body(owner, asked_at=edge))).status_code == 422
    assert (await clerk.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    assert (await clerk.post(REQUESTS, ask_body(owner))).status_code == 410


async def test_pages_of_requests_follow_each_other(clerk: Caller) -> None:
    owners = [(await clerk.post("/owners", {"name": f"Budi {n}", "kelurahan": MANGGAR})).json()["id"] for n in range(3)]
    asked = [await ask(clerk, owner) for owner in owners]
    first = (await clerk.get(f"{REQUESTS}?limit=2")).json()
    second = (await clerk.get(f"{REQUESTS}?limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + second["items"]] == asked
    assert second["next"] is None
    assert UUID(first["next"]) == UUID(asked[1])


@pytest.mark.parametrize("role", [Role.PETUGAS_KELURAHAN, Role.KURATOR, Role.PENDAMPING, Role.LAYANAN])
async def test_only_the_office_and_the_operator_see_requests(registry: Registry, owner: str, role: Role) -> None:
    caller = registry.caller(role, kelurahan=MANGGAR)
    assert (await caller.get(REQUESTS)).status_code == 403
    assert (await caller.get(f"/owners/{owner}/erasure")).status_code == 403
    assert (await caller.post(REQUESTS, ask_body(owner))).status_code == 403


async def test_a_restricted_owner_agrees_to_nothing_until_it_is_lifted(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    agreed = {"notifications": True, "data_sharing": True}
    consent = {"consents": agreed, "language": "id", "channel": "email"}
    path = f"/owners/{owner}"
    (await clerk.put(f"{path}/consent", consent, 1)).raise_for_status()
    assert (await clerk.put(f"{path}/restriction", {"restricted": True}, 2)).json()["version"] == 3
    assert (await clerk.put(f"{path}/restriction", {"restricted": True}, 3)).json()["version"] == 3
    shown = (await clerk.get(path)).json()
    assert (shown["restricted"], shown["consents"]) == (True, agreed)
    (await clerk.put(f"{path}/consent", {**consent, "language": "en"}, 3)).raise_for_status()
    (await clerk.put(f"{path}/restriction", {"restricted": False}, 4)).raise_for_status()
    rows = await registry.pool.fetch("SELECT data FROM outbox WHERE type LIKE '%consent_changed%' ORDER BY id")
    told = [json.loads(row["data"]) for row in rows]
    nothing = {"notifications": False, "data_sharing": False}
    assert [(fact["consents"], fact["restricted"]) for fact in told] == [
        (agreed, False),
        (nothing, True),
        (nothing, True),
        (agreed, False),
    ]
