"""The portal's pages: what an agency and the operator see, in two languages; bad addresses; nothing of another agency."""

from __future__ import annotations

import httpx2
import pytest

from services.partners.api.portal.code_words import (
    AGREEMENT_STATES,
    BASES,
    CAUSES,
    DISABLED,
    WAYS,
    WEBHOOK_STATES,
)
from services.partners.api.portal.deed_words import DEED_WORDS
from services.partners.api.portal.erasure_words import ANSWERS, ERASURE_WORDS, NOTICE_STATES, OBSTACLES
from services.partners.api.portal.lane_words import LANE_STATES, LANE_STOPS, LANE_WORDS, STANDINGS, WHAT_TO_DO
from services.partners.api.portal.refusal_words import IN_STATE
from services.partners.api.portal.replay_words import REPLAY_STATES, REPLAY_STOPS, REPLAY_WORDS
from services.partners.api.portal.words import ALL_WORDS, WORDS, words_of
from services.partners.domain.erasures import NoticeState, Obstacle, Outcome
from services.partners.domain.lanes import LaneState
from services.partners.domain.lanes import StopReason as LaneStop
from services.partners.domain.replays import ReplayState
from services.partners.domain.replays import StopReason as ReplayStop
from services.partners.domain.standings import Standing
from services.partners.domain.webhooks import DisabledReason, WebhookState
from shared.auth import Role
from shared.contracts.partnership import AgreementState, DeliveryWay, LegalBasis, SuspensionCause
from shared.topology import PUBLIC_TOPICS
from tests.partners.bureau import AGENCY, OPEN, Bureau
from tests.partners.portal import LANGUAGES, NASTY, all_pages, headings, row_of, shown, try_of, visitor
from tests.partners.receiving import WAYS as BY_WEBHOOK
from tests.partners.receiving import agree_and_register

URL = "https://instansi.example/masuk"
NOBODYS = "01a21c8e-3652-7335-9f23-0fb000a6d5bf"
ALL_WAYS = {"ways": [way.value for way in DeliveryWay]}


async def test_an_agency_is_led_to_its_own_page_and_the_operator_to_all(bureau: Bureau) -> None:
    await bureau.agree()
    person = visitor(bureau)
    first = await person.get("/portal/")
    assert (first.status_code, first.headers["location"]) == (303, "id/")
    own = await person.get("/portal/id/")
    assert (own.status_code, own.headers["location"]) == (303, f"instansi/{AGENCY}")
    assert f'href="./instansi/{AGENCY}"' in await shown(bureau.operator(), "id/")


@pytest.mark.parametrize(("path", "there"), [("/portal", "portal/"), ("/portal/id", "id/"), ("/portal/en", "en/")])
async def test_without_the_last_slash_one_is_led_on_by_a_relative_address(
    bureau: Bureau, path: str, there: str
) -> None:
    # The proxy takes the service's name off the path, so an absolute address would lead past it.
    found = await visitor(bureau).get(path)
    assert (found.status_code, found.headers["location"]) == (303, there)


async def test_an_agreement_is_told_in_words_in_both_languages(bureau: Bureau) -> None:
    agreement = await bureau.agree(OPEN, **ALL_WAYS, kelurahan=["64.71.01.1001"])
    person = visitor(bureau)
    told = {
        "id": ["PKS 119/2026", "berlaku: sampai sesaat sebelum", "tanpa data pribadi", "Kelurahan", "WITA"],
        "en": ["PKS 119/2026", "in force: until just before", "without personal data", "Places (kelurahan)", "UTC+8"],
    }
    for language, words in told.items():
        text = await shown(person, f"{language}/perjanjian/{agreement}")
        assert f'<html lang="{language}">' in text
        assert [word for word in words if word not in text] == []
        for type_name, fields in OPEN.items():
            assert f"<code>{type_name}</code>" in text
            assert all(f"<code>{field}</code>" in text for field in fields)
        assert "64.71.01.1001" in text


async def test_why_an_agreement_grants_nothing_is_told(bureau: Bureau) -> None:
    agreement, endpoint = await agree_and_register(bureau, URL)
    person = visitor(bureau)
    await bureau.do_with(agreement, "suspension", {"cause": "dugaan_pelanggaran"})
    assert "ditangguhkan: dugaan pelanggaran" in await shown(person, f"id/instansi/{AGENCY}")
    assert "suspended: suspected breach" in await shown(person, f"en/perjanjian/{agreement}")
    assert "(keadaan: ditangguhkan)" in await shown(person, f"id/webhook/{endpoint.id}")
    assert "(state: suspended)" in await shown(person, f"en/webhook/{endpoint.id}")
    await bureau.do_with(agreement, "resumption")
    assert "ditangguhkan" not in await shown(person, f"id/instansi/{AGENCY}")
    assert "(keadaan:" not in await shown(person, f"id/webhook/{endpoint.id}")
    await bureau.do_with(agreement, "end", {"cause": "tujuan_selesai"})
    assert "ended: its purpose is fulfilled" in await shown(bureau.operator(), f"en/perjanjian/{agreement}")


