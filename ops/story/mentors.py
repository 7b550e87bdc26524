"""Mentors who look after businesses: visits against the weekly target, and a business handed over."""

from __future__ import annotations

from datetime import date, timedelta

from ops.clients import Json
from ops.story.scene import MENTORS, Member, Notes, Scene, each, gathered
from shared.wita import WITA, monday_of

TITLE = "Pendampingan: kunjungan terhadap target, alih pendamping"
VISITS = 2
TARGET = 5


async def play(scene: Scene, notes: Notes) -> None:
    """Register the mentors, give them businesses, let them visit, and hand one business over."""
    plan, today = scene.plan, scene.now().astimezone(WITA).date()
    began = today - timedelta(days=60)
    mentors = [await _register(scene, account) for account in MENTORS]
    looked_after = scene.cast[: plan.mentored]
    pairs = [(member, number % len(mentors)) for number, member in enumerate(looked_after)]
    mentorings = await each(scene, "pendampingan", pairs, lambda pair: _start(scene, pair[0], mentors[pair[1]], began))
    second = _start(scene, looked_after[0], mentors[1], began)
    await notes.refused("pendamping kedua", "sudah-didampingi", second)
    monday = monday_of(today) - timedelta(weeks=2)
    visits = [(mentoring_id, pairs[number][1]) for number, mentoring_id in enumerate(mentorings)]
    await each(scene, "kunjungan", visits, lambda visit: _visit(scene, visit[0], MENTORS[visit[1]], monday))
    await _check_weeks(scene, notes, mentors, monday)
    stranger = scene.clients.post(
        "registry", f"/mentorings/{mentorings[0]}/visits", _form(monday), version=1 + VISITS, who=MENTORS[1]
    )
    await notes.refused("kunjungan oleh pendamping lain", "bukan-pendampingnya", stranger)
    await _hand_over(scene, notes, mentorings[0], mentors[1])


async def _register(scene: Scene, account: str) -> str:
    form = {"account": account, "weekly_target": TARGET}
    return str((await scene.clients.post("registry", "/mentors", form))["id"])


async def _start(scene: Scene, member: Member, mentor_id: str, began: date) -> str:
    form = {"mentor_id": mentor_id, "started_on": began.isoformat()}
    path = f"/businesses/{member.business_id}/mentorings"
    return str((await scene.clients.post("registry", path, form))["id"])


def _form(day: date) -> Json:
    return {
        "visited_on": day.isoformat(),
        "way": "kunjungan",
        "aspects": ["pemasaran", "keuangan"],
        "note": "Membahas kemasan.",
    }


async def _visit(scene: Scene, mentoring_id: str, account: str, monday: date) -> None:
    """Visit a business in two weeks that follow one another, as its mentor."""
    version = 1
    for week in range(VISITS):
        day = monday + timedelta(days=7 * week + 2)
        path = f"/mentorings/{mentoring_id}/visits"
        saved = await scene.clients.post("registry", path, _form(day), version=version, who=account)
        version = saved["version"]


async def _check_weeks(scene: Scene, notes: Notes, mentors: list[str], monday: date) -> None:
    """Compare the visits of each mentor's weeks with what was done, and with the target."""
    plan = scene.plan
    for number, mentor_id in enumerate(mentors):
        mine = len(range(number, plan.mentored, len(mentors)))
        weeks = (await scene.clients.get("registry", f"/mentors/{mentor_id}/weeks", limit=4))["items"]
        seen = {week["monday"]: (week["visits"], week["target"], week["met"]) for week in weeks if week["visits"]}
        planned = {
            (monday + timedelta(days=7 * week)).isoformat(): (mine, TARGET, mine >= TARGET) for week in range(VISITS)
        }
        notes.check(f"kunjungan per minggu, pendamping {number + 1}", planned, seen)


async def _hand_over(scene: Scene, notes: Notes, mentoring_id: str, to: str) -> None:
    path = f"/mentorings/{mentoring_id}"
    await scene.clients.post("registry", f"{path}/hand-over", {"mentor_id": to}, version=1 + VISITS)
    seen = await scene.clients.get("registry", path)
    kept = len(await gathered(scene.clients.pages("registry", f"{path}/visits")))
    notes.check("pendamping baru, kunjungan tetap", (to, VISITS), (seen["mentor_id"], kept))
