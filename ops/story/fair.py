"""A fair of the office that is still ahead, in another time zone: a deadline that passes, a reserve that moves, places confirmed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ops.story import fairs
from ops.story.plan import Plan, story_year
from ops.story.scene import Notes, Scene, until

TITLE = "Pameran dinas di Jakarta: batas pendaftaran, kurasi, cadangan yang naik, konfirmasi"
ZONE = "Asia/Jakarta"
BOOTHS = 2
AHEAD_DAYS = 14


async def play(scene: Scene, notes: Notes) -> None:
    """Open the fair, wait for its deadline, choose, and let one place move on."""
    plan = scene.plan
    closes = (scene.now() + timedelta(seconds=plan.window)).replace(microsecond=0)
    day = closes.astimezone(ZoneInfo(ZONE)).date() + timedelta(days=AHEAD_DAYS)
    capacity, rest = divmod(plan.fair_places, BOOTHS)
    exhibition_id = await fairs.open_exhibition(scene, _form(day, closes), [capacity, capacity + rest])
    people = scene.cast[: plan.fair_applicants]
    await fairs.apply_all(scene, "pendaftaran pameran", exhibition_id, people)
    path = f"/exhibitions/{exhibition_id}/applications"
    twice = scene.clients.post("events", path, people[0].form())
    await notes.refused("pendaftaran kedua untuk pameran yang sama", "sudah-mendaftar", twice)
    await fairs.score_all(scene, "nilai pameran", exhibition_id, await fairs.applications(scene, exhibition_id))
    await notes.refused("kurasi sebelum batas", "pendaftaran-masih-buka", fairs.curate(scene, exhibition_id))
    await until(closes, scene.now)
    late = scene.clients.post("events", path, scene.cast[plan.fair_applicants].form())
    await notes.refused("pendaftaran pameran sesudah batas", "pendaftaran-ditutup", late)
    await _choose(scene, notes, exhibition_id, plan)
    if day.year == story_year(scene.now()):
        placed = await fairs.applications(scene, exhibition_id, "dikonfirmasi")
        scene.expected.placed |= {item["business_id"] for item in placed}


async def _choose(scene: Scene, notes: Notes, exhibition_id: str, plan: Plan) -> None:
    """Curate and place; who gives up a place hands it to the first in reserve, booth and wave unchanged."""
    await fairs.curate(scene, exhibition_id)
    await fairs.place_all(scene, exhibition_id)
    found = await fairs.applications(scene, exhibition_id)
    first = min((item for item in found if item["state"] == "ditempatkan"), key=lambda item: item["rank"])
    heir = min((item for item in found if item["state"] == "cadangan"), key=lambda item: item["rank"])
    await fairs.withdraw(scene, first)
    moved = await scene.clients.get("events", f"/applications/{heir['id']}")
    where = ("ditempatkan", first["booth_id"], first["wave"])
    notes.check("cadangan pertama mendapat tempat itu", where, (moved["state"], moved["booth_id"], moved["wave"]))
    await fairs.confirm_all(scene, "konfirmasi pameran", exhibition_id)
    counted = await fairs.states(scene, exhibition_id)
    planned = (plan.fair_places, plan.fair_applicants - plan.fair_places - 1, 1)
    seen = (counted["dikonfirmasi"], counted["cadangan"], counted["mengundurkan_diri"])
    notes.check("pameran: dikonfirmasi, cadangan, mundur", planned, seen)
    notes.check("pameran: tempat terisi, melebihi", (plan.fair_places, 0), await fairs.overfull(scene, exhibition_id))


def _form(day: date, closes: datetime) -> dict[str, Any]:
    first = datetime.combine(day, time(9), ZoneInfo(ZONE))
    return {
        "title": "Pameran Nusantara",
        "place": "Jakarta Convention Center",
        "zone": ZONE,
        "starts_on": day.isoformat(),
        "ends_on": day.isoformat(),
        "closes_at": closes.isoformat(),
        "waves": [{"starts_at": first.isoformat(), "ends_at": (first + timedelta(hours=9)).isoformat()}],
        "criteria": list(fairs.CRITERIA),
        "curators": 2,
    }