async def test_an_endpoint_tells_state_lag_secrets_and_outcomes_but_never_a_secret(bureau: Bureau) -> None:
    _, endpoint = await agree_and_register(bureau, URL)
    await bureau.businesses(3)
    await endpoint.do("secrets", {"overlap_hours": 2})
    await try_of(bureau, endpoint.id)
    person = visitor(bureau)
    text = await shown(person, f"id/webhook/{endpoint.id}")
    assert endpoint.secret not in text
    assert "whsec_" not in text
    assert "kunci lama, sampai" in text
    cells = row_of(text, "business")
    assert (cells[0], cells[2:5]) == ("berjalan", ["0", "3", "3"])
    assert headings(text)[3:5] == ["Kunci", "Kemajuan per aliran"]
    assert "ditolak dengan 500" in text
    assert "owner</th>" not in text  # nothing of that stream is granted, so nothing of it is behind
    assert "refused with 500" in await shown(person, f"en/webhook/{endpoint.id}")
    await bureau.pool.execute("UPDATE webhook SET state = 'dimatikan', reason = 'dijawab_410'")
    assert "menjawab 410" in await shown(person, f"id/webhook/{endpoint.id}")


async def test_how_far_a_topic_is_written_is_told_where_the_agreement_names_kafka(bureau: Bureau) -> None:
    await bureau.agree(OPEN, ways=["kafka"])
    await bureau.businesses(2)
    person = visitor(bureau)
    text = await shown(person, f"id/instansi/{AGENCY}")
    assert f"umkm.agency.{AGENCY}" in text
    assert all(topic.name in text for topic in PUBLIC_TOPICS)
    cells = row_of(text, "business")
    assert (cells[0], cells[2:5]) == ("berjalan", ["0", "2", "2"])
    await bureau.agree(agency="lain")
    assert "umkm.agency" not in await shown(visitor(bureau, "lain"), "id/instansi/lain")


async def test_nothing_of_another_agency_is_there(bureau: Bureau) -> None:
    agreement, endpoint = await agree_and_register(bureau, URL, agency="satu")
    await bureau.agree(agency="dua")
    foreign = visitor(bureau, "dua")
    for path in ("instansi/satu", f"perjanjian/{agreement}", f"webhook/{endpoint.id}"):
        for language, words in (("id", "Tidak ditemukan"), ("en", "Not found")):
            assert headings(await shown(foreign, f"{language}/{path}", 404))[0] == words
        assert "Tidak ditemukan" not in await shown(bureau.operator(), f"id/{path}")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("fr/", 404),
        ("id/instansi/tidak-ada", 404),
        ("id/instansi/' OR 1=1", 404),
        ("id/instansi/%3Cscript%3E", 404),
        ("id/webhook/1", 404),
        (f"id/webhook/{NOBODYS}", 404),
        ("id/webhook/{00000000-0000-0000-0000-000000000000}", 404),
        ("id/perjanjian/x", 404),
        (f"id/perjanjian/{NOBODYS}", 404),
        ("id/lain/sama/sekali", 404),
        (f"id/webhook/{NOBODYS}/putar-ulang", 404),
        (f"id/webhook/{NOBODYS}/putar-ulang/x", 404),
        (f"id/webhook/{NOBODYS}/putar-ulang/{NOBODYS}", 404),
        (f"id/webhook/{NOBODYS}/putar-ulang?before=x", 422),
        ("id/penghapusan/x", 404),
        (f"id/penghapusan/{NOBODYS}", 404),
        ("id/penghapusan?tampil=lain", 422),
        ("id/penghapusan?instansi=%27", 404),
        ("id/penghapusan?after=1", 422),
        (f"id/?after={'x' * 31}", 422),
        ("id/?after=%27", 200),
    ],
)
async def test_a_bad_address_is_a_page_with_its_status(bureau: Bureau, path: str, status: int) -> None:
    text = await shown(bureau.operator(), path, status)
    assert "Traceback" not in text
    assert "<script" not in text
    if status != 200:
        assert 'role="status"' in text
        await shown(bureau.operator(), path.replace("id/", "en/", 1), status)


