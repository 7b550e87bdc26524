"""Replays in the portal: shown with progress and reasons, started by a form of ours, once in effect, cancelled, refused in words."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.partners.domain.cursors import write_cursor
from services.partners.handlers.ticking import Ticker
from shared.wita import WITA, write_moment
from tests.desk import CLIENTS, crowded
from tests.partners.bureau import AGENCY, CURSOR_KEYS, Bureau
from tests.partners.portal import FORM, HIDDEN, NASTY, forms, headings, row_of, said, send, shown, visitor
from tests.partners.receiving import WAYS, Endpoint, agree_and_register, register
from tests.partners.replaying import replay
from tests.partners.replaying import shown as told_by_api
from tests.partners.test_replay_api import delivered

URL = "https://instansi.example/masuk"
LONG_AGO = "2026-01-01T00:00"
LANGUAGES = ("id", "en")


async def ready(bureau: Bureau, count: int = 3) -> Endpoint:
    """Give an endpoint that has been posted everything."""
    _, endpoint = await agree_and_register(bureau, URL)
    await bureau.businesses(count)
    await delivered(bureau, endpoint)
    return endpoint


async def start(bureau: Bureau, endpoint: Endpoint, language: str = "id", **fields: str) -> Any:
    """Open the form, fill it in, send it, and return the answer."""
    path = f"{language}/webhook/{endpoint.id}/putar-ulang-baru"
    hidden = (await forms(visitor(bureau), path))["putar-ulang-baru"]
    return await send(visitor(bureau), path, hidden | {name.replace("_", "."): value for name, value in fields.items()})


def led_to(answer: Any) -> str:
    """Return the id of the replay that a form led to."""
    assert answer.status_code == 303, answer.text
    place, _, done = answer.headers["location"].partition("?")
    assert (place.partition("/")[0], done) == ("putar-ulang", "sudah=putar-ulang")
    return str(place.rpartition("/")[2])


async def cancel(bureau: Bureau, endpoint: Endpoint, replay_id: str, language: str = "id", **fields: str) -> Any:
    """Open a replay's page, and send the form that cancels it."""
    page = f"{language}/webhook/{endpoint.id}/putar-ulang/{replay_id}"
    hidden = (await forms(visitor(bureau), page))["batal"]
    return await send(visitor(bureau), f"{page}/batal", hidden | fields)


