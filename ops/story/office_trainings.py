"""Trainings of the office itself, with short real deadlines: seats and waiting list, offers that move, selection by priority.

Two batches are open at the same time. In the first, who comes first is in; seats that are given up are offered on, and an
offer that is turned down goes on to the next. In the second the seats are given after the deadline, to the unserved first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ops.clients import Json
from ops.story import batches
from ops.story.plan import story_year
from ops.story.scene import Member, Notes, Scene, until
from shared.wita import WITA

TITLE = "Pelatihan dinas: daftar tunggu bergerak, seleksi setelah batas, lulus dan bersertifikat"
SESSIONS = 2
STEP = timedelta(seconds=2)


async def play(scene: Scene, notes: Notes) -> None:
    """Open both, let people enrol, let seats move, wait for the deadline, select, wait for the sessions, and certify."""
    plan, now = scene.plan, scene.now()
    closes = (now + timedelta(seconds=plan.window)).replace(microsecond=0)
    begins = closes + timedelta(seconds=plan.gap)
    programme = await batches.open_programme(scene, "EKSPOR", "Siap Ekspor")
    first, second = [
        await batches.open_batch(scene, _course(programme, title, now, more), _batch(plan.office_quota, closes, begins, by))
        for title, more, by in (
            ("Siap Ekspor", [], "langsung"),
            ("Siap Ekspor Lanjutan", [{"kind": "utamakan_belum_dilayani"}], "setelah_batas"),
        )
    ]  # fmt: skip
    size = plan.office_quota + plan.office_waiting
    people = scene.cast[-size:]
    await batches.enrol_all(scene, "pendaftaran dinas", first, people)
    await _let_seats_move(scene, notes, first)
    await _enrol_second(scene, notes, second, people)
    await until(closes, scene.now)
    await _select(scene, notes, second)
    late = batches.enrol(scene, first, scene.cast[0])
    await notes.refused("pendaftaran sesudah batas", "pendaftaran-ditutup", late)
    await until(begins + STEP * SESSIONS, scene.now)
    await _finish(scene, notes, (first, second))


async def _let_seats_move(scene: Scene, notes: Notes, batch_id: str) -> None:
    """Give seats up: each is offered to the next who waits; some offers are turned down and go on once more."""
    plan = scene.plan
    counted = await batches.states(scene, batch_id)
    planned = (plan.office_quota, plan.office_waiting)
    notes.check("dinas: diterima, menunggu", planned, (counted["diterima"], counted["daftar_tunggu"]))
    seated = await batches.enrolments(scene, batch_id, "diterima")
    for enrolment in seated[: plan.withdrawals]:
        await batches.withdraw(scene, enrolment)
    offered = await batches.enrolments(scene, batch_id, "ditawari")
    notes.check("dinas: kursi yang dilepas langsung ditawarkan", plan.withdrawals, len(offered))
    for enrolment in offered[: plan.declined]:
        await batches.withdraw(scene, enrolment, "menolak_tawaran")
    offered = await batches.enrolments(scene, batch_id, "ditawari")
    notes.check("dinas: tawaran yang ditolak berpindah", plan.withdrawals, len(offered))
    for enrolment in offered:
        await batches.accept(scene, enrolment)
    counted = await batches.states(scene, batch_id)
    moved = plan.withdrawals + plan.declined
    notes.check(
        "dinas: diterima, menunggu, mundur sesudah bergerak",
        (plan.office_quota, plan.office_waiting - moved, moved),
        (counted["diterima"], counted["daftar_tunggu"], counted["mengundurkan_diri"]),
    )
    notes.check("dinas: kuota, kursi terisi", (plan.office_quota,) * 3, await batches.seats(scene, batch_id))
    _expect_mails(scene, moved)


def _expect_mails(scene: Scene, moved: int) -> None:
    plan = scene.plan
    scene.expected.mail("enrolment_accepted", plan.office_quota + plan.withdrawals)
    scene.expected.mail("enrolment_waitlisted", plan.office_waiting)
    scene.expected.mail("enrolment_offered", moved)
    scene.expected.mail("enrolment_withdrawn", moved)


async def _enrol_second(scene: Scene, notes: Notes, batch_id: str, people: list[Member]) -> None:
    """Enrol as many as wait for a selection; nobody has a seat before the deadline."""
    await batches.enrol_all(scene, "seleksi dinas", batch_id, people)
    counted = await batches.states(scene, batch_id)
    notes.check("seleksi: diajukan sebelum batas", len(people), counted["diajukan"])
    scene.expected.mail("enrolment_received", len(people))


async def _select(scene: Scene, notes: Notes, batch_id: str) -> None:
    """Select after the deadline, and look who came first: by priority, then by arrival."""
    plan = scene.plan
    await scene.clients.post("training", f"/batches/{batch_id}/selection")
    found = await batches.enrolments(scene, batch_id)
    chosen = [item for item in found if item["state"] == "diterima"]
    waiting = [item for item in found if item["state"] == "daftar_tunggu"]
    notes.check("seleksi: diterima, menunggu", (plan.office_quota, plan.office_waiting), (len(chosen), len(waiting)))
    last = max((_turn(item) for item in chosen), default=(0, 0))
    first = min((_turn(item) for item in waiting), default=last)
    notes.check("seleksi: tidak ada yang menunggu di depan yang diterima", True, last <= first)
    scene.expected.mail("enrolment_accepted", len(chosen))
    scene.expected.mail("enrolment_waitlisted", len(waiting))


def _turn(enrolment: Json) -> tuple[int, int]:
    return enrolment["priority"], enrolment["arrival"]


async def _finish(scene: Scene, notes: Notes, both: tuple[str, str]) -> None:
    """Record attendance and results, certify, and let anybody check one of the certificates."""
    quota, year = scene.plan.office_quota, story_year(scene.now())
    absent = quota // 10
    for name, batch_id in zip(("dinas", "seleksi"), both, strict=True):
        passed, certificates = await batches.finish(scene, f"sertifikat {name}", batch_id, absent, SESSIONS)
        planned = (quota - absent,) * 2
        notes.check(f"{name}: lulus, bersertifikat", planned, (len(passed), len(certificates)))
        batches.note_passed(scene, passed, of_the_year=year == scene.now().astimezone(WITA).year)
        seen = await batches.is_valid(scene, certificates[0])
        notes.check(f"{name}: sertifikat berlaku dan bernama bagi siapa pun", (True, True), seen)
        notes.check(f"{name}: kuota, kursi terisi sesudah selesai", (quota,) * 3, await batches.seats(scene, batch_id))


def _course(programme_id: str, title: str, now: datetime, more: list[dict[str, Any]]) -> dict[str, Any]:
    today = now.astimezone(WITA).date()
    return {
        "programme_id": programme_id,
        "title": title,
        "starts_on": today.isoformat(),
        # It may be shortly before midnight.
        "ends_on": (today + timedelta(days=1)).isoformat(),
        "requirements": [{"kind": "terverifikasi"}, *more],
    }


def _batch(quota: int, closes: datetime, begins: datetime, selection: str) -> dict[str, Any]:
    return {
        "place": "Aula DKUMKMP",
        "quota": quota,
        "closes_at": closes.isoformat(),
        "selection": selection,
        "sessions": batches.sessions(begins, SESSIONS, STEP, timedelta(seconds=1)),
    }
