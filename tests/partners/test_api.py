"""Agreements by HTTP: who may do what, two signatures, versions, keys, one agreement for an agency."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.partners.handlers.ticking import Ticker
from shared.auth import Role
from shared.idempotency import assert_every_post_is_idempotent
from tests.desk import CLIENTS, check_without_gaps, crowded, rule_of, until_answered
from tests.partners.bureau import AGENCY, NAMES, VERIFIED, Bureau, agreement_form
from tests.partners.portal import FORMS


async def facts_of(bureau: Bureau) -> list[str]:
    return [name.partition(".")[2] for name, _ in await bureau.facts()]


async def test_an_agreement_is_drafted_signed_by_two_suspended_resumed_and_ended(bureau: Bureau) -> None:
    agreement = await bureau.agree()
    await bureau.do_with(agreement, "suspension", {"cause": "dugaan_pelanggaran"})
    await bureau.do_with(agreement, "resumption")
    await bureau.do_with(agreement, "end", {"cause": "tujuan_selesai"})
    shown = (await bureau.operator().get(f"/agreements/{agreement}")).json()
    assert (shown["state"], shown["version"], shown["revision"]) == ("berakhir", 8, 1)
    assert shown["texts"][0]["signers"] == ["operator-a", "operator-b"]
    told = ["drafted", "signed", "signed", "activated", "suspended", "resumed", "activated", "ended"]
    assert await facts_of(bureau) == told
    await check_without_gaps(bureau.pool, {"umkm.agreement": "agreement"})


async def test_an_amendment_keeps_the_old_text_and_asks_for_the_version_that_was_read(bureau: Bureau) -> None:
    agreement = await bureau.agree()
    form = {name: value for name, value in agreement_form(purpose="Tujuan lain").items() if name != "agency"}
    stale = await bureau.operator().put(f"/agreements/{agreement}/draft", form, 1)
    assert rule_of(stale) == (412, "versi-usang")
    done = await bureau.operator().put(f"/agreements/{agreement}/draft", form, await bureau.version(agreement))
    assert done.status_code == 200
    await bureau.sign_twice(agreement)
    shown = (await bureau.operator().get(f"/agreements/{agreement}")).json()
    assert [text["terms"]["purpose"] for text in shown["texts"]] == ["Pelayanan perizinan berusaha", "Tujuan lain"]
    assert (shown["revision"], shown["terms"]["purpose"]) == (2, "Tujuan lain")


async def test_the_same_request_twice_has_one_effect(bureau: Bureau) -> None:
    operator, form = bureau.operator(), agreement_form()
    first, second = [await operator.post("/agreements", form, key="k1") for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert second.headers["Idempotency-Replayed"] == "true"
    assert rule_of(await operator.post("/agreements", form)) == (409, "instansi-sudah-terikat")


async def test_every_post_needs_a_key(bureau: Bureau) -> None:
    assert_every_post_is_idempotent(bureau.app, except_paths=FORMS)


async def test_of_two_hundred_who_draft_and_sign_at_once_one_drafts_and_two_sign(bureau: Bureau) -> None:
    async with crowded(bureau):
        operators = [bureau.operator(f"operator-{number}") for number in range(CLIENTS)]
        drafts = await asyncio.gather(
            *(until_answered(each.post, "/agreements", agreement_form()) for each in operators)
        )
        assert Counter(answer.status_code for answer in drafts) == {201: 1, 409: CLIENTS - 1}
        agreement = next(answer.json()["id"] for answer in drafts if answer.status_code == 201)
        path = f"/agreements/{agreement}/signatures"
        for version in (1, 2):
            answers = await asyncio.gather(*(until_answered(each.post, path, None, version) for each in operators))
            assert Counter(answer.status_code for answer in answers)[200] == 1
        assert await facts_of(bureau) == ["drafted", "signed", "signed", "activated"]


@pytest.mark.parametrize("role", list(Role))
async def test_only_operators_change_agreements_and_only_agencies_read_the_feed(bureau: Bureau, role: Role) -> None:
    caller = bureau.caller(role, kelurahan="64.71.01.1001", agency=AGENCY)
    drafted = await caller.post("/agreements", agreement_form())
    assert drafted.status_code == (201 if role is Role.OPERATOR else 403)
    assert (await caller.get("/agreements")).status_code == (200 if role is Role.OPERATOR else 403)
    read = await caller.get("/feed/business")
    assert rule_of(read) == (403, "tanpa-perjanjian" if role is Role.INSTANSI else "tidak-berhak")


async def test_the_second_signature_may_be_an_officers_of_the_city(bureau: Bureau) -> None:
    agreement = await bureau.operator().new("/agreements", agreement_form())
    await bureau.do_with(agreement, "signatures")
    again = await bureau.operator().post(f"/agreements/{agreement}/signatures", None, 2)
    assert rule_of(again) == (409, "penanda-tangan-sama")
    officer = bureau.caller(Role.PETUGAS_DINAS, subject="kepala-bidang")
    assert (await officer.post(f"/agreements/{agreement}/signatures", None, 2)).status_code == 200


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"grants": [{"type": "x", "fields": ["id"]}]}, 422, "jenis-peristiwa-tidak-dikenal"),
    ({"grants": [{"type": VERIFIED, "fields": ["business_id", "nama"]}]}, 422, "kolom-tidak-boleh"),
    ({"grants": [{"type": name, "fields": fields} for name, fields in NAMES.items()]}, 422, "kolom-tidak-boleh"),
    ({"expires_at": "2026-01-01T00:00:00+08:00"}, 422, "masa-perjanjian"),
    ({"expires_at": "2027-01-01T00:00:00"}, 422, "isi-tidak-sah"),  # without a zone
    ({"agency": "Dinas Lain"}, 422, "isi-tidak-sah"),
    ({"kelurahan": ["TIDAK_DIKETAHUI"]}, 422, "isi-tidak-sah"),
    ({"ways": []}, 422, "isi-tidak-sah"),
    ({"asing": 1}, 422, "isi-tidak-sah"),
]


@pytest.mark.parametrize(("changes", "status", "rule"), BAD)
async def test_a_bad_text_is_refused(bureau: Bureau, changes: dict[str, Any], status: int, rule: str) -> None:
    assert rule_of(await bureau.operator().post("/agreements", agreement_form(**changes))) == (status, rule)
    assert await bureau.facts() == []


async def test_the_clock_tells_that_agreements_begin_and_run_out_once(bureau: Bureau) -> None:
    now = datetime.now(UTC)
    begins, ends = now + timedelta(hours=1), now + timedelta(hours=2)
    agreement = await bureau.agree(starts_at=begins.isoformat(), expires_at=ends.isoformat())
    moment = [begins]
    ticker = Ticker(bureau.pool, 1, timedelta(days=90), lambda: moment[0])
    assert [await ticker.tick(), await ticker.tick()] == [1, 0]
    moment[0] = ends
    assert await asyncio.gather(*(ticker.tick() for _ in range(5))) != []
    assert await facts_of(bureau) == ["drafted", "signed", "signed", "activated", "expired"]
    assert (await bureau.operator().get(f"/agreements/{agreement}")).json()["state"] == "kedaluwarsa"