async def test_a_replay_by_time_is_what_the_api_tells_of_it(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    found = led_to(
        await start(bureau, endpoint, dari=LONG_AGO, sampai="2099-12-31T23:59:30", aliran_business="ya", laju="7")
    )
    told = await told_by_api(endpoint, found)
    since = datetime(2026, 1, 1, tzinfo=WITA)
    assert datetime.fromisoformat(told["since"]) == since  # a time without a zone is the office's
    assert (told["state"], told["rate"], told["total"]) == ("berjalan", 7, 3)
    assert [item["stream"] for item in told["streams"]] == ["business"]
    page = f"webhook/{endpoint.id}/putar-ulang/{found}"
    text = await shown(visitor(bureau), f"id/{page}?sudah=putar-ulang")
    for words in ("Putar ulang dimulai.", "0 dari 3 posisi", write_moment(since), "berjalan"):
        assert words in text
    assert row_of(text, "business")[:4] == ["0", "0", "3", "0"]
    assert "0 of 3 positions" in await shown(visitor(bureau), f"en/{page}")


async def test_a_cursor_begins_it_in_the_one_stream_that_is_ticked(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    _, page = await bureau.read(limit=1)
    cursor = page.headers["Feed-Next"]
    found = led_to(await start(bureau, endpoint, kursor=f" {cursor} ", aliran_business="ya"))
    told = await told_by_api(endpoint, found)
    assert [(item["after"], item["upto"]) for item in told["streams"]] == [(1, 3)]
    assert "after a cursor" in await shown(visitor(bureau), f"en/webhook/{endpoint.id}/putar-ulang/{found}")


async def test_it_is_cancelled_by_its_form_and_tells_when_and_why_it_ended(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    first = led_to(await start(bureau, endpoint, dari=LONG_AGO))
    answer = await cancel(bureau, endpoint, first)
    assert (answer.status_code, answer.headers["location"]) == (303, f"../{first}?sudah=batal")
    text = await shown(visitor(bureau), f"id/webhook/{endpoint.id}/putar-ulang/{first}?sudah=batal")
    assert "Putar ulang dibatalkan." in text
    assert "/batal" not in text  # nothing to cancel any more
    ended = (await told_by_api(endpoint, first))["ended_at"]
    assert write_moment(datetime.fromisoformat(ended)) in text
    second = led_to(await start(bureau, endpoint, dari=LONG_AGO))
    await bureau.pool.execute(
        "UPDATE webhook_replay SET state = 'dihentikan', reason = 'gagal_tiga_hari', ended_at = now() WHERE id = $1::uuid",
        second,
    )
    page = f"webhook/{endpoint.id}"
    assert "dihentikan: tiga hari tanpa satu pun yang berhasil" in await shown(visitor(bureau), f"id/{page}")
    assert "stopped: three days without a success" in await shown(visitor(bureau), f"en/{page}/putar-ulang")


async def test_two_hundred_presses_start_one_and_cancel_it_once(bureau: Bureau) -> None:
    async with crowded(bureau):
        endpoint = await ready(bureau)
        path, person = f"id/webhook/{endpoint.id}/putar-ulang-baru", visitor(bureau)
        fields = (await forms(person, path))["putar-ulang-baru"] | {"dari": LONG_AGO}
        answers = await asyncio.gather(*(send(person, path, fields) for _ in range(CLIENTS)))
        assert set(Counter(answer.status_code for answer in answers)) <= {303, 409}  # 409: it waited for five seconds
        (found,) = {led_to(answer) for answer in answers if answer.status_code == 303}
        page = f"id/webhook/{endpoint.id}/putar-ulang/{found}"
        hidden = (await forms(person, page))["batal"]
        cancelled = await asyncio.gather(*(send(person, f"{page}/batal", hidden) for _ in range(CLIENTS)))
        assert set(Counter(answer.status_code for answer in cancelled)) <= {303, 409}
        assert await bureau.pool.fetchval("SELECT (count(*), max(version))::text FROM webhook_replay") == "(1,2)"


async def test_what_is_no_range_stays_in_the_form_with_the_rule_in_both_languages(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    bad: list[tuple[dict[str, str], int, tuple[str, str]]] = [
        ({}, 422, ("isi tepat satu", "fill in exactly one")),
        ({"dari": LONG_AGO, "kursor": "k1.x"}, 422, ("isi tepat satu", "fill in exactly one")),
        ({"kursor": "k1.x"}, 422, ("pilih tepat aliran itu", "choose exactly that stream")),
        ({"dari": LONG_AGO, "sampai": LONG_AGO}, 422, ("waktu akhir harus sesudah", "must end after it begins")),
        ({"dari": "0001-01-01T00:00"}, 422, ("Dari: 0001", "From: 0001")),
        ({"dari": "kemarin"}, 422, ("Dari: kemarin", "From: kemarin")),
        ({"dari": LONG_AGO, "laju": "0"}, 422, ("paling banyak 200", "1 to 200")),
        ({"dari": LONG_AGO, "laju": "cepat"}, 422, ("Laju: cepat", "Rate: cepat")),
        ({"dari": LONG_AGO, "aliran_mentor": "ya"}, 403, ("aliran mentor", "the stream mentor")),
        ({"dari": LONG_AGO, "aliran_asing": "ya"}, 404, ("Aliran", "not yours to see")),
        ({"dari": LONG_AGO, "aliran_Salah!": "ya"}, 422, ("Aliran: Salah!", "Streams: Salah!")),
        ({"kursor": NASTY, "aliran_business": "ya"}, 400, ("tidak dikenal", "no cursor of ours")),
        ({"kursor": "x" * 201, "aliran_business": "ya"}, 422, ("Kursor: xxx", "Cursor: xxx")),
    ]
    for fields, status, words in bad:
        for language, word in zip(LANGUAGES, words, strict=True):
            answer = await start(bureau, endpoint, language, **fields)
            assert (answer.status_code, word in said(answer)) == (status, True), (fields, said(answer))
            assert 'role="alert"' in answer.text
            assert "<script" not in answer.text
            for value in fields.values():
                assert value == "ya" or f'value="{value}"' in said(answer)
            assert ("business" in answer.text and " checked" in answer.text) is ("aliran_business" in fields)
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook_replay") == 0


async def test_cursors_are_answered_as_the_feed_answers_them(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    await bureau.agree(agency="bank", title="Bank Daerah", **WAYS)
    _, mine = await bureau.read(limit=1)
    _, other = await bureau.read(limit=1, agency="bank")
    key = CURSOR_KEYS.splitlines()[1].encode()
    refused = {
        other.headers["Feed-Next"]: (403, "given to another agency"),
        write_cursor(key, AGENCY, "enrolment", 0): (400, "does not belong to the stream business"),
        write_cursor(key, AGENCY, "business", 99): (409, "ahead of the stream"),
    }
    for cursor, (status, words) in refused.items():
        answer = await start(bureau, endpoint, "en", kursor=cursor, aliran_business="ya")
        assert (answer.status_code, words in said(answer)) == (status, True), said(answer)
    later = datetime.now(UTC)
    await Ticker(bureau.pool, 1, timedelta(0), lambda: later).tick()
    cursor = mine.headers["Feed-Next"]
    first = (await bureau.agency().get(f"/feed/business?after={cursor}")).json()["first"]
    for language in LANGUAGES:
        gone = await start(bureau, endpoint, language, kursor=cursor, aliran_business="ya")
        assert (gone.status_code, first in said(gone)) == (410, True), said(gone)


async def test_one_at_a_time_and_not_of_an_endpoint_that_is_posted_nothing(bureau: Bureau) -> None:
    agreement, endpoint = await agree_and_register(bureau, URL)
    found = led_to(await start(bureau, endpoint, dari=LONG_AGO))
    for language, words in zip(LANGUAGES, ("masih berjalan", "goes on"), strict=True):
        answer = await start(bureau, endpoint, language, dari=LONG_AGO)
        assert (answer.status_code, words in said(answer), found in said(answer)) == (409, True, True)
    await endpoint.do("pause")
    page = f"webhook/{endpoint.id}/putar-ulang/{found}"
    assert "menunggu, karena webhooknya dijeda" in await shown(visitor(bureau), f"id/{page}")
    assert "putar-ulang-baru" not in await shown(visitor(bureau), f"id/webhook/{endpoint.id}")
    answer = await start(bureau, endpoint, "en", dari=LONG_AGO)
    assert (answer.status_code, "a webhook that is paused" in said(answer)) == (409, True)
    await bureau.do_with(agreement, "suspension", {"cause": "perubahan_hukum"})
    answer = await start(bureau, endpoint, dari=LONG_AGO)
    assert (answer.status_code, "(keadaan: ditangguhkan)" in said(answer)) == (403, True)


async def test_a_stale_or_late_cancellation_is_told_on_the_replays_page(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    found = led_to(await start(bureau, endpoint, dari=LONG_AGO))
    page = f"webhook/{endpoint.id}/putar-ulang/{found}"
    late = (await forms(visitor(bureau), f"en/{page}"))["batal"]
    assert (await cancel(bureau, endpoint, found)).status_code == 303
    stale = await send(visitor(bureau), f"en/{page}/batal", late)
    assert (stale.status_code, "its version is 2 now" in said(stale)) == (412, True)
    code = bureau.app.state.form_codes.make("rina", f"webhook|batal|{found}", "baru")
    ended = await send(visitor(bureau), f"en/{page}/batal", {"kode": code, "versi": "2"})
    assert (ended.status_code, "a replay that is cancelled" in said(ended)) == (409, True)
    assert (await send(visitor(bureau), f"id/{page}/batal", {"kode": code, "versi": "x"})).status_code == 422


async def test_the_form_on_a_page_of_a_refusal_goes_where_it_went_before(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    found = led_to(await start(bureau, endpoint, dari=LONG_AGO))
    path = f"webhook/{endpoint.id}/putar-ulang/{found}/batal"
    code = bureau.app.state.form_codes.make("rina", f"webhook|batal|{found}", "baru")
    stale = await send(visitor(bureau), f"id/{path}", {"kode": code, "versi": "7"})
    ((action, inside),) = FORM.findall(stale.text.replace("\n", " "))
    again = str(httpx2.URL(f"http://uji/portal/id/{path}").join(action))
    assert (await visitor(bureau).client.post(again, data=dict(HIDDEN.findall(inside)))).status_code == 303


async def test_only_a_form_of_ours_and_only_of_the_own_agency(bureau: Bureau) -> None:
    for agency in ("satu", "dua"):
        await bureau.agree(agency=agency, **WAYS)
    mine, other = await register(bureau, URL, agency="satu"), await register(bureau, URL, agency="dua")
    running = await replay(other)
    person, codes = visitor(bureau, "satu"), bureau.app.state.form_codes
    pages = (
        f"webhook/{other.id}/putar-ulang",
        f"webhook/{other.id}/putar-ulang/{running}",
        f"webhook/{other.id}/putar-ulang-baru",
    )
    for path in (*pages, f"webhook/{mine.id}/putar-ulang/{running}", f"webhook/{mine.id}/putar-ulang/{uuid4()}"):
        assert headings(await shown(person, f"en/{path}", 404))[0] == "Not found"
    new = codes.make("rina", f"webhook|putar-ulang-baru|{other.id}", "a1")
    answer = await send(person, f"id/webhook/{other.id}/putar-ulang-baru", {"kode": new, "dari": LONG_AGO})
    assert answer.status_code == 404
    for webhook in (mine.id, other.id):
        stop = codes.make("rina", f"webhook|batal|{running}", uuid4().hex)
        answer = await send(person, f"id/webhook/{webhook}/putar-ulang/{running}/batal", {"kode": stop, "versi": "1"})
        assert answer.status_code == 404
    own = (await forms(person, f"id/webhook/{mine.id}/putar-ulang-baru"))["putar-ulang-baru"]["kode"]
    for code in ("", f"{own}x", new, codes.make("orang-lain", f"webhook|putar-ulang-baru|{mine.id}", "a3")):
        answer = await send(person, f"id/webhook/{mine.id}/putar-ulang-baru", {"kode": code, "dari": LONG_AGO})
        assert (answer.status_code, headings(answer.text)[0]) == (403, "Formulir tidak berlaku")
    assert await bureau.pool.fetchval("SELECT (count(*), max(version))::text FROM webhook_replay") == "(1,1)"


async def test_the_operator_sees_and_cancels_all_and_starts_none(bureau: Bureau) -> None:
    endpoint = await ready(bureau)
    found = await replay(endpoint)
    operator, page = bureau.operator(), f"id/webhook/{endpoint.id}"
    assert "putar-ulang-baru" not in await shown(operator, page)
    assert (await operator.get(f"/portal/{page}/putar-ulang-baru")).status_code == 403
    assert found in await shown(operator, f"{page}/putar-ulang")
    hidden = (await forms(operator, f"{page}/putar-ulang/{found}"))["batal"]
    assert (await send(operator, f"{page}/putar-ulang/{found}/batal", hidden)).status_code == 303
    assert (await told_by_api(endpoint, found))["state"] == "dibatalkan"


async def test_replays_follow_one_another_the_newest_first(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.partners.api.portal.replays.ROWS", 2)
    endpoint = await ready(bureau)
    made = []
    for _ in range(5):
        made.append(await replay(endpoint))
        assert (await cancel(bureau, endpoint, made[-1])).status_code == 303
    base = f"id/webhook/{endpoint.id}/putar-ulang"
    path, seen = base, []
    while path:
        text = await shown(visitor(bureau), path)
        seen += [part.partition('"')[0] for part in text.split(f"webhook/{endpoint.id}/putar-ulang/")[1:]]
        path = base + text.partition('rel="next" href="')[2].partition('"')[0] if 'rel="next"' in text else ""
    assert seen == made[::-1]
