"""Classes, assessments, readiness for export and workers over time by HTTP."""

from __future__ import annotations

import json

import asyncpg
import pytest

from services.registry.reference.progress import find_checklist
from shared.auth import Role
from tests.registry.conftest import MANGGAR, PRAPATAN, Caller, Registry
from tests.registry.test_mentoring import ago, begin, slug

SCORES = {"produksi": 3, "sdm": 2, "kelembagaan": 1, "pemasaran": 4, "keuangan": 5}


def reported(kelas: str, *evidence: str) -> dict[str, object]:
    """Return the form of a class."""
    return {"kelas": kelas, "basis": "penjualan", "year": 2026, "source": "laporan", "evidence": list(evidence)}


async def test_who_rises_shows_evidence_and_is_listed(registry: Registry, checker: Caller, verified: str) -> None:
    path = f"/businesses/{verified}"
    bare = await checker.put(f"{path}/class", reported("kecil"), 3)
    assert (bare.status_code, slug(bare)) == (422, "bukti-naik-kelas")
    assert (await checker.put(f"{path}/class", reported("kecil", "oss", "oss", "neraca"), 3)).json()["version"] == 4
    assert (await checker.put(f"{path}/class", reported("mikro"), 4)).status_code == 200
    assert (await checker.get(path)).json()["flags"] == ["kelas_turun"]
    assert (await checker.put(f"{path}/class", reported("menengah", "spt_tahunan"), 5)).status_code == 200
    assert "kelas_melompat" in (await checker.get(path)).json()["flags"]
    changes = (await checker.get(f"{path}/classes")).json()["items"]
    assert [(c["previous"], c["current"], c["rise"], c["evidence"]) for c in changes] == [
        ("mikro", "kecil", 1, ["oss", "neraca"]),
        ("kecil", "mikro", -1, []),
        ("mikro", "menengah", 2, ["spt_tahunan"]),
    ]
    first = (await checker.get("/class-rises?limit=1")).json()
    rest = (await checker.get(f"/class-rises?after={first['next']}")).json()
    assert [c["sequence"] for c in first["items"] + rest["items"]] == [4, 6]
    assert rest["next"] is None
    data = await registry.pool.fetchval("SELECT data FROM outbox WHERE type LIKE '%class_changed%' ORDER BY id LIMIT 1")
    assert json.loads(data)["evidence"] == ["oss", "neraca"]


async def test_a_listing_of_rises_knows_days_and_places(registry: Registry, checker: Caller, verified: str) -> None:
    await checker.put(f"/businesses/{verified}/class", reported("kecil", "oss"), 3)
    own = registry.caller(Role.PETUGAS_KELURAHAN, subject="manggar", kelurahan=MANGGAR)
    other = registry.caller(Role.PETUGAS_KELURAHAN, subject="prapatan", kelurahan=PRAPATAN)
    counts = [
        len((await caller.get(f"/class-rises{query}")).json()["items"])
        for caller, query in [
            (own, ""),
            (other, ""),
            (other, f"?kelurahan={MANGGAR}"),
            (checker, f"?kelurahan={MANGGAR}"),
            (checker, f"?kelurahan={PRAPATAN}"),
            (checker, f"?since={ago(0)}&until={ago(0)}"),
            (checker, f"?until={ago(1)}"),
        ]
    ]
    assert counts == [1, 0, 0, 1, 0, 1, 0]
    assert (await other.get(f"/businesses/{verified}/classes")).status_code == 404


async def test_assessments_are_kept_one_after_the_other(registry: Registry, checker: Caller, verified: str) -> None:
    path = f"/businesses/{verified}/assessments"
    body = {"scores": SCORES, "assessed_on": ago(2)}
    assert (await checker.post(path, body, 3)).json()["version"] == 4
    assert (await checker.post(path, body | {"scores": SCORES | {"sdm": 3}}, 4)).json()["version"] == 5
    first = (await checker.get(f"{path}?limit=1")).json()
    second = (await checker.get(f"{path}?limit=1&after={first['next']}")).json()
    assert [item["scores"]["sdm"] for item in first["items"] + second["items"]] == [2, 3]
    assert second["next"] is None
    assert (first["items"][0]["method"], first["items"][0]["method_version"]) == ("lima_aspek", 1)
    facts = await registry.pool.fetch(
        "SELECT sequence, data FROM outbox WHERE type LIKE '%business.assessed%' ORDER BY id"
    )
    assert [row["sequence"] for row in facts] == [4, 5]
    assert json.loads(facts[0]["data"])["assessor"] == "petugas-b"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await registry.pool.execute("UPDATE business_assessment SET sdm = 5")


