"""A fixed selling place of a partner with a rota: nobody has a second turn more than another, and what is given up goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from ops.clients import Json
from ops.story.partners import BANK, IPEMI
from ops.story.scene import Member, Notes, Scene, each
from shared.wita import WITA, monday_of

TITLE = "Gerai tetap: anggota bergiliran setiap minggu, giliran yang dilepas berpindah"
NAME, PLACE = "Pawon Colang Caling", "Balikpapan Superblock"
WEEK = timedelta(days=7)


async def play(scene: Scene, notes: Notes) -> None:
    """Open the outlet, let members join, open its turns week by week, and let one be given up."""
    plan, today = scene.plan, scene.now().astimezone(WITA).date()
    bank = scene.clients.post("events", "/outlets", _form(scene, BANK, plan.stalls))
    await notes.refused("gerai oleh mitra tanpa peran itu", "mitra-tanpa-peran", bank)
    opened = await scene.clients.post("events", "/outlets", _form(scene, IPEMI, plan.stalls))
    path = f"/outlets/{opened['id']}"
    members = scene.cast[-plan.outlet_members :]
    await each(scene, "anggota gerai", members, lambda member: _join(scene, path, member))
    twice = _join(scene, path, members[0])
    await notes.refused("anggota gerai dua kali", "sudah-anggota", twice)
    # The last of the weeks is this one, so that a turn of it can still be given up.
    weeks = [monday_of(today) - WEEK * number for number in reversed(range(plan.turns))]
    for monday in weeks:
        await scene.clients.post("events", f"{path}/turns", _turn(monday))
    await notes.refused(
        "giliran pada minggu yang sudah terisi",
        "tanggal-giliran",
        scene.clients.post("events", f"{path}/turns", _turn(weeks[-1])),
    )
    seen = await scene.clients.get("events", path)
    _check_rota(scene, notes, seen, members)
    await _pass_on(scene, notes, path, seen)


def _form(scene: Scene, partner: str, stalls: int) -> dict[str, Any]:
    partner_id = scene.partners[partner]
    return {"title": NAME, "held_by": "mitra", "partner_id": partner_id, "place": PLACE, "stalls": stalls}


def _turn(monday: date) -> dict[str, str]:
    return {"starts_on": monday.isoformat(), "ends_on": (monday + timedelta(days=6)).isoformat()}


async def _join(scene: Scene, path: str, member: Member) -> None:
    await scene.clients.post("events", f"{path}/members", member.form())


def _check_rota(scene: Scene, notes: Notes, seen: Json, members: Sequence[Member]) -> None:
    """Compare the turns with the rule: every stall is taken, and nobody is ahead of another by more than one."""
    plan = scene.plan
    notes.check("gerai: mitra pengelola", (scene.partners[IPEMI], IPEMI), (seen["partner_id"], seen["partner"]))
    notes.check("gerai: anggota", {m.business_id for m in members}, {m["business_id"] for m in seen["members"]})
    taken = [len(set(turn["business_ids"])) for turn in seen["turns"]]
    notes.check("gerai: lapak terisi setiap giliran", [plan.stalls] * plan.turns, taken)
    least, more = divmod(plan.stalls * plan.turns, plan.outlet_members)
    fair = sorted([least] * (plan.outlet_members - more) + [least + 1] * more)
    notes.check("gerai: giliran per anggota", fair, sorted(member["turns"] for member in seen["members"]))


async def _pass_on(scene: Scene, notes: Notes, path: str, seen: Json) -> None:
    """Give this week's turn of one business up, twice: one other has it, and the second time nothing changes."""
    turn = max(seen["turns"], key=lambda item: item["number"])
    giver = turn["business_ids"][0]
    for _ in range(2):
        await scene.clients.post("events", f"{path}/turns/{turn['number']}/handovers", {"business_id": giver})
    shown = await scene.clients.get("events", path)
    now = next(set(item["business_ids"]) for item in shown["turns"] if item["number"] == turn["number"])
    before = set(turn["business_ids"])
    moved = (before - now == {giver}, len(now - before), len(now))
    notes.check("gerai: giliran yang dilepas berpindah sekali", (True, 1, scene.plan.stalls), moved)
