"""What people do in the portal: each deed by a form of ours, once in effect; secrets that are shown once; refusals in words."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from re import compile as pattern
from typing import Any

import httpx2
import pytest

from services.partners.api.portal.refusal_words import ENGLISH
from services.partners.api.requests import STATUS
from services.partners.domain import refusals
from services.partners.domain.webhooks import MOST_OF_AN_AGENCY
from tests.desk import CLIENTS, Caller, crowded
from tests.partners.bureau import AGENCY, Bureau
from tests.partners.portal import DEEDS, NASTY, forms, headings, said, send, visitor
from tests.partners.receiving import (
    LOOPBACK,
    WAYS,
    Endpoint,
    agree_and_register,
    delivering,
    make_deliverer,
    receiving,
    register,
)

URL = "https://instansi.example/masuk"
SECRET = pattern(r"whsec_[A-Za-z0-9+/=]+")
NEW = f"id/instansi/{AGENCY}/webhook-baru"


async def do(caller: Caller, webhook_id: str, deed: str, language: str = "id", **fields: str) -> httpx2.Response:
    """Open an endpoint's page, and send one of its forms."""
    hidden = (await forms(caller, f"{language}/webhook/{webhook_id}"))[deed]
    return await send(caller, f"{language}/webhook/{webhook_id}/{deed}", hidden | fields)


