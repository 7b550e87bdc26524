"""Mentors and mentoring by HTTP: who may, what is refused, weeks, and the ends that come of something else."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.registry.commands.mentoring import RecordVisit
from services.registry.handlers.mentoring import record_visit
from shared.auth import Role
from shared.contracts.mentoring import MentoringVisited, VisitWay
from shared.contracts.privacy import Privacy
from shared.identifiers import new_id
from shared.outbox import Cause
from shared.wita import WITA
from tests.kernel.locks import until_waiting
from tests.registry.conftest import MANGGAR, PRAPATAN, Caller, Registry, make_mentor, verify
from tests.stack.servers import Database

NOTE = "Bu Siti, 081200000001, mengeluh soal modal"


def today() -> date:
    """Return the day in Balikpapan."""
    return datetime.now(WITA).date()


def ago(days: int) -> str:
    """Return the day so many days ago."""
    return (today() - timedelta(days=days)).isoformat()


def slug(answer: Any) -> str:
    """Return the rule that refused."""
    return str(answer.json()["type"].rpartition(":")[2])


async def begin(checker: Caller, business: str, mentor: str, day: str | None = None) -> str:
    """Start a mentoring and return its id."""
    body = {"mentor_id": mentor, "started_on": day}
    return str((await checker.post(f"/businesses/{business}/mentorings", body)).raise_for_status().json()["id"])


@pytest.fixture
async def mentoring(checker: Caller, verified: str, mentor: str) -> str:
    """A mentoring that began thirty days ago, version 1."""
    return await begin(checker, verified, mentor, ago(30))


@pytest.fixture
def ani(registry: Registry) -> Caller:
    """The mentor's own token."""
    return registry.caller(Role.PENDAMPING, subject="pendamping-a")


async def told(registry: Registry, topic: str) -> list[tuple[str, int, dict[str, Any]]]:
    """Return name, sequence and data of the facts of a topic, in order."""
    rows = await registry.pool.fetch("SELECT type, sequence, data FROM outbox WHERE topic = $1 ORDER BY id", topic)
    return [
        (row["type"].split(".umkm.")[1].removesuffix(".v1"), row["sequence"], json.loads(row["data"])) for row in rows
    ]


async def test_a_mentoring_from_start_to_end_with_one_fact_each(
    registry: Registry, checker: Caller, ani: Caller, verified: str, mentor: str, mentoring: str
) -> None:
    path = f"/mentorings/{mentoring}"
    visit = {"visited_on": ago(20), "way": "kunjungan", "aspects": ["pemasaran", "keuangan", "pemasaran"], "note": NOTE}
    assert (await ani.post(f"{path}/visits", visit, 1)).json() == {"id": mentoring, "version": 2}
    other = await make_mentor(checker, "pendamping-b")
    assert (await checker.post(f"{path}/hand-over", {"mentor_id": other}, 2)).status_code == 200
    assert (await checker.post(f"{path}/end", {"cause": "selesai"}, 3)).status_code == 200
    shown = (await checker.get(path)).json()
    assert (shown["version"], shown["mentor_id"], shown["cause"]) == (4, other, "selesai")
    facts = await told(registry, "umkm.mentoring")
    assert [(name, sequence) for name, sequence, _ in facts] == [
        ("mentoring.started", 1),
        ("mentoring.visited", 2),
        ("mentoring.handed_over", 3),
        ("mentoring.ended", 4),
    ]
    assert facts[1][2]["aspects"] == ["pemasaran", "keuangan"]
    assert (facts[2][2]["mentor_id"], facts[2][2]["previous_mentor_id"]) == (other, mentor)
    assert not any("Siti" in json.dumps(data) for _, _, data in facts)
    notes = (await checker.get(f"{path}/visits")).json()["items"]
    assert [(item["note"], item["mentor_id"]) for item in notes] == [(NOTE, mentor)]
    sources = await registry.pool.fetch("SELECT type, partition_key FROM outbox WHERE topic = 'umkm.mentor'")
    assert len(sources) == 2


async def test_the_audit_sees_mentors_and_mentorings(registry_db: Database, mentoring: str) -> None:
    auditor = await asyncpg.connect(registry_db.audit_dsn)
    try:
        rows = await auditor.fetch("SELECT topic, sum(version)::int FROM audit.source GROUP BY 1")
    finally:
        await auditor.close()
    assert dict(map(tuple, rows)) == {"umkm.owner": 1, "umkm.business": 3, "umkm.mentor": 1, "umkm.mentoring": 1}


