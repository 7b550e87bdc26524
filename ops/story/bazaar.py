"""The bazaar of a partner: few booths, many businesses in waves; curation, places that move, and sales that come late."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import Any

from ops.clients import Json
from ops.story import fairs
from ops.story.partners import IPEMI
from ops.story.plan import Plan, past_days
from ops.story.scene import Notes, Scene, each, gathered
from shared.wita import WITA

TITLE = "Bazar mitra: sedikit stan, banyak usaha bergelombang; kurasi, cadangan, penjualan yang terlambat dilaporkan"
NAME = "Bazar Kuliner Balikpapan"
WAVE_DAYS = 2
LEAST, MOST = 150_000, 2_500_000
"""Rupiah that a business sells on a day."""


async def play(scene: Scene, notes: Notes) -> None:
    """Play the bazaar from the applications to the total that anybody may see."""
    plan = scene.plan
    await scene.settle()  # the curation reads who was trained and verified
    day = past_days(scene.now(), 3)[1]
    exhibition_id = await fairs.open_exhibition(scene, _form(plan, scene.partners[IPEMI], day), _capacities(plan))
    people = scene.cast[::2][: plan.applicants]  # some of them trained, by partners and by the office, some not
    await fairs.apply_all(scene, "pendaftaran bazar", exhibition_id, people)
    found = await fairs.applications(scene, exhibition_id)
    await _curate(scene, notes, exhibition_id, found)
    await _move_places(scene, notes, exhibition_id)
    placed = await _hold(scene, notes, exhibition_id)
    scene.expected.placed |= {item["business_id"] for item in placed}
    await _sell(scene, notes, exhibition_id)


def _capacities(plan: Plan) -> list[int]:
    """Return the capacity of each booth; together they have the places of a wave."""
    least, more = divmod(plan.wave_places, plan.booths)
    return [least + (number < more) for number in range(plan.booths)]


def _form(plan: Plan, partner_id: str, day: date) -> dict[str, Any]:
    waves = []
    for number in range(plan.bazaar_waves):
        first = datetime.combine(day + timedelta(days=WAVE_DAYS * number), time(10), WITA)
        ends = first + timedelta(days=WAVE_DAYS - 1, hours=11)
        waves.append({"starts_at": first.isoformat(), "ends_at": ends.isoformat()})
    return {
        "title": NAME,
        "held_by": "mitra",
        "partner_id": partner_id,
        "place": "Lapangan Merdeka",
        "starts_on": day.isoformat(),
        "ends_on": (day + timedelta(days=WAVE_DAYS * plan.bazaar_waves - 1)).isoformat(),
        "closes_on": (day - timedelta(days=14)).isoformat(),
        "waves": waves,
        "criteria": list(fairs.CRITERIA),
        "curators": 2,
    }


async def _curate(scene: Scene, notes: Notes, exhibition_id: str, found: list[Json]) -> None:
    """Score and choose; hold what the curation read against what the trainings and the registry did."""
    plan = scene.plan
    histories = await fairs.histories(scene, "riwayat", found)
    trained = {member.business_id: member.trained for member in scene.cast if member.business_id in histories}
    read = {business: history["trainings"] for business, history in histories.items()}
    notes.check("riwayat pelatihan yang dibaca kurasi", trained, read)
    statuses = Counter(history["status"] for history in histories.values())
    notes.check("status registri yang dibaca kurasi", {"terverifikasi": plan.applicants}, dict(statuses))
    await fairs.score_all(scene, "nilai kurator", exhibition_id, found)
    came = await fairs.curate(scene, exhibition_id)
    planned = (plan.placed, plan.applicants - plan.placed, 0)
    notes.check("kurasi: lolos, cadangan, ditolak", planned, (came["passed"], came["reserved"], came["rejected"]))
    await _check_order(scene, notes, exhibition_id, trained)


async def _check_order(scene: Scene, notes: Notes, exhibition_id: str, trained: dict[str, int]) -> None:
    """Look whether the ranks follow the totals, and the totals tell who was trained."""
    found = await fairs.applications(scene, exhibition_id)
    ranked = sorted(found, key=lambda item: item["rank"])
    totals = [item["total"] for item in ranked]
    notes.check("kurasi: peringkat menurut nilai", sorted(totals, reverse=True), totals)
    right = sum(item["scores"]["terlatih"] == fairs.FULL * (trained[item["business_id"]] > 0) for item in found)
    notes.check("kurasi: nilai pelatihan sesuai riwayat", len(found), right)
    held = {member.business_id for member in scene.cast if member.licensed}
    planned = {item["business_id"]: fairs.FULL * (item["business_id"] in held) for item in found}
    read = {item["business_id"]: item["scores"]["legal"] for item in found}
    notes.check("kurasi: nilai legalitas sesuai izin di registri", planned, read)
    notes.check("kurasi: ada pendaftar yang berizin", True, any(planned.values()))


async def _move_places(scene: Scene, notes: Notes, exhibition_id: str) -> None:
    """Give everybody a place; let some give theirs up, which go to the next in reserve."""
    plan = scene.plan
    await fairs.place_all(scene, exhibition_id)
    notes.check("tempat terisi, melebihi kapasitas", (plan.placed, 0), await fairs.overfull(scene, exhibition_id))
    placed = await fairs.applications(scene, exhibition_id, "ditempatkan")
    leavers = sorted(placed, key=lambda item: item["rank"])[: plan.bazaar_withdrawals]
    for item in leavers:
        await fairs.withdraw(scene, item)
    counted = await fairs.states(scene, exhibition_id)
    left = plan.applicants - plan.placed - plan.bazaar_withdrawals
    notes.check(
        "ditempatkan, cadangan, mundur sesudah bergerak",
        (plan.placed, left, plan.bazaar_withdrawals),
        (counted["ditempatkan"], counted["cadangan"], counted["mengundurkan_diri"]),
    )
    notes.check("tempat terisi, melebihi kapasitas", (plan.placed, 0), await fairs.overfull(scene, exhibition_id))


async def _hold(scene: Scene, notes: Notes, exhibition_id: str) -> list[Json]:
    """Confirm, hold the bazaar and record who came; return who had a place."""
    plan = scene.plan
    await fairs.confirm_all(scene, "konfirmasi", exhibition_id)
    placed = sorted(await fairs.applications(scene, exhibition_id, "dikonfirmasi"), key=lambda item: item["rank"])
    away = {item["id"] for item in placed[: plan.no_shows]}
    presences = [{"application_id": item["id"], "present": item["id"] not in away} for item in placed]
    await scene.clients.post("events", f"/exhibitions/{exhibition_id}/attendance", {"presences": presences})
    counted = await fairs.states(scene, exhibition_id)
    planned = (plan.placed - plan.no_shows, plan.no_shows)
    notes.check("ikut, tidak hadir", planned, (counted["ikut"], counted["tidak_hadir"]))
    return placed


async def _sell(scene: Scene, notes: Notes, exhibition_id: str) -> None:
    """Report sales long after the days, some in part and some not at all; then publish the total."""
    plan = scene.plan
    path = f"/exhibitions/{exhibition_id}/sales"
    reports = sorted(await gathered(scene.clients.pages("events", path)), key=lambda item: item["business_id"])
    reporting = reports[plan.never_reported :]
    halves = {item["application_id"] for item in reporting[: plan.half_reported]}
    planned = [(item, _amounts(scene, item, half=item["application_id"] in halves)) for item in reporting]
    await _refusals(scene, notes, reporting[0])
    await each(scene, "laporan penjualan", planned, lambda pair: _report(scene, *pair))
    total = sum(sum(amounts.values()) for _, amounts in planned)
    counted = Counter(item["state"] for item in await gathered(scene.clients.pages("events", path)))
    came = plan.placed - plan.no_shows
    states = {
        "belum_lapor": plan.never_reported,
        "sebagian": plan.half_reported,
        "lapor": came - plan.never_reported - plan.half_reported,
    }
    notes.check("laporan menurut keadaan", states, dict(counted))
    seen = await scene.clients.get("events", f"/exhibitions/{exhibition_id}")
    await scene.clients.post("events", f"/exhibitions/{exhibition_id}/turnover", version=seen["version"])
    public = await scene.clients.anybody("events", f"/exhibitions/{exhibition_id}/turnover")
    shown = (public["participants"], public["reported"], public["not_reported"], public["total"])
    notes.check("omzet bagi siapa pun", (came, len(reporting), plan.never_reported, total), shown)
    scene.expected.turnover += total
    scene.expected.sold |= {item["business_id"] for item in reporting}


def _amounts(scene: Scene, report: Json, *, half: bool) -> dict[str, int]:
    """Return what a business says that it sold, by day; ``half``: it reports its first day only."""
    days = sorted(report["days"])[: 1 if half else None]
    return {day: scene.dice.randrange(LEAST, MOST, 1_000) for day in days}


async def _report(scene: Scene, report: Json, amounts: dict[str, int]) -> None:
    version = report["version"]
    for day, amount in amounts.items():
        path = f"/applications/{report['application_id']}/sales"
        saved = await scene.clients.post("events", path, {"day": day, "amount": amount}, version=version)
        version = saved["version"]


async def _refusals(scene: Scene, notes: Notes, report: Json) -> None:
    """Report what cannot be: fewer than nothing, and a day that has not come."""
    path, day = f"/applications/{report['application_id']}/sales", min(report["days"])
    ahead = (scene.now().astimezone(WITA).date() + timedelta(days=2)).isoformat()
    for what, slug, body in (
        ("penjualan negatif", "penjualan-negatif", {"day": day, "amount": -1}),
        ("penjualan hari depan", "penjualan-hari-depan", {"day": ahead, "amount": 1}),
    ):
        await notes.refused(what, slug, scene.clients.post("events", path, body, version=report["version"]))
