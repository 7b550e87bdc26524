"""Businesses that move up a class, and the people they give work."""

from __future__ import annotations

from datetime import date, timedelta

from ops.clients import Json
from ops.story.plan import story_year
from ops.story.scene import Member, Notes, Scene, each, gathered
from shared.wita import WITA

TITLE = "Naik kelas dengan buktinya, dan tenaga kerja pada dua hari"
BEFORE = {"paid_men": 1, "paid_women": 1, "unpaid_men": 0, "unpaid_women": 1}
AFTER = {"paid_men": 2, "paid_women": 3, "unpaid_men": 0, "unpaid_women": 1}
GAINED = 1, 2
"""Men and women that a business gave work between the two counts."""


async def play(scene: Scene, notes: Notes) -> None:
    """Record the higher classes and count the workers twice, then ask the registry for both."""
    plan, today = scene.plan, scene.now().astimezone(WITA).date()
    await each(scene, "naik kelas", scene.cast[: plan.rises], lambda member: _rise(scene, member))
    counted = scene.cast[-plan.jobs :]
    first = max(date(story_year(scene.now()), 1, 15), today - timedelta(days=330))
    await each(scene, "tenaga kerja", counted, lambda member: _count_workers(scene, member, (first, today)))
    if today.year == first.year:  # else the second count is of the year after the one that is told
        scene.expected.gained = {member.business_id: GAINED for member in counted}
    found = await each(scene, "usaha", scene.cast, lambda member: _show(scene, member))
    higher = sum(business["kelas"]["kelas"] == "kecil" for business in found[: plan.rises])
    notes.check("usaha yang naik dari mikro ke kecil", plan.rises, higher)
    scene.expected.mail("business_class_up", plan.rises)
    workers = sum(sum(business["workers"].values()) for business in found[-plan.jobs :])
    notes.check("tenaga kerja yang tercatat", plan.jobs * sum(AFTER.values()), workers)
    since = date(story_year(scene.now()), 1, 1).isoformat()
    rises = await gathered(scene.clients.pages("registry", "/class-rises", since=since))
    notes.check("daftar naik kelas di registri", plan.rises, len({item["business_id"] for item in rises}))
    history = await scene.clients.get("registry", f"/businesses/{counted[0].business_id}/workers")
    days = [(item["as_of"], item["paid_women"]) for item in history["items"]]
    planned = [(today.isoformat(), AFTER["paid_women"]), (first.isoformat(), BEFORE["paid_women"])]
    notes.check("riwayat tenaga kerja satu usaha", planned, days)
    await _refusals(scene, notes, found)


async def _refusals(scene: Scene, notes: Notes, found: list[Json]) -> None:
    """Move a business up without evidence, and change a class that somebody changed since."""
    micro = next((item for item in found if item["kelas"]["kelas"] == "mikro"), None)
    if micro is not None:
        bare = _class(scene) | {"evidence": []}
        deed = scene.clients.put("registry", f"/businesses/{micro['id']}/class", bare, version=micro["version"])
        await notes.refused("naik kelas tanpa bukti", "bukti-naik-kelas", deed)
    stale = scene.clients.put("registry", f"/businesses/{found[0]['id']}/class", _class(scene), version=1)
    await notes.refused("kelas dengan versi usang", "versi-usang", stale)


async def _show(scene: Scene, member: Member) -> Json:
    found: Json = await scene.clients.get("registry", f"/businesses/{member.business_id}")
    return found


def _class(scene: Scene) -> Json:
    return {
        "kelas": "kecil",
        "basis": "penjualan",
        "year": story_year(scene.now()),
        "source": "laporan keuangan",
        "evidence": ["laporan_keuangan"],
    }


async def _rise(scene: Scene, member: Member) -> None:
    """Move a business up, which the figures of its report show."""
    seen = await _show(scene, member)
    path = f"/businesses/{member.business_id}/class"
    await scene.clients.put("registry", path, _class(scene), version=seen["version"])
    member.kelas = "kecil"
    scene.expected.risen.add(member.business_id)


async def _count_workers(scene: Scene, member: Member, days: tuple[date, date]) -> None:
    """Count the workers of a business on two days."""
    version = (await _show(scene, member))["version"]
    path = f"/businesses/{member.business_id}/workers"
    for day, workers in zip(days, (BEFORE, AFTER), strict=True):
        saved = await scene.clients.put("registry", path, workers | {"as_of": day.isoformat()}, version=version)
        version = saved["version"]