async def test_only_the_office_gives_a_mentor_and_only_the_mentor_or_the_office_visits(
    registry: Registry, checker: Caller, ani: Caller, verified: str, mentor: str, mentoring: str
) -> None:
    stranger = registry.caller(Role.PENDAMPING, subject="pendamping-x")
    officer = registry.caller(Role.PETUGAS_KELURAHAN, subject="manggar", kelurahan=MANGGAR)
    elsewhere = registry.caller(Role.PETUGAS_KELURAHAN, subject="prapatan", kelurahan=PRAPATAN)
    visit, path = {"visited_on": ago(1)}, f"/mentorings/{mentoring}"
    refused = await stranger.post(f"{path}/visits", visit, 1)
    assert (refused.status_code, slug(refused)) == (403, "bukan-pendampingnya")
    assert (await officer.post(f"{path}/visits", visit, 1)).status_code == 403
    assert (await ani.post("/mentors", {"account": "x", "weekly_target": 1})).status_code == 403
    assert (await ani.post(f"{path}/end", {"cause": "selesai"}, 1)).status_code == 403
    for hidden in (
        path,
        f"{path}/visits",
        f"/mentors/{mentor}",
        f"/mentors/{mentor}/weeks",
        f"/mentors/{mentor}/mentorings",
    ):
        assert (await stranger.get(hidden)).status_code == 403, hidden
        assert (await ani.get(hidden)).status_code == 200, hidden
    assert (await stranger.get("/mentors")).json()["items"] == []
    assert [item["id"] for item in (await ani.get("/mentors")).json()["items"]] == [mentor]
    assert len((await officer.get(f"/businesses/{verified}/mentorings")).json()["items"]) == 1
    assert (await elsewhere.get(f"/businesses/{verified}/mentorings")).status_code == 404
    assert (await checker.post(f"{path}/visits", visit, 1)).status_code == 200
    assert (await ani.post(f"{path}/visits", visit, 2)).status_code == 200


async def test_what_does_not_fit_is_refused_with_its_rule(
    registry: Registry, checker: Caller, ani: Caller, owner: str, verified: str, mentor: str, mentoring: str
) -> None:
    path, missing = f"/mentorings/{mentoring}", "01900000-0000-7000-8000-000000000000"
    start = f"/businesses/{verified}/mentorings"
    draft = (await checker.post("/businesses", {"owner_ids": [owner], "name": "Kios", "kelurahan": MANGGAR})).json()[
        "id"
    ]
    there = await make_mentor(checker, "pendamping-b", PRAPATAN)
    cases = [
        (await checker.post(start, {"mentor_id": mentor}), 409, "sudah-didampingi"),
        (await checker.post(start, {"mentor_id": missing}), 409, "sudah-didampingi"),
        (await checker.post(f"/businesses/{missing}/mentorings", {"mentor_id": mentor}), 404, "usaha-tidak-ada"),
        (await checker.post(f"/businesses/{draft}/mentorings", {"mentor_id": mentor}), 409, "usaha-belum-terverifikasi"),
        (await checker.post("/mentors", {"account": "pendamping-a", "weekly_target": 1}), 409, "akun-pendamping-terpakai"),
        (await checker.post("/mentors", {"account": "y", "weekly_target": 1, "kelurahan": ["64.71.09.9999"]}), 422, "kelurahan-tidak-dikenal"),
        (await ani.post(f"{path}/visits", {"visited_on": ago(31)}, 1), 422, "tanggal-pendampingan"),
        (await ani.post(f"{path}/visits", {"visited_on": ago(-1)}, 1), 422, "isi-tidak-sah"),
        (await ani.post(f"{path}/visits", {"visited_on": ago(1), "aspects": ["modal"]}, 1), 422, "isi-tidak-sah"),
        (await ani.post(f"{path}/visits", {"visited_on": ago(1)}, 7), 412, "versi-usang"),
        (await ani.post(f"/mentorings/{missing}/visits", {"visited_on": ago(1)}, 1), 404, "pendampingan-tidak-ada"),
        (await checker.post(f"{path}/hand-over", {"mentor_id": mentor}, 1), 409, "pendamping-sama"),
        (await checker.post(f"{path}/hand-over", {"mentor_id": missing}, 1), 404, "pendamping-tidak-ada"),
        (await checker.post(f"{path}/hand-over", {"mentor_id": there}, 1), 409, "di-luar-wilayah-pendamping"),
        (await checker.post(f"{path}/end", {"cause": "selesai", "ended_on": ago(31)}, 1), 422, "tanggal-pendampingan"),
        (await checker.post(f"/mentors/{mentor}/end", {}, 1), 409, "usaha-belum-dialihkan"),
    ]  # fmt: skip
    assert [(answer.status_code, slug(answer)) for answer, _, _ in cases] == [
        (status, rule) for _, status, rule in cases
    ]
    assert [name for name, _, _ in await told(registry, "umkm.mentoring")] == ["mentoring.started"]


