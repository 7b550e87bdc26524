"""How far businesses have come: assessments over five aspects that rise, and who is ready for export."""

from __future__ import annotations

from datetime import date, timedelta

from ops.clients import Json
from ops.story.scene import MENTORS, Member, Notes, Scene, each
from shared.contracts.progress import Aspect
from shared.wita import WITA

TITLE = "Perkembangan: penilaian lima aspek oleh pendamping, kesiapan ekspor"
LEVELS = (2, 4)
"""What the aspects are scored at the first and at the second look."""
LACKING = "kode_hs"
"""The item that a business lacks which is not ready."""


async def play(scene: Scene, notes: Notes) -> None:
    """Assess the businesses that have a mentor twice, go through the checklist of some, and look who is ready."""
    plan, today = scene.plan, scene.now().astimezone(WITA).date()
    # The first of those who have a mentor was handed over to the second mentor.
    mentored = [(member, number % len(MENTORS)) for number, member in enumerate(scene.cast[: plan.mentored])][1:]
    histories = await each(scene, "penilaian", mentored, lambda pair: _assess(scene, *pair, today))
    rising = [[item["scores"]["pemasaran"] for item in history] for history in histories]
    notes.check("penilaian yang naik", [list(LEVELS)] * len(mentored), rising)
    checklist = (await scene.clients.get("registry", "/export-checklists"))[-1]
    codes = [item["code"] for item in checklist["items"]]
    ready = await each(
        scene, "ekspor", list(enumerate(scene.cast[: plan.export])), lambda item: _check(scene, *item, codes, today)
    )
    notes.check(
        "siap ekspor, belum siap", (plan.export - plan.export // 2, plan.export // 2), (sum(ready), ready.count(False))
    )


async def _version(scene: Scene, member: Member) -> int:
    return int((await scene.clients.get("registry", f"/businesses/{member.business_id}"))["version"])


async def _assess(scene: Scene, member: Member, mentor: int, today: date) -> list[Json]:
    """Let a mentor assess a business twice, half a year apart; return what the registry keeps of it."""
    path, version = f"/businesses/{member.business_id}/assessments", await _version(scene, member)
    for level, day in zip(LEVELS, (today - timedelta(days=180), today), strict=True):
        form = {"scores": {aspect.value: level for aspect in Aspect}, "assessed_on": day.isoformat()}
        saved = await scene.clients.post("registry", path, form, version=version, who=MENTORS[mentor])
        version = saved["version"]
    items: list[Json] = (await scene.clients.get("registry", path))["items"]
    return items


async def _check(scene: Scene, number: int, member: Member, codes: list[str], today: date) -> bool:
    """Go through the checklist of a business; every second lacks something. Return whether it is ready."""
    path = f"/businesses/{member.business_id}/export-readiness"
    items = {code: not (code == LACKING and number % 2) for code in codes}
    form = {"items": items, "as_of": today.isoformat()}
    await scene.clients.put("registry", path, form, version=await _version(scene, member))
    return bool((await scene.clients.get("registry", path))["items"][-1]["ready"])
