"""Trainings that partners held over the year: their lists come afterwards, seats are filled to the quota, certificates issued."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from ops.story import batches
from ops.story.partners import BANK, CREATIVE, IPEMI
from ops.story.plan import past_days
from ops.story.scene import Member, Notes, Scene, gathered
from shared.wita import WITA

TITLE = "Pelatihan mitra sepanjang tahun: daftar peserta, kehadiran, kelulusan, sertifikat"
HOLDERS = (IPEMI, BANK, CREATIVE)
SUBJECTS = (
    ("DIGI", "Pemasaran Digital"),
    ("HALAL", "Sertifikasi Halal"),
    ("KEMAS", "Kemasan Produk"),
    ("KEU", "Pembukuan Sederhana"),
)
SESSIONS = 3


async def play(scene: Scene, notes: Notes) -> None:
    """Hold the partners' batches one after the other; the last is of the programme of the first."""
    plan = scene.plan
    size = plan.partner_quota + plan.partner_waiting
    programmes = {code: await batches.open_programme(scene, code, title) for code, title in SUBJECTS}
    for number, day in enumerate(past_days(scene.now(), plan.partner_batches)):
        last = number == plan.partner_batches - 1
        code, title = SUBJECTS[0 if last else number % len(SUBJECTS)]
        start = number * size % max(1, len(scene.cast) - size)
        people = scene.cast[start : start + size]
        form = _course(programmes[code], title, scene.partners[HOLDERS[number % len(HOLDERS)]], day)
        batch_id = await batches.open_batch(scene, form, _batch(day, plan.partner_quota))
        if last:
            again = batches.enrol(scene, batch_id, next(member for member in scene.cast if member.trained))
            await notes.refused("program yang sama dua kali setahun", "syarat-tidak-terpenuhi", again)
        await _hold(scene, notes, batch_id, people, number)
    await _check_holders(scene, notes)


async def _check_holders(scene: Scene, notes: Notes) -> None:
    """Hold what the trainings call the partners of their courses against what the registry calls them."""
    names = {partner_id: title for title, partner_id in scene.partners.items()}
    courses = await gathered(scene.clients.pages("training", "/courses"))
    held = {item["partner_id"]: item["partner"] for item in courses if item["held_by"] == "mitra"}
    used = HOLDERS[: scene.plan.partner_batches]
    notes.check("mitra pelatihan menurut id dan nama", {i: names[i] for i in names if names[i] in used}, held)


async def _hold(scene: Scene, notes: Notes, batch_id: str, people: list[Member], number: int) -> None:
    """Play one batch to its certificates."""
    plan, name = scene.plan, f"angkatan mitra {number + 1}"
    await batches.enrol_all(scene, name, batch_id, people)
    counted = await batches.states(scene, batch_id)
    notes.check(
        f"{name}: diterima, menunggu",
        (plan.partner_quota, plan.partner_waiting),
        (counted["diterima"], counted["daftar_tunggu"]),
    )
    notes.check(f"{name}: kuota, kursi terisi", (plan.partner_quota,) * 3, await batches.seats(scene, batch_id))
    scene.expected.mail("enrolment_accepted", counted["diterima"])
    scene.expected.mail("enrolment_waitlisted", counted["daftar_tunggu"])
    absent = plan.partner_quota // 10
    passed, certificates = await batches.finish(scene, f"sertifikat mitra {number + 1}", batch_id, absent, SESSIONS)
    planned = (plan.partner_quota - absent,) * 2
    notes.check(f"{name}: lulus, bersertifikat", planned, (len(passed), len(certificates)))
    batches.note_passed(scene, passed)
    if number == 0:
        again = batches.enrol(scene, batch_id, people[0])
        await notes.refused("pendaftaran kedua pada angkatan yang sama", "sudah-terdaftar", again)


def _course(programme_id: str, title: str, partner_id: str, day: date) -> dict[str, Any]:
    return {
        "programme_id": programme_id,
        "title": title,
        "held_by": "mitra",
        "partner_id": partner_id,
        "starts_on": day.isoformat(),
        "ends_on": (day + timedelta(days=SESSIONS - 1)).isoformat(),
        "requirements": [{"kind": "terverifikasi"}, {"kind": "sekali_setahun"}],
    }


def _batch(day: date, quota: int) -> dict[str, Any]:
    first = datetime.combine(day, time(9), WITA)
    return {
        "place": "Aula mitra",
        "quota": quota,
        "closes_on": (day - timedelta(days=1)).isoformat(),
        "sessions": batches.sessions(first, SESSIONS, timedelta(days=1), timedelta(hours=6)),
    }