async def test_a_mentor_ends_after_the_hand_over_and_the_account_may_begin_anew(
    checker: Caller, mentor: str, mentoring: str
) -> None:
    other = await make_mentor(checker, "pendamping-b")
    assert (await checker.post(f"/mentorings/{mentoring}/hand-over", {"mentor_id": other}, 1)).status_code == 200
    assert (await checker.post(f"/mentors/{mentor}/end", {}, 1)).json()["version"] == 2
    assert (await checker.get(f"/mentors/{mentor}")).json()["ended_on"] == today().isoformat()
    back = await checker.post(f"/mentorings/{mentoring}/hand-over", {"mentor_id": mentor}, 2)
    assert (back.status_code, slug(back)) == (409, "pendamping-berhenti")
    assert await make_mentor(checker, "pendamping-a") != mentor


async def test_weeks_count_visits_against_the_target_of_then_and_stay_with_who_made_them(
    registry: Registry, checker: Caller, ani: Caller, mentor: str, mentoring: str
) -> None:
    monday = today() - timedelta(days=today().weekday())
    sunday_before, monday_before = monday - timedelta(days=1), monday - timedelta(days=7)
    await registry.pool.execute("UPDATE mentor_target SET since = $1", monday_before)
    version = 1
    for day in (monday, sunday_before, monday_before):
        answer = await ani.post(f"/mentorings/{mentoring}/visits", {"visited_on": day.isoformat()}, version)
        version = answer.raise_for_status().json()["version"]
    changed = await checker.put(f"/mentors/{mentor}", {"kelurahan": [MANGGAR], "weekly_target": 5}, 1)
    assert changed.json()["version"] == 2
    other = await make_mentor(checker, "pendamping-b")
    await checker.post(f"/mentorings/{mentoring}/hand-over", {"mentor_id": other}, version)
    first = (await ani.get(f"/mentors/{mentor}/weeks?limit=1")).json()
    assert first["next"] == sunday_before.isoformat()
    second = (await ani.get(f"/mentors/{mentor}/weeks?limit=1&until={first['next']}")).json()
    weeks = [
        (w["monday"], w["visits"], w["businesses"], w["target"], w["met"]) for w in first["items"] + second["items"]
    ]
    assert weeks == [(monday.isoformat(), 1, 1, 5, False), (monday_before.isoformat(), 2, 1, 2, True)]
    assert second["next"] is None
    assert (await checker.get(f"/mentors/{other}/weeks?limit=1")).json()["items"][0]["visits"] == 0


@pytest.mark.parametrize(
    ("deed", "cause"),
    [("closure", "usaha_tutup"), ("merge", "lainnya"), ("erasure", "pemilik_dihapus")],
)
async def test_what_ends_a_business_ends_its_mentoring_in_the_same_transaction(
    registry: Registry, checker: Caller, clerk: Caller, owner: str, verified: str, mentoring: str, deed: str, cause: str
) -> None:
    other = (await clerk.post("/businesses", {"owner_ids": [owner], "name": "Kios", "kelurahan": MANGGAR})).json()["id"]
    path, body, version = {
        "closure": (f"/businesses/{verified}/closure", {"reason": "Pindah kota", "closed_on": ago(40)}, 3),
        "merge": (f"/businesses/{verified}/merge", {"into_id": other}, 3),
        "erasure": (f"/owners/{owner}/erasure", None, 1),
    }[deed]
    assert (await checker.post(path, body, version)).status_code == 200
    name, sequence, data = (await told(registry, "umkm.mentoring"))[-1]
    assert (name, sequence, data["cause"]) == ("mentoring.ended", 2, cause)
    assert data["ended_on"] == (ago(30) if deed == "closure" else today().isoformat())
    xids = await registry.pool.fetch(
        "SELECT DISTINCT xmin::text FROM mentoring UNION SELECT xmin::text FROM business WHERE id = $1", verified
    )
    assert len(xids) == 1
    assert (await checker.get(f"/mentorings/{mentoring}")).json()["cause"] == cause


