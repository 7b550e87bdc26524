"""Notices of erasure in the portal: told by being shown, acknowledged once by a form of ours; who is late, for the operator."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from shared.wita import write_moment
from tests.desk import CLIENTS, crowded
from tests.partners.bureau import AGENCY, NAMES, REGISTERED, Bureau
from tests.partners.portal import NASTY, forms, headings, row_of, said, send, shown, visitor
from tests.partners.test_erasures import NOWHERE, Worker, erase, notices, person

LANGUAGES = ("id", "en")
LIST = "penghapusan"


async def told(bureau: Bureau, people: int = 1, agency: str = AGENCY) -> list[Any]:
    """Let people be erased of whom an agency has read; return the notices as the operator is shown them."""
    await bureau.agree({REGISTERED: ["business_id"]}, agency=agency)
    found = [await person(bureau) for _ in range(people)]
    await bureau.read_all(agency=agency)
    await erase(bureau, *found)
    worker = Worker(bureau, NOWHERE)
    for _ in range(people):
        await worker.look()
    return [item for item in await notices(bureau, limit=200) if item["agency"] == agency]


async def told_after_the_end(bureau: Bureau) -> Any:
    """Let a person be erased after the agreement under which an agency read of them; return the notice."""
    agreement = await bureau.agree({REGISTERED: ["business_id"]})
    siti = await person(bureau)
    await bureau.read_all()
    await bureau.do_with(agreement, "end", {"cause": "tujuan_selesai"})
    await erase(bureau, siti)
    await Worker(bureau, NOWHERE).look()
    (notice,) = await notices(bureau)
    return notice


async def answer(bureau: Bureau, notice: Any, language: str = "id", caller: Any = None, **fields: str) -> Any:
    """Open a notice, and send its form."""
    caller = caller or visitor(bureau)
    page = f"{language}/{LIST}/{notice['id']}"
    hidden = (await forms(caller, page))["jawaban"]
    return await send(caller, f"{page}/jawaban", hidden | fields)


async def test_an_agency_sees_what_it_must_erase_with_ids_alone_and_has_been_told_by_that(bureau: Bureau) -> None:
    await bureau.agree(NAMES, legal_basis="kewajiban_hukum")
    siti = await person(bureau)
    await bureau.read_all("owner")
    await bureau.read_all()
    await erase(bureau, siti)
    await Worker(bureau, NOWHERE).look()
    (before,) = await notices(bureau)
    assert before["state"] == "menunggu"
    assert "1 belum dikonfirmasi." in await shown(visitor(bureau), f"id/instansi/{AGENCY}")
    cells = row_of(await shown(visitor(bureau), f"id/{LIST}"), f"<code>{before['id']}</code></a>")
    due = write_moment(datetime.fromisoformat(before["due"]))
    assert (cells[0], cells[2], cells[3]) == ("tersampaikan, belum dikonfirmasi", due, "–")
    assert str(siti.owner_id) in cells[-1]
    (after,) = await notices(bureau)
    assert (after["state"], after["told_ways"]) == ("tersampaikan", ["feed"])
    text = await shown(visitor(bureau), f"en/{LIST}/{before['id']}")
    for subject in siti.subjects:
        assert subject["id"] in row_of(text, subject["stream"])[0]
    for words in ("told, not acknowledged", "read here or by the agency", "Acknowledge", "UTC+8"):
        assert words in text
    assert "program-" not in text  # nor who of the agency did what


async def test_it_is_acknowledged_by_one_form_and_is_in_the_list_of_all_afterwards(bureau: Bureau) -> None:
    (notice,) = await told(bureau)
    done = await answer(bureau, notice, hasil="dihapus")
    assert (done.status_code, done.headers["location"]) == (303, f"../{notice['id']}?sudah=jawaban")
    text = await shown(visitor(bureau), f"id/{LIST}/{notice['id']}?sudah=jawaban")
    assert "Jawaban dicatat." in text
    assert "<form" not in text
    assert "Tidak ada pemberitahuan" in await shown(visitor(bureau), f"id/{LIST}")
    assert "0 not acknowledged." in await shown(visitor(bureau), f"en/instansi/{AGENCY}")
    cells = row_of(await shown(visitor(bureau), f"en/{LIST}?tampil=semua"), f"<code>{notice['id']}</code></a>")
    assert (cells[0], cells[4]) == ("acknowledged", "erased")
    (after,) = await notices(bureau)
    assert (after["outcome"], after["acknowledged_by"]) == ("dihapus", "rina")


async def test_what_must_be_kept_names_its_law_and_may_be_erased_later(bureau: Bureau) -> None:
    (notice,) = await told(bureau)
    for language, words in zip(
        LANGUAGES, ("Sebutkan surat instansi, atau peraturan", "Name the agency's letter"), strict=True
    ):
        missing = await answer(bureau, notice, language, hasil="wajib_disimpan")
        assert (missing.status_code, words in said(missing)) == (422, True), said(missing)
        assert '<option value="wajib_disimpan" selected>' in missing.text
    for text, words in (
        ("x", "3 sampai 120"),
        ("orang@instansi.example", "alamat surel"),
        (f"UU {NASTY} 123456789", "tanpa nomor panjang"),
    ):
        bad = await answer(bureau, notice, hasil="wajib_disimpan", rujukan=text)
        assert (bad.status_code, words in said(bad), f'value="{text}"' in said(bad)) == (422, True, True), said(bad)
        assert "<script" not in bad.text
    nul = await answer(bureau, notice, hasil="wajib_disimpan", rujukan="UU 28\0/2007")
    assert (nul.status_code, "Isian `rujukan` memuat karakter NUL" in said(nul)) == (422, True), said(nul)
    unknown = await answer(bureau, notice, "en", hasil="lupa")
    assert (unknown.status_code, "Choose one of the answers." in said(unknown)) == (422, True)
    assert (await answer(bureau, notice, hasil="wajib_disimpan", rujukan="UU 28/2007")).status_code == 303
    text = await shown(visitor(bureau), f"id/{LIST}/{notice['id']}")
    assert "UU 28/2007" in text
    assert [part.partition('"')[0] for part in text.split('<option value="')[1:]] == ["dihapus"]
    assert (await answer(bureau, notice, hasil="dihapus")).status_code == 303
    (after,) = await notices(bureau)
    assert after["outcome"] == "dihapus"


async def test_another_second_answer_is_refused_in_words(bureau: Bureau) -> None:
    (notice,) = await told(bureau)
    page = f"{LIST}/{notice['id']}"
    early = {language: (await forms(visitor(bureau), f"{language}/{page}"))["jawaban"] for language in LANGUAGES}
    assert (await answer(bureau, notice, hasil="dihapus")).status_code == 303
    for language, words in (("id", "sudah dijawab: dihapus"), ("en", "answered already: erased")):
        late = await send(visitor(bureau), f"{language}/{page}/jawaban", early[language] | {"hasil": "tidak_disimpan"})
        assert (late.status_code, words in said(late)) == (409, True), said(late)


async def test_two_hundred_presses_are_one_answer(bureau: Bureau) -> None:
    async with crowded(bureau):
        (notice,) = await told(bureau)
        page, people = f"id/{LIST}/{notice['id']}", visitor(bureau)
        fields = (await forms(people, page))["jawaban"] | {"hasil": "tidak_disimpan"}
        answers = await asyncio.gather(*(send(people, f"{page}/jawaban", fields) for _ in range(CLIENTS)))
        assert set(Counter(each.status_code for each in answers)) <= {303, 409}  # 409: it waited for five seconds
        (after,) = await notices(bureau)
        assert after["outcome"] == "tidak_disimpan"


async def test_a_duty_outlives_the_agreement(bureau: Bureau) -> None:
    notice = await told_after_the_end(bureau)
    assert "petugas memberi tahu dengan surat" in await shown(bureau.operator(), f"id/{LIST}/{notice['id']}")
    assert (await answer(bureau, notice, hasil="dihapus")).status_code == 303


async def test_an_officer_notes_the_letter_by_which_an_agency_was_told(bureau: Bureau) -> None:
    notice = await told_after_the_end(bureau)
    page, operator = f"{LIST}/{notice['id']}", bureau.operator()
    for language, words in (("id", "3 sampai 120"), ("en", "3 to 120")):
        hidden = (await forms(operator, f"{language}/{page}"))["surat"]
        short = await send(operator, f"{language}/{page}/surat", hidden | {"surat": "x"})
        assert (short.status_code, words in said(short), 'value="x"' in short.text) == (422, True, True), said(short)
    hidden = (await forms(operator, f"id/{page}"))["surat"]
    done = await send(operator, f"id/{page}/surat", hidden | {"surat": "Surat 119/DKUMKMP/2026"})
    assert (done.status_code, done.headers["location"]) == (303, f"../{notice['id']}?sudah=surat")
    assert "Surat dicatat." in await shown(operator, f"id/{page}?sudah=surat")
    (after,) = await notices(bureau)
    assert (after["state"], after["told_ways"]) == ("tersampaikan", ["surat"])
    assert (after["letter"], after["letter_by"]) == ("Surat 119/DKUMKMP/2026", "operator-a")
    assert "surat" not in await forms(visitor(bureau), f"id/{page}")  # an agency tells itself nothing
    code = bureau.app.state.form_codes.make("rina", f"webhook|surat|{notice['id']}", "a1")
    refused = await send(visitor(bureau), f"id/{page}/surat", {"kode": code, "surat": "Surat 1"})
    assert (refused.status_code, headings(refused.text)[0]) == (403, "Tidak berhak")
    assert (await answer(bureau, notice, hasil="dihapus")).status_code == 303
    late = await send(operator, f"id/{page}/surat", (await _later(bureau, notice)) | {"surat": "Surat 120/2026"})
    assert (late.status_code, "sudah dijawab: dihapus" in said(late)) == (409, True), said(late)


async def _later(bureau: Bureau, notice: Any) -> dict[str, str]:
    """Return the hidden fields of a form that was opened before the answer came."""
    return {"kode": bureau.app.state.form_codes.make("operator-a", f"webhook|surat|{notice['id']}", "a2")}


async def test_another_agencys_notice_is_not_there_and_only_a_form_of_ours_answers(bureau: Bureau) -> None:
    (notice,) = await told(bureau)
    await bureau.agree(agency="lain")
    foreign, page = visitor(bureau, "lain"), f"{LIST}/{notice['id']}"
    codes = bureau.app.state.form_codes
    assert headings(await shown(foreign, f"en/{page}", 404))[0] == "Not found"
    for query in ("tampil=semua", f"tampil=semua&instansi={AGENCY}"):
        assert notice["id"] not in await shown(foreign, f"id/{LIST}?{query}")
    fields = {"kode": codes.make("rina", f"webhook|jawaban|{notice['id']}", "a1"), "hasil": "dihapus"}
    assert (await send(foreign, f"id/{page}/jawaban", fields)).status_code == 404
    for code in ("", "a.b", codes.make("lain", f"webhook|jawaban|{notice['id']}", "a2")):
        refused = await send(visitor(bureau), f"id/{page}/jawaban", fields | {"kode": code})
        assert (refused.status_code, headings(refused.text)[0]) == (403, "Formulir tidak berlaku")
    (after,) = await notices(bureau)
    assert (after["outcome"], after["told_ways"]) == (None, [])


async def test_the_operator_sees_all_who_is_late_and_answers_by_the_agencys_letter(bureau: Bureau) -> None:
    await told(bureau, 2, agency="satu")
    (late,) = await told(bureau, agency="dua")
    await bureau.pool.execute(
        "UPDATE erasure_notice SET due_at = now() - interval '1 hour' WHERE id = $1::uuid", late["id"]
    )
    operator = bureau.operator()
    text = await shown(operator, f"id/{LIST}")
    rows = {code: row_of(text, f'<a href="?instansi={code}">{code}</a>') for code in ("satu", "dua")}
    assert rows == {"satu": ["2", "0"], "dua": ["1", "1"]}
    assert text.index("?instansi=dua") < text.index("?instansi=satu")  # who is late comes first
    assert text.count(f"{LIST}/0") == 3
    overdue = await shown(operator, f"en/{LIST}?tampil=terlambat")
    assert overdue.count(f"{LIST}/0") == 1
    assert row_of(overdue, f"<code>{late['id']}</code></a>")[4] == "overdue"
    assert (await shown(operator, f"id/{LIST}?instansi=satu")).count(f"{LIST}/0") == 2
    assert await bureau.pool.fetchval("SELECT count(*) FROM erasure_notice WHERE told_ways <> '{}'") == 0
    missing = await answer(bureau, late, caller=operator, hasil="dihapus")
    assert (missing.status_code, "Sebutkan surat instansi" in said(missing)) == (422, True)
    done = await answer(bureau, late, caller=operator, hasil="dihapus", rujukan="Surat 7/DUA/2026")
    assert done.status_code == 303
    assert "Tidak ada pemberitahuan" in await shown(operator, f"id/{LIST}?tampil=terlambat")


async def test_notices_follow_one_another_page_by_page_and_keep_what_is_shown(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.partners.api.portal.erasures.ROWS", 2)
    made = await told(bureau, 5)
    path, seen = f"id/{LIST}?tampil=semua&instansi={AGENCY}", []
    while path:
        text = (await shown(bureau.operator(), path)).replace("&amp;", "&")
        seen += [part.partition('"')[0] for part in text.split(f'href="./{LIST}/')[1:]]
        query = text.partition('rel="next" href="')[2].partition('"')[0] if 'rel="next"' in text else ""
        assert not query or query.startswith(f"?tampil=semua&instansi={AGENCY}&after=")
        path = f"id/{LIST}{query}" if query else ""
    assert seen == [item["id"] for item in made]