def secret_of(answer: httpx2.Response) -> str:
    """Return the one secret on a page."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    (found,) = SECRET.findall(answer.text)
    return str(found)


async def test_an_endpoint_is_made_paused_resumed_given_a_new_secret_and_removed(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    person = visitor(bureau)
    code = (await forms(person, NEW))["webhook-baru"]
    first = secret_of(await send(person, NEW, code | {"alamat": f" {URL} ", "mulai": "awal"}))
    (made,) = (await bureau.agency().get("/webhooks")).json()["items"]
    assert (made["url"], made["state"]) == (URL, "aktif")
    paused = await do(person, made["id"], "jeda")
    assert (paused.status_code, paused.headers["location"]) == (303, f"../{made['id']}?sudah=jeda")
    assert "Webhook dijeda." in (await person.get(f"/portal/id/webhook/{made['id']}?sudah=jeda")).text
    second = secret_of(await do(person, made["id"], "kunci", jam="1"))
    assert first != second
    assert (await do(person, made["id"], "lanjut")).status_code == 303
    assert (await do(person, made["id"], "hapus", yakin="ya")).status_code == 303
    assert await forms(person, f"id/webhook/{made['id']}") == {}
    assert await bureau.pool.fetchval("SELECT state FROM webhook") == "dihapus"
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook_secret") == 0


async def test_a_test_that_was_asked_for_is_posted_signed_with_the_secret_that_was_shown(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    person = visitor(bureau)
    async with receiving() as receiver:
        assert LOOPBACK in str(bureau.app.state.webhook_networks[0])
        code = (await forms(person, NEW))["webhook-baru"]
        secret = secret_of(await send(person, NEW, code | {"alamat": receiver.url, "mulai": "sekarang"}))
        (made,) = (await bureau.agency().get("/webhooks")).json()["items"]
        assert (await do(person, made["id"], "uji")).status_code == 303
        async with delivering(make_deliverer(bureau)):
            (posted,) = await receiver.until(1)
        assert posted.signed_by(secret)
        assert posted.event().get_type().endswith(".webhook.tested.v1")
    assert "diterima" in (await person.get(f"/portal/id/webhook/{made['id']}")).text


async def test_a_secret_is_shown_again_only_to_the_same_form_and_only_for_a_moment(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bureau.agree(**WAYS)
    person = visitor(bureau)
    fields = (await forms(person, NEW))["webhook-baru"] | {"alamat": URL, "mulai": "sekarang"}
    secret = secret_of(await send(person, NEW, fields))
    again = await send(person, NEW, fields)
    assert secret_of(again) == secret
    other = await send(visitor(bureau, subject="orang-lain"), NEW, fields)
    assert (other.status_code, SECRET.findall(other.text)) == (403, [])
    (made,) = (await bureau.agency().get("/webhooks")).json()["items"]
    assert secret not in (await person.get(f"/portal/id/webhook/{made['id']}")).text
    monkeypatch.setattr("services.partners.handlers.webhooks.MOMENT", timedelta(0))
    late = await send(person, NEW, fields)
    assert (late.status_code, SECRET.findall(late.text)) == (200, [])
    assert "tidak dapat dibaca lagi" in late.text
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook") == 1


async def test_a_changed_endpoint_does_not_give_its_newest_secret_to_an_older_form(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    person = visitor(bureau)
    hidden = (await forms(person, f"id/webhook/{endpoint.id}"))["kunci"] | {"jam": "1"}
    path = f"id/webhook/{endpoint.id}/kunci"
    first = secret_of(await send(person, path, hidden))
    await endpoint.do("secrets", {})
    again = await send(person, path, hidden)
    assert (again.status_code, SECRET.findall(again.text)) == (200, [])
    assert first.startswith("whsec_")


async def test_two_hundred_presses_of_one_button_make_one_endpoint_and_one_secret(bureau: Bureau) -> None:
    async with crowded(bureau):
        await bureau.agree(**WAYS)
        person = visitor(bureau)
        fields = (await forms(person, NEW))["webhook-baru"] | {"alamat": URL, "mulai": "sekarang"}
        answers = await asyncio.gather(*(send(person, NEW, fields) for _ in range(CLIENTS)))
        counted = Counter(answer.status_code for answer in answers)
        assert set(counted) <= {200, 409}  # 409: it waited for the first for longer than five seconds
        assert len({secret_of(answer) for answer in answers if answer.status_code == 200}) == 1
        (made,) = (await bureau.agency().get("/webhooks")).json()["items"]
        hidden = (await forms(person, f"id/webhook/{made['id']}"))["jeda"]
        path = f"id/webhook/{made['id']}/jeda"
        pauses = await asyncio.gather(*(send(person, path, hidden) for _ in range(CLIENTS)))
        assert set(Counter(answer.status_code for answer in pauses)) <= {303, 409}
        assert await bureau.pool.fetchval("SELECT (state, version)::text FROM webhook") == "(dijeda,2)"


@pytest.mark.security(line="S22")
async def test_only_a_form_of_ours_for_this_person_this_deed_and_this_endpoint_does_anything(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    other = await register(bureau, URL)
    person, page = visitor(bureau), f"id/webhook/{endpoint.id}"
    found = await forms(person, page)
    assert set(found) == {"uji", "jeda", "kunci", "hapus"}
    code = found["jeda"]["kode"]
    wrong: list[tuple[Caller, str, str]] = [
        (person, f"{page}/jeda", ""),
        (person, f"{page}/jeda", f"{code}x"),
        (person, f"{page}/jeda", "é.ü"),
        (person, f"{page}/uji", code),
        (person, f"id/webhook/{other.id}/jeda", code),
        (visitor(bureau, subject="orang-lain"), f"{page}/jeda", code),
    ]
    for caller, path, given in wrong:
        answer = await send(caller, path, {"kode": given, "versi": "1"})
        assert (answer.status_code, headings(answer.text)[0]) == (403, "Formulir tidak berlaku"), path
    assert await bureau.pool.fetchval("SELECT max(version) FROM webhook") == 1


async def test_another_agencys_endpoint_is_not_there_to_do_anything_with(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL, agency="satu")
    await bureau.agree(agency="dua", **WAYS)
    foreign = visitor(bureau, "dua")
    codes = bureau.app.state.form_codes
    for deed in DEEDS:
        kode = codes.make("rina", f"webhook|{deed}|{endpoint.id}", "a1")
        fields = {"kode": kode, "versi": "1", "jam": "1", "yakin": "ya"}
        answer = await send(foreign, f"id/webhook/{endpoint.id}/{deed}", fields)
        assert (answer.status_code, SECRET.findall(answer.text)) == (404, [])
    for path in ("id/instansi/satu/webhook-baru", "en/instansi/satu/webhook-baru"):
        assert (await foreign.get(f"/portal/{path}")).status_code == 404
        assert (await send(foreign, path, {"alamat": URL})).status_code == 404
    assert await bureau.pool.fetchval("SELECT (state, version)::text FROM webhook") == "(aktif,1)"


async def test_the_operator_pauses_resumes_and_tests_but_makes_no_secrets_and_removes_nothing(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    operator = bureau.operator()
    assert set(await forms(operator, f"id/webhook/{endpoint.id}")) == {"uji", "jeda"}
    assert (await do(operator, endpoint.id, "uji")).status_code == 303
    assert (await do(operator, endpoint.id, "jeda")).status_code == 303
    assert (await do(operator, endpoint.id, "lanjut")).status_code == 303
    for path in (f"webhook/{endpoint.id}/kunci", f"webhook/{endpoint.id}/hapus", f"instansi/{AGENCY}/webhook-baru"):
        answer = await send(operator, f"en/{path}", {"kode": "x.y", "versi": "1"})
        assert (answer.status_code, headings(answer.text)[0]) == (403, "Not allowed")
    assert "webhook-baru" not in (await operator.get(f"/portal/id/instansi/{AGENCY}")).text


async def test_a_bad_address_stays_in_the_form_with_the_rule_that_it_breaks(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    person = visitor(bureau)
    bad = {
        "https://a:b@instansi.example/": ("memuat nama pengguna", "it holds a user name"),
        "https://instansi.example/#x": ("memuat fragmen (#)", "it holds a fragment (#)"),
        "https://10.0.0.1/": ("bukan alamat di internet", "it is not an address of the internet"),
        "https://instansi.example:22/": ("443 dan 8443", "443 and 8443 are open"),
        "pendek": ("8 sampai 500", "8 to 500 characters"),
        f'https://instansi.example/" {NASTY}': ("karakter yang tidak boleh", "a character that may not be"),
    }
    for url, words in bad.items():
        for language, word in zip(("id", "en"), words, strict=True):
            path = NEW.replace("id/", f"{language}/", 1)
            code = (await forms(person, path))["webhook-baru"]
            answer = await send(person, path, code | {"alamat": url, "mulai": "awal"})
            assert (answer.status_code, word in said(answer)) == (422, True), answer.text
            assert f'value="{url}"' in said(answer)
            assert "<script" not in answer.text
            assert '<option value="awal" selected>' in answer.text
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook") == 0


async def test_refusals_are_told_in_words_with_the_value_and_what_is_allowed(bureau: Bureau) -> None:
    agreement, endpoint = await agree_and_register(bureau, URL)
    person, page = visitor(bureau), f"webhook/{endpoint.id}"
    stale = (await forms(person, f"en/{page}"))["uji"]
    await endpoint.do("pause")
    late = await send(person, f"en/{page}/uji", stale)
    assert (late.status_code, "its version is 2 now" in said(late)) == (412, True)
    paused = await send(person, f"en/{page}/uji", stale | {"kode": _code(bureau, "uji", endpoint), "versi": "2"})
    assert (paused.status_code, "a webhook that is paused" in said(paused)) == (409, True)
    assert "What can be done: resume" in said(paused)
    for name, value, status, words in (
        ("jam", "1000", 422, ("1000", "0 sampai 168")),
        ("jam", "dua", 422, ("dua", "0 sampai 168")),
        ("versi", "x", 422, ("Buka lagi",)),
    ):
        answer = await do(person, endpoint.id, "kunci", **({"jam": "1"} | {name: value}))
        assert (answer.status_code, [word for word in words if word not in said(answer)]) == (status, []), name
    assert (await do(person, endpoint.id, "hapus")).status_code == 422
    await bureau.do_with(agreement, "suspension", {"cause": "perubahan_hukum"})
    code = (await forms(person, NEW))["webhook-baru"]
    answer = await send(person, NEW, code | {"alamat": URL, "mulai": "awal"})
    assert (answer.status_code, "(keadaan: ditangguhkan)" in said(answer)) == (403, True)
    assert await bureau.pool.fetchval("SELECT count(*) FROM webhook") == 1


def _code(bureau: Bureau, deed: str, endpoint: Endpoint) -> str:
    return str(bureau.app.state.form_codes.make("rina", f"webhook|{deed}|{endpoint.id}", "baru"))


async def test_more_than_an_agency_may_have_is_refused_with_how_many(bureau: Bureau) -> None:
    await bureau.agree(**WAYS)
    person = visitor(bureau)
    for _ in range(MOST_OF_AN_AGENCY):
        await register(bureau, URL)
    code = (await forms(person, NEW))["webhook-baru"]
    answer = await send(person, NEW, code | {"alamat": URL, "mulai": "awal"})
    assert (answer.status_code, "paling banyak memiliki 10 webhook" in said(answer)) == (409, True)
    assert "Hapus satu yang tidak dipakai" in said(answer)


async def test_what_is_lost_is_named_and_passed_over_only_when_told_to(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    await bureau.businesses(3)
    await endpoint.do("pause")
    await bureau.pool.execute("UPDATE stream SET first = 3 WHERE name = 'business'")
    person = visitor(bureau)
    for language, words in (("id", "aliran berikut sudah tidak disimpan: business"), ("en", "are gone: business")):
        answer = await do(person, endpoint.id, "lanjut", language)
        assert (answer.status_code, words in said(answer)) == (410, True), answer.text
    assert (await do(person, endpoint.id, "lanjut", lewati="ya")).status_code == 303


def test_every_refusal_of_what_the_portal_does_has_english_words() -> None:
    told: Any = refusals
    of_agreements = {
        "AgencyBoundError", "PeriodError", "UnknownTypeError", "TypeTwiceError", "FieldRefusedError",
        "IdentityMissingError", "TransitionRefusedError", "NothingToSignError", "SameSignerError", "TypeEndsError",
    }  # fmt: skip
    elsewhere = {getattr(told, name) for name in of_agreements}
    missing = {kind.slug for kind in STATUS if kind not in elsewhere} - set(ENGLISH)
    assert missing == set()