@pytest.mark.parametrize("scores", [SCORES | {"sdm": 0}, SCORES | {"sdm": 6}, SCORES | {"modal": 1}, {"sdm": 3}])
async def test_a_score_out_of_range_or_left_out_is_refused(
    checker: Caller, verified: str, scores: dict[str, int]
) -> None:
    answer = await checker.post(f"/businesses/{verified}/assessments", {"scores": scores, "assessed_on": ago(0)}, 3)
    assert (answer.status_code, slug(answer)) == (422, "isi-tidak-sah")


async def test_the_mentor_of_a_business_assesses_it_and_no_other_mentor(
    registry: Registry, checker: Caller, verified: str, mentor: str
) -> None:
    mentoring = await begin(checker, verified, mentor)
    ani, eko = (registry.caller(Role.PENDAMPING, subject=f"pendamping-{name}") for name in ("a", "x"))
    assessment, readiness = {"scores": SCORES, "assessed_on": ago(0)}, {"items": {"nib": True}, "as_of": ago(0)}
    path = f"/businesses/{verified}"
    for answer in (
        await eko.post(f"{path}/assessments", assessment, 3),
        await eko.put(f"{path}/export-readiness", readiness, 3),
    ):
        assert (answer.status_code, slug(answer)) == (403, "bukan-pendampingnya")
    assert (await eko.get(f"/mentorings/{mentoring}/business")).status_code == 403
    assert (await ani.get(path)).status_code == 403
    assert (await ani.get(f"/mentorings/{mentoring}/business")).headers["etag"] == '"3"'
    assert (await ani.post(f"{path}/assessments", assessment, 3)).status_code == 200
    assert (await ani.put(f"{path}/export-readiness", readiness, 4)).status_code == 200
    assert [level["aspect"] for level in (await ani.get("/assessment-methods")).json()[0]["aspects"]] == list(SCORES)
    assert (await checker.post(f"/mentorings/{mentoring}/end", {"cause": "selesai"}, 1)).status_code == 200
    assert slug(await ani.get(f"/mentorings/{mentoring}/business")) == "pendampingan-berakhir"
    assert (await ani.post(f"{path}/assessments", assessment, 5)).status_code == 403
    assert (await ani.get("/export-checklists")).json()[0]["version"] == 1


async def test_readiness_for_export_is_a_checklist_with_its_version(
    registry: Registry, checker: Caller, verified: str
) -> None:
    path, checklist = f"/businesses/{verified}/export-readiness", find_checklist(None)
    assert checklist is not None
    everything = {item.code: True for item in checklist.items}
    assert (await checker.put(path, {"items": everything | {"kemasan": False}, "as_of": ago(9)}, 3)).status_code == 200
    assert (await checker.put(path, {"items": everything, "as_of": ago(1)}, 4)).status_code == 200
    wrong = await checker.put(path, {"items": {"nip": True}, "as_of": ago(1)}, 5)
    assert (wrong.status_code, slug(wrong), wrong.json()["current"]) == (422, "butir-tidak-dikenal", ["nip"])
    items = (await checker.get(path)).json()["items"]
    assert [(item["checklist_version"], item["ready"], item["items"]["kemasan"]) for item in items] == [
        (1, False, False),
        (1, True, True),
    ]
    rows = await registry.pool.fetch("SELECT data FROM outbox WHERE type LIKE '%export_readiness%' ORDER BY id")
    assert [json.loads(row["data"])["ready"] for row in rows] == [False, True]


async def test_workers_over_time_show_the_last_word_about_each_day(
    registry: Registry, clerk: Caller, owner: str
) -> None:
    body = {"owner_ids": [owner], "name": "Kios", "kelurahan": MANGGAR, "workers": {"paid_men": 1}}
    business = (await clerk.post("/businesses", body)).json()["id"]
    path = f"/businesses/{business}"
    for version, (men, day) in enumerate([(4, 30), (2, 0), (5, 30), (3, 0)], 1):
        answer = await clerk.put(f"{path}/workers", {"paid_men": men, "as_of": ago(day)}, version)
        assert answer.json()["version"] == version + 1
    assert (await clerk.get(path)).json()["workers"]["paid_men"] == 3
    first = (await clerk.get(f"{path}/workers?limit=1")).json()
    rest = (await clerk.get(f"{path}/workers?before={first['next']}")).json()
    counts = [(item["as_of"], item["paid_men"], item["paid_women"]) for item in first["items"] + rest["items"]]
    assert counts == [(ago(0), 3, None), (ago(30), 5, None)]
    facts = [fact for fact in await registry.facts() if fact[0] == "business.workers_recorded"]
    assert facts == [("business.workers_recorded", sequence) for sequence in (2, 3, 4, 5)]


async def test_a_business_that_was_never_counted_has_no_workers(clerk: Caller, business: str) -> None:
    assert (await clerk.get(f"/businesses/{business}/workers")).json() == {"items": [], "next": None}
