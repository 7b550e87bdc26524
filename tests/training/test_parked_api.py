"""Operators' routes over what is parked: who may, nothing personal, each deed once with 200 side by side, the trail of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.training.consumers import NAME, READ, TYPES, copy_on_registry_facts
from shared.auth import Role
from shared.consumer import Definition, redrive_requested
from shared.consumer.records import read_item
from shared.trail import verify
from tests.desk import CLIENTS, Caller, crowded, rule_of
from tests.notifications.records import Record
from tests.training.office import Office

DEFINITION = Definition(NAME, TYPES, copy_on_registry_facts, READ)
WHY = {"reason": "data sudah diperbaiki"}


async def parked(office: Office, count: int) -> list[int]:
    """Let so many businesses be told of in a way that cannot be read, each with a name where a place belongs; return the ids."""
    broken = []
    for number in range(count):
        record = Record.of(office.business(office.story.owner().fact.aggregate_id), number)
        content = orjson.loads(record.value or b"") | dict.fromkeys(("kelurahan", "sector", "status"), "Siti Aminah")
        broken.append(read_item(replace(record, value=orjson.dumps(content))))
    await office.deliver(DEFINITION, broken)
    return [row[0] for row in await office.pool.fetch("SELECT id FROM parked_event ORDER BY id")]


async def at_once(caller: Caller, paths: list[str]) -> Counter[tuple[str, int, str]]:
    """Give all orders side by side, each under a key of its own; return what was done and what came of it."""

    async def one(path: str) -> tuple[str, int, str]:
        answer = await caller.post(path, WHY)
        name = path.rpartition("/")[2]
        return (name, 200, "") if answer.status_code == 200 else (name, *rule_of(answer))

    return Counter(await asyncio.gather(*map(one, paths)))


async def test_operators_alone_see_what_is_parked_and_nothing_personal_of_it(office: Office) -> None:
    [first, second] = await parked(office, 2)
    operator, officer = office.caller(Role.OPERATOR), office.caller(Role.PETUGAS_DINAS)
    page = (await operator.get("/parked?limit=1")).json()
    assert (page["next"], [row["id"] for row in page["items"]]) == (first, [first])
    assert [row["id"] for row in (await operator.get(f"/parked?after={first}")).json()["items"]] == [second]
    answer = await operator.get(f"/parked/{first}")
    assert "Siti" not in answer.text
    assert "nk1." not in answer.text
    told: dict[str, Any] = answer.json()
    assert (told["kind"], told["reason"], told["sequence"]) == ("poison", page["items"][0]["reason"], 1)
    assert told["content"]["fields"]["personal"] == "[pribadi]"
    assert told["content"]["fields"]["kelurahan"] == "[tidak sesuai kontrak]"
    assert told["content"]["fields"]["business_id"] == told["aggregate_id"]
    assert rule_of(await operator.get(f"/parked/{second + 1}")) == (404, "tidak-ditemukan")
    for path in ("/parked", f"/parked/{first}", "/trail"):
        assert (await officer.get(path)).status_code == 403
    for path in ("/parked/redrive", f"/parked/{first}/redrive", f"/parked/{first}/discard"):
        assert (await officer.post(path, WHY)).status_code == 403
        assert (await operator.client.post(path, json=WHY)).status_code == 400
        assert rule_of(await operator.post(path, {"reason": " - "})) == (422, "isi-tidak-sah")
        assert rule_of(await operator.post(path, {"reason": "NIK 6471014107909901"})) == (
            422,
            "alasan-memuat-data-pribadi",
        )
    assert (await operator.get("/trail")).json()["items"] == []


async def test_two_hundred_who_order_the_same_have_one_effect_and_each_a_clear_answer(office: Office) -> None:
    [first, second, third] = await parked(office, 3)
    operator = office.caller(Role.OPERATOR, subject="operator-a")
    async with crowded(office):
        assert (await operator.post(f"/parked/{first}/discard", WHY)).status_code == 200
        redrives = await at_once(operator, [f"/parked/{second}/redrive"] * CLIENTS)
        assert redrives == {
            ("redrive", 200, ""): 1,
            ("redrive", 409, "putar-ulang-sudah-diminta"): CLIENTS - 1,
        }
        # Whoever comes first: what is discarded is never redriven after it.
        both = await at_once(operator, [f"/parked/{third}/{name}" for name in ("discard", "redrive") * (CLIENTS // 2)])
        assert both["discard", 200, ""] == 1
        assert set(both) <= {
            ("discard", 200, ""),
            ("discard", 409, "sudah-dibuang"),
            ("redrive", 200, ""),
            ("redrive", 409, "putar-ulang-sudah-diminta"),
            ("redrive", 409, "sudah-dibuang"),
        }
        answer = await operator.post(f"/parked/{first}/redrive", WHY)
        assert rule_of(answer) == (409, "sudah-dibuang")
        assert "sudah dibuang oleh operator-a" in answer.json()["detail"]
        assert await redrive_requested(office.pool, DEFINITION) == 0
        assert rule_of(await operator.post(f"/parked/{second}/redrive", WHY)) == (409, "sudah-diputar-ulang")
        [left] = [row[0] for row in await office.pool.fetch("SELECT id FROM parked_event")]
        assert left > third
        trail = (await operator.get("/trail")).json()["items"]
        done = Counter((row["deed"], row["object"]) for row in trail)
        assert done["discard", f"parked/{first}"] == done["redrive", f"parked/{second}"] == 1
        assert done["discard", f"parked/{third}"] == 1
        assert done["redrive", f"parked/{third}"] == both["redrive", 200, ""] <= 1
        assert sum(done.values()) == len(trail) == 3 + both["redrive", 200, ""]
        assert {(row["actor"], row["way"], row["reason"]) for row in trail} == {("operator-a", "api", WHY["reason"])}
        auditor = await asyncpg.connect(office.database.audit_dsn)
        checked, end = await verify(auditor)
        await auditor.close()
        assert (checked.faults, end.number) == ([], len(trail))


async def test_the_same_request_sent_again_is_answered_as_before_and_all_may_be_redriven_at_once(
    office: Office,
) -> None:
    [first, *_] = await parked(office, 3)
    operator = office.caller(Role.OPERATOR)
    answers = [await operator.post(f"/parked/{first}/discard", WHY, key="sama") for _ in range(2)]
    assert [(a.status_code, a.json()) for a in answers] == [(200, {"count": 1})] * 2
    assert answers[1].headers["idempotency-replayed"] == "true"
    nobody = {**WHY, "aggregate_id": str(UUID(int=7))}
    assert rule_of(await operator.post("/parked/redrive", nobody)) == (409, "tidak-ada-yang-diputar-ulang")
    assert (await operator.post("/parked/redrive", WHY)).json() == {"count": 2}
    assert rule_of(await operator.post("/parked/redrive", WHY)) == (409, "tidak-ada-yang-diputar-ulang")
