"""Replays by HTTP: who asks for one, of what, how many at a time, and who sees and cancels it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.partners.domain.cursors import write_cursor
from services.partners.handlers.ticking import Ticker
from shared.auth import Role
from tests.desk import CLIENTS, crowded, rule_of, until_answered
from tests.partners.bureau import AGENCY, CURSOR_KEYS, Bureau
from tests.partners.receiving import WAYS, Endpoint, agree_and_register, register
from tests.partners.replaying import EARLIEST, ask, cancel, replay, shown

URL = "https://instansi.example/webhook"


async def delivered(bureau: Bureau, endpoint: Endpoint) -> None:
    """Note that an endpoint has had everything, as its deliverer does."""
    await bureau.pool.execute(
        "UPDATE webhook_position p SET position = s.last FROM stream s WHERE s.name = p.stream AND p.webhook_id = $1::uuid",
        endpoint.id,
    )


async def test_a_replay_is_shown_with_its_range_and_repeated_by_the_same_key(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    await bureau.businesses(3)
    await delivered(bureau, endpoint)
    path, agency = f"/webhooks/{endpoint.id}/replays", bureau.agency()
    body = EARLIEST | {"streams": ["business"], "rate": 7}
    first, second = [await agency.post(path, body, key="k1") for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.headers["Location"] == f"{path}/{first.json()['id']}"
    answer = await agency.get(first.headers["Location"])
    found = answer.json()
    assert (answer.headers["ETag"], found["state"], found["rate"], found["posted"]) == ('"1"', "berjalan", 7, 0)
    assert (found["done"], found["total"]) == (0, 3)
    assert [(item["stream"], item["after"], item["upto"]) for item in found["streams"]] == [("business", 0, 3)]
    assert (await agency.get(path)).json() == {"items": [found], "next": None}


async def test_without_streams_it_is_all_that_is_granted_up_to_where_the_endpoint_is(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    await bureau.businesses(2)
    await delivered(bureau, endpoint)
    await bureau.businesses(2)
    found = await shown(endpoint, await replay(endpoint))
    assert [(item["stream"], item["upto"]) for item in found["streams"]] == [("business", 2), ("enrolment", 0)]
    assert (found["rate"], found["total"]) == (50, 2)


async def test_a_cursor_begins_it_and_is_answered_as_the_feed_answers_it(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    await bureau.agree(agency="bank", title="Bank Daerah", **WAYS)
    await bureau.businesses(3)
    await delivered(bureau, endpoint)
    _, answer = await bureau.read(limit=1)
    _, foreign = await bureau.read(limit=1, agency="bank")
    cursor, other = answer.headers["Feed-Next"], foreign.headers["Feed-Next"]
    key = CURSOR_KEYS.splitlines()[1].encode()
    tampered = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    refused = {
        other: (403, "kursor-instansi-lain"),
        tampered: (400, "kursor-tidak-sah"),
        "3": (400, "kursor-tidak-sah"),
        write_cursor(key, AGENCY, "business", 99): (409, "kursor-mendahului"),
        write_cursor(key, AGENCY, "enrolment", 0): (400, "kursor-aliran-lain"),
    }
    for after, rule in refused.items():
        assert rule_of(await ask(endpoint, after=after, streams=["business"])) == rule
    found = await shown(endpoint, await replay(endpoint, after=cursor, streams=["business"]))
    assert [(item["after"], item["upto"]) for item in found["streams"]] == [(1, 3)]
    await cancel(endpoint, found["id"])
    later = datetime.now(UTC)
    await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
    gone = await ask(endpoint, after=cursor, streams=["business"])
    assert rule_of(gone) == (410, "riwayat-sudah-dihapus")
    assert gone.json()["first"] == (await bureau.agency().get(f"/feed/business?after={cursor}")).json()["first"]


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "rentang-putar-ulang"),
    (EARLIEST | {"after": "k1.x"}, 422, "rentang-putar-ulang"),
    ({"after": "k1.x"}, 422, "rentang-putar-ulang"),
    (EARLIEST | {"until": EARLIEST["since"]}, 422, "rentang-putar-ulang"),
    (EARLIEST | {"streams": ["business", "business"]}, 422, "rentang-putar-ulang"),
    (EARLIEST | {"rate": 0}, 422, "laju-putar-ulang"),
    (EARLIEST | {"rate": 201}, 422, "laju-putar-ulang"),
    (EARLIEST | {"streams": ["mentor"]}, 403, "aliran-tidak-diperjanjikan"),
    (EARLIEST | {"streams": ["asing"]}, 404, "tidak-ditemukan"),
    (EARLIEST | {"asing": 1}, 422, "isi-tidak-sah"),
    ({"since": "2026-11-27T00:00:00"}, 422, "isi-tidak-sah"),
    ({"since": "0001-01-01T00:00:00+08:00"}, 422, "isi-tidak-sah"),
    (EARLIEST | {"until": "9999-12-31T23:00:00-08:00"}, 422, "isi-tidak-sah"),
]


@pytest.mark.parametrize(("body", "status", "rule"), BAD)
async def test_what_is_no_replay_is_refused_and_nothing_is_begun(
    bureau: Bureau, body: dict[str, Any], status: int, rule: str
) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    assert rule_of(await ask(endpoint, **body)) == (status, rule)
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook_replay") == 0


async def test_of_two_hundred_at_once_one_begins_and_one_is_cancelled_once(bureau: Bureau) -> None:
    async with crowded(bureau):
        _, endpoint = await agree_and_register(bureau, URL)
        path, agency = f"/webhooks/{endpoint.id}/replays", bureau.agency()
        asked = await asyncio.gather(*(until_answered(agency.post, path, EARLIEST) for _ in range(CLIENTS)))
        assert Counter(answer.status_code for answer in asked) == {201: 1, 409: CLIENTS - 1}
        begun = next(answer.json()["id"] for answer in asked if answer.status_code == 201)
        refused = next(answer for answer in asked if answer.status_code == 409)
        assert (rule_of(refused), refused.json()["replay_id"]) == ((409, "putar-ulang-berjalan"), begun)
        cancelled = await asyncio.gather(*(until_answered(cancel, endpoint, begun) for _ in range(CLIENTS)))
        assert Counter(answer.status_code for answer in cancelled) == {200: 1, 412: CLIENTS - 1}
        assert await replay(endpoint) != begun


async def test_it_needs_an_agreement_that_names_the_way_and_an_endpoint_that_is_posted_to(bureau: Bureau) -> None:
    agreement, endpoint = await agree_and_register(bureau, URL)
    await endpoint.do("pause")
    assert rule_of(await ask(endpoint, **EARLIEST)) == (409, "keadaan-webhook")
    await endpoint.do("resumption", {})
    await bureau.do_with(agreement, "suspension", {"cause": "dugaan_pelanggaran"})
    answer = await ask(endpoint, **EARLIEST)
    assert (rule_of(answer), answer.json()["state"]) == ((403, "tanpa-perjanjian"), "ditangguhkan")


async def test_another_agencys_replay_is_not_there_and_the_operator_sees_and_cancels_all(bureau: Bureau) -> None:
    for agency in ("satu", "dua"):
        await bureau.agree(agency=agency, **WAYS)
    mine, other = await register(bureau, URL, agency="satu"), await register(bureau, URL, agency="dua")
    running = await replay(other)
    foreign, path = bureau.agency("satu"), f"/webhooks/{other.id}/replays"
    one = {"If-Match": '"1"'}
    for answer in (
        await foreign.get(path),
        await foreign.get(f"{path}/{running}"),
        await foreign.get(f"/webhooks/{mine.id}/replays/{running}"),
        await foreign.post(path, EARLIEST),
        await foreign.client.delete(f"{path}/{running}", headers=one),
        await foreign.client.delete(f"/webhooks/{mine.id}/replays/{running}", headers=one),
        await bureau.agency("dua").get(f"{path}/{uuid4()}"),
    ):
        assert rule_of(answer) == (404, "tidak-ditemukan")
    operator = bureau.operator()
    assert rule_of(await operator.post(path, EARLIEST)) == (403, "tidak-berhak")
    assert (await operator.get(path)).json()["items"][0]["id"] == running
    assert (await operator.client.delete(f"{path}/{running}")).status_code == 428
    assert (await operator.client.delete(f"{path}/{running}", headers=one)).status_code == 200
    assert (await shown(other, running))["state"] == "dibatalkan"


async def test_replays_are_listed_page_by_page(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    made = []
    for _ in range(3):
        made.append(await replay(endpoint))
        await cancel(endpoint, made[-1])
    path, agency = f"/webhooks/{endpoint.id}/replays", bureau.agency()
    first = (await agency.get(f"{path}?limit=2")).json()
    rest = (await agency.get(f"{path}?limit=2&after={first['next']}")).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == made
    assert rest["next"] is None


@pytest.mark.parametrize("role", list(Role))
async def test_only_agencies_ask_for_replays_and_operators_look_at_them_too(bureau: Bureau, role: Role) -> None:
    caller = bureau.caller(role, kelurahan="64.71.01.1001", agency="dpmptsp")
    path = f"/webhooks/{uuid4()}/replays"
    looks = 404 if role in {Role.INSTANSI, Role.OPERATOR} else 403
    assert (await caller.get(path)).status_code == looks
    assert (await caller.post(path, EARLIEST)).status_code == (404 if role is Role.INSTANSI else 403)
