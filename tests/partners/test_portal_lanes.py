"""How streams stand on their way, as the portal says it: in words, with the reason, and what can be done about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.partners.bureau import AGENCY, OPEN, Bureau
from tests.partners.portal import forms, headings, row_of, said, send, shown, visitor
from tests.partners.receiving import Endpoint, agree_and_register
from tests.partners.test_replay_api import delivered

URL = "https://instansi.example/masuk"
ALL = {"ways": ["feed", "kafka", "webhook"]}
PAGE = f"instansi/{AGENCY}"


async def ready(bureau: Bureau) -> tuple[str, Endpoint]:
    """Give an agreement of all ways, and an endpoint behind by three."""
    agreement, endpoint = await agree_and_register(bureau, URL, grants=OPEN, **ALL)
    await bureau.businesses(3)
    return agreement, endpoint


async def stop_the_lane(bureau: Bureau, position: int = 1) -> str:
    """Let the stream of businesses stop on its way into the topic, because what follows is gone; return the lane's id."""
    await bureau.pool.execute(
        "INSERT INTO kafka_position (agency, stream, position, state, reason)"
        " VALUES ($1, 'business', $2, 'berhenti', 'riwayat_dihapus')",
        AGENCY,
        position,
    )
    await bureau.pool.execute("UPDATE stream SET first = 3 WHERE name = 'business'")
    return str(await bureau.pool.fetchval("SELECT id FROM kafka_position"))


async def lanes(bureau: Bureau, path: str, language: str = "id") -> tuple[str, str]:
    """Return the state of the stream of businesses on a page, and what can be done."""
    cells = row_of(await shown(visitor(bureau), f"{language}/{path}"), "business")
    return cells[0], cells[1]


async def test_a_stream_to_an_endpoint_is_going_waiting_paused_disabled_or_closed(bureau: Bureau) -> None:
    agreement, endpoint = await ready(bureau)
    page = f"webhook/{endpoint.id}"
    assert await lanes(bureau, page) == (
        "berjalan",
        "Yang menunggu sedang menyusul. Bila lama tidak bergerak, hubungi dinas.",
    )
    await delivered(bureau, endpoint)
    assert (await lanes(bureau, page, "en")) == ("up to date", "Nothing needs to be done.")
    await bureau.pool.execute(
        "UPDATE webhook_position SET tries = 2, failing_since = now(), due_at = now() + interval '1 hour' WHERE stream = 'business'"
    )
    state, advice = await lanes(bureau, page)
    assert (state, "Perbaiki penerimanya" in advice) == ("menunggu percobaan berikutnya", True)
    await endpoint.do("pause")
    assert await lanes(bureau, page, "en") == ("paused", "Resume the webhook.")
    await bureau.pool.execute("UPDATE webhook SET state = 'dimatikan', reason = 'gagal_tiga_hari'")
    state, advice = await lanes(bureau, page)
    assert (state, advice.startswith("tiga hari tanpa"), "lanjutkan webhooknya" in advice) == ("dimatikan", True, True)
    await bureau.do_with(agreement, "suspension", {"cause": "dugaan_pelanggaran"})
    state, advice = await lanes(bureau, page)
    assert (state, "(keadaan: ditangguhkan)" in advice) == ("berhenti karena perjanjian", True)
    state, advice = await lanes(bureau, page, "en")
    assert (state, "Ask the office." in advice) == ("stopped by the agreement", True)


async def test_feed_topic_and_endpoints_say_that_the_agreement_stopped_them(bureau: Bureau) -> None:
    agreement, _ = await ready(bureau)
    text = await shown(visitor(bureau), f"id/{PAGE}")
    assert "<strong>terbuka</strong>" in text
    assert row_of(text, "business")[0] == "berjalan"
    assert "Sekarang tidak ada yang dikirim" not in text
    await bureau.do_with(agreement, "suspension", {"cause": "dugaan_pelanggaran"})
    text = await shown(visitor(bureau), f"en/{PAGE}")
    assert "<strong>stopped by the agreement</strong>" in text
    assert row_of(text, "business")[0] == "stopped by the agreement"
    assert "(state: suspended)" in row_of(text, "business")[1]
    assert "Nothing is posted to the webhooks of this agency now." in text