async def test_rest_and_change_of_a_business_leave_its_mentoring(
    checker: Caller, ani: Caller, verified: str, mentoring: str
) -> None:
    assert (await checker.post(f"/businesses/{verified}/deactivation", {"reason": "Libur dulu"}, 3)).status_code == 200
    assert (await ani.post(f"/mentorings/{mentoring}/visits", {"visited_on": ago(1)}, 1)).status_code == 200


async def test_erasure_empties_the_notes_and_nobody_mentors_what_has_no_owner(
    registry: Registry, checker: Caller, ani: Caller, owner: str, verified: str, mentor: str, mentoring: str
) -> None:
    visit = {"visited_on": ago(3), "note": NOTE}
    assert (await ani.post(f"/mentorings/{mentoring}/visits", visit, 1)).status_code == 200
    assert (await checker.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    for table in ("mentor", "mentoring", "mentoring_visit", "outbox", "idempotency_key"):
        text = "".join(str(tuple(row)) for row in await registry.pool.fetch(f"SELECT * FROM {table}"))
        assert not any(word in text for word in ("Siti", "81200000001")), table
    late = await ani.post(f"/mentorings/{mentoring}/visits", visit, 3)
    assert (late.status_code, slug(late)) == (409, "pendampingan-berakhir")
    again = await checker.post(f"/businesses/{verified}/mentorings", {"mentor_id": mentor})
    assert (again.status_code, slug(again)) == (410, "pemilik-dihapus")


async def test_a_note_that_is_written_while_an_owner_is_erased_is_emptied_too(
    registry: Registry, checker: Caller, owner: str, verified: str, mentoring: str
) -> None:
    command = RecordVisit(UUID(mentoring), 1, new_id(), today(), VisitWay.TELEPON, (), NOTE)
    cause = Cause("uji", None, "pendamping-a", "command", None, datetime.now(UTC))
    async with registry.pool.acquire() as connection, connection.transaction():
        await record_visit(connection, command, "pendamping-a", cause)
        erasing = asyncio.create_task(checker.post(f"/owners/{owner}/erasure", None, 1))
        await until_waiting(registry.pool)
    assert (await erasing).status_code == 200
    assert await registry.pool.fetchval("SELECT count(*) FROM mentoring_visit WHERE note IS NULL") == 1
    facts = [(name, sequence) for name, sequence, _ in await told(registry, "umkm.mentoring")]
    assert facts == [("mentoring.started", 1), ("mentoring.visited", 2), ("mentoring.ended", 3)]


async def test_the_running_login_changes_nothing_of_a_visit_but_its_note(registry: Registry, mentoring: str) -> None:
    for statement in (
        "UPDATE mentoring_visit SET visited_on = now()",
        "DELETE FROM mentoring_visit",
        "DELETE FROM mentor",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await registry.pool.execute(statement)


@pytest.mark.parametrize("position", [0, 1])
async def test_where_another_owner_is_left_the_mentoring_goes_on_without_its_notes(
    registry: Registry, clerk: Caller, checker: Caller, ani: Caller, owner: str, mentor: str, position: int
) -> None:
    second = (await clerk.post("/owners", {"name": "Budi", "nik": "6471010506859902"})).json()["id"]
    owners = [owner, second] if position == 0 else [second, owner]
    body = {"owner_ids": owners, "name": "Toko Berdua", "kelurahan": MANGGAR}
    business = await verify(clerk, checker, (await clerk.post("/businesses", body)).json()["id"])
    mentoring = await begin(checker, business, mentor, ago(5))
    visit = {"visited_on": ago(3), "note": NOTE}
    assert (await ani.post(f"/mentorings/{mentoring}/visits", visit, 1)).status_code == 200
    assert (await checker.post(f"/owners/{owner}/erasure", None, 1)).status_code == 200
    assert await registry.pool.fetchval("SELECT count(*) FROM mentoring_visit WHERE note IS NOT NULL") == 0
    assert (await ani.post(f"/mentorings/{mentoring}/visits", visit, 2)).status_code == 200


async def test_a_repeated_start_has_one_effect(registry: Registry, checker: Caller, verified: str, mentor: str) -> None:
    body = {"mentor_id": mentor}
    first, second = [await checker.post(f"/businesses/{verified}/mentorings", body, key="satu") for _ in range(2)]
    assert (first.status_code, first.json()) == (201, second.json())
    assert first.headers["location"] == f"/mentorings/{first.json()['id']}"
    assert len(await told(registry, "umkm.mentoring")) == 1


def test_a_visit_tells_of_no_note() -> None:
    assert "note" not in MentoringVisited.model_fields
    assert Privacy.PERSONAL not in {item for f in MentoringVisited.model_fields.values() for item in f.metadata}