@pytest.mark.parametrize("role", list(Role))
async def test_only_agencies_and_operators_come_in(bureau: Bureau, role: Role) -> None:
    await bureau.agree()
    caller = bureau.caller(role, kelurahan="64.71.01.1001", agency=AGENCY)
    allowed = role in {Role.INSTANSI, Role.OPERATOR}
    text = await shown(caller, f"id/instansi/{AGENCY}", 200 if allowed else 403)
    assert ("Tidak berhak" in text) is not allowed
    await shown(caller, "en/nothing", 404 if allowed else 403)


async def test_without_a_token_or_a_code_there_is_nothing_to_see(bureau: Bureau) -> None:
    nobody = bureau.caller()
    text = await shown(nobody, "en/", 401)
    assert headings(text)[0] == "Not logged in"
    assert (await nobody.get("/portal/id/")).headers["www-authenticate"] == "Bearer"
    assert headings(await shown(visitor(bureau, None), "id/", 403))[0] == "Tidak ada perjanjian yang berlaku"


async def test_an_agency_without_an_agreement_is_told_so(bureau: Bureau) -> None:
    assert "Belum ada perjanjian" in await shown(visitor(bureau, "baru"), "id/instansi/baru")


@pytest.mark.security(line="S22")
async def test_what_others_wrote_is_shown_as_text(bureau: Bureau) -> None:
    texts = dict.fromkeys(("title", "purpose", "contact", "legal_reference"), NASTY)
    agreement, endpoint = await agree_and_register(bureau, f"https://instansi.example/{NASTY}", **texts)
    await try_of(bureau, endpoint.id, error=NASTY, type=NASTY)
    operator = bureau.operator()
    for path in ("", f"instansi/{AGENCY}", f"perjanjian/{agreement}", f"webhook/{endpoint.id}"):
        for language in LANGUAGES:
            text = await shown(operator, f"{language}/{path}")
            assert "<script" not in text
            assert "&lt;script&gt;" in text


async def test_agencies_follow_one_another_page_by_page(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.partners.api.portal.reading.ROWS", 2)
    codes = [f"instansi-{letter}" for letter in "cadbe"]
    for code in codes:
        await bureau.agree(agency=code, **BY_WEBHOOK)
    path, seen = "id/", []
    while path:
        text = await shown(bureau.operator(), path)
        seen += [part.partition('"')[0] for part in text.split('href="./instansi/')[1:]]
        path = "id/" + text.partition('rel="next" href="')[2].partition('"')[0] if 'rel="next"' in text else ""
    assert seen == sorted(codes)


async def test_every_page_leads_to_itself_in_the_other_language(bureau: Bureau) -> None:
    await agree_and_register(bureau, URL)
    person = visitor(bureau)
    for path in await all_pages(bureau):
        text = await shown(person, f"id/{path}")
        there = text.partition('hreflang="en"')[0].rpartition('href="')[2].partition('"')[0]
        answer = await person.get(str(httpx2.URL(f"http://uji/portal/id/{path}").join(there)))
        assert answer.status_code == 200
        assert '<html lang="en">' in answer.text


def test_every_code_has_words_in_both_languages() -> None:
    for kind, said in (
        (AgreementState, AGREEMENT_STATES),
        (WebhookState, WEBHOOK_STATES),
        (WebhookState, IN_STATE),
        (DisabledReason, DISABLED),
        (DeliveryWay, WAYS),
        (LegalBasis, BASES),
        (SuspensionCause, CAUSES),
        (ReplayState, REPLAY_STATES),
        (ReplayStop, REPLAY_STOPS),
        (Standing, STANDINGS),
        (Standing, WHAT_TO_DO),
        (LaneState, LANE_STATES),
        (LaneStop, LANE_STOPS),
        (NoticeState, NOTICE_STATES),
        (Outcome, ANSWERS),
        (Obstacle, OBSTACLES),
    ):
        assert set(said) == {item.value for item in kind}
        assert all(all(pair) for pair in said.values())
    kinds = (WORDS, DEED_WORDS, REPLAY_WORDS, LANE_WORDS, ERASURE_WORDS)
    assert len(ALL_WORDS) == sum(len(said) for said in kinds)  # no key in two places
    assert [key for key in ALL_WORDS if hasattr(dict, key)] == []  # a template would find the method instead
    assert set(words_of("en")) == set(words_of("id")) == set(ALL_WORDS)


async def test_pages_of_any_depth_find_their_style_sheet(bureau: Bureau) -> None:
    operator = bureau.operator()
    for path in ("", "id/", "id/webhook/1", "en/a/b/c/d/e/f/", "id" + "/x" * 500):
        answer = await operator.client.get(f"/portal/{path}", follow_redirects=True)
        told = answer.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        style = await operator.get(str(answer.url.join(told)))
        assert (style.status_code, style.headers["content-type"]) == (200, "text/css; charset=utf-8"), path
        assert told.count("../") == answer.url.path.count("/") - 1