async def test_a_way_that_is_not_agreed_is_closed(bureau: Bureau) -> None:
    await bureau.agree(OPEN, ways=["kafka"])
    text = await shown(visitor(bureau), f"en/{PAGE}")
    assert (
        "<strong>stopped by the agreement</strong>. The agreement does not name this way of delivery: feed."
        in " ".join(text.split())
    )


@pytest.mark.parametrize("by_operator", [False, True])
async def test_a_stopped_topic_says_why_and_goes_on_by_a_form_when_told_to_miss_what_is_lost(
    bureau: Bureau, *, by_operator: bool
) -> None:
    await ready(bureau)
    lane = await stop_the_lane(bureau)
    person = bureau.operator() if by_operator else visitor(bureau)
    state, advice = await lanes(bureau, PAGE)
    assert (state, "yang belum ditulis sudah tidak disimpan" in advice) == ("berhenti", True)
    path = f"jalur/{lane}/lanjut"
    for language, words in (
        ("id", "1 posisi dari aliran business"),
        ("en", "Of the stream business, 1 positions are gone"),
    ):
        hidden = (await forms(person, f"{language}/{PAGE}"))["lanjut"]
        answer = await send(person, f"{language}/{path}", hidden)
        assert (answer.status_code, words in said(answer)) == (410, True), said(answer)
    hidden = (await forms(person, f"id/{PAGE}"))["lanjut"] | {"lewati": "ya"}
    answers = [await send(person, f"id/{path}", hidden) for _ in range(2)]
    assert {(each.status_code, each.headers["location"]) for each in answers} == {(303, f"../../{PAGE}?sudah=jalur")}
    text = await shown(person, f"id/{PAGE}?sudah=jalur")
    assert "dilanjutkan dengan yang masih disimpan" in text
    cells = row_of(text, "business")
    assert (cells[0], cells[2]) == ("berjalan", "2")
    assert "/lanjut" not in text
    assert await bureau.pool.fetchval("SELECT version FROM kafka_position") == 2


async def test_a_lane_is_moved_by_nobody_else_and_by_no_other_form(bureau: Bureau) -> None:
    await ready(bureau)
    await bureau.agree(agency="lain", **ALL)
    lane = await stop_the_lane(bureau)
    codes, path = bureau.app.state.form_codes, f"en/jalur/{lane}/lanjut"
    foreign = {"kode": codes.make("rina", f"webhook|jalur|{lane}", "a1"), "versi": "1", "lewati": "ya"}
    answer = await send(visitor(bureau, "lain"), path, foreign)
    assert (answer.status_code, headings(answer.text)[0]) == (404, "Not found")
    answer = await send(visitor(bureau), path, foreign | {"kode": codes.make("rina", f"webhook|batal|{lane}", "a1")})
    assert answer.status_code == 403
    stale = await send(visitor(bureau), path, foreign | {"versi": "7"})
    assert (stale.status_code, "its version is 1 now" in said(stale)) == (412, True)
    assert await bureau.pool.fetchval("SELECT (state, version)::text FROM kafka_position") == "(berhenti,1)"


async def test_an_agreement_that_has_not_begun_is_no_reason_of_the_endpoint(bureau: Bureau) -> None:
    starts = datetime.now(UTC) + timedelta(days=1)
    await bureau.agree(OPEN, **ALL, starts_at=starts.isoformat())
    text = await shown(visitor(bureau), f"id/{PAGE}")
    assert row_of(text, "business")[0] == "berhenti karena perjanjian"
    assert "ditandatangani, belum mulai" in text
