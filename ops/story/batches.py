"""The deeds of one batch of a training, which the partners' and the office's chapters share: each by one call of the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ops.clients import Json
from ops.story.scene import Member, Scene, each, gathered

SEATED = ("diterima", "ditawari", "hadir", "lulus", "tidak_lulus")


def sessions(first: datetime, count: int, step: timedelta, length: timedelta) -> list[dict[str, str]]:
    """Return sessions that follow one another, as a form takes them."""
    starts = [first + step * number for number in range(count)]
    return [{"starts_at": start.isoformat(), "ends_at": (start + length).isoformat()} for start in starts]


async def open_programme(scene: Scene, code: str, title: str) -> str:
    """Open a programme, unless one of this code is there, and return its id."""
    async for programme in scene.clients.pages("training", "/programmes"):
        if programme["code"] == code:
            return str(programme["id"])
    return str((await scene.clients.post("training", "/programmes", {"code": code, "title": title}))["id"])


async def open_batch(scene: Scene, course: Mapping[str, Any], batch: Mapping[str, Any]) -> str:
    """Open a course with one batch and return the batch's id."""
    opened = await scene.clients.post("training", "/courses", course)
    return str((await scene.clients.post("training", f"/courses/{opened['id']}/batches", batch))["id"])


async def enrol(scene: Scene, batch_id: str, member: Member) -> str:
    """Enrol somebody and return the enrolment's id."""
    return str((await scene.clients.post("training", f"/batches/{batch_id}/enrolments", member.form()))["id"])


async def enrolments(scene: Scene, batch_id: str, state: str | None = None) -> list[Json]:
    """Return the enrolments of a batch, in the order of arrival."""
    wanted = {} if state is None else {"state": state}
    return await gathered(scene.clients.pages("training", f"/batches/{batch_id}/enrolments", **wanted))


async def states(scene: Scene, batch_id: str) -> Counter[str]:
    """Return how many enrolments of a batch stand how."""
    return Counter(item["state"] for item in await enrolments(scene, batch_id))


async def seats(scene: Scene, batch_id: str) -> tuple[int, int, int]:
    """Return quota, seats that the batch counts as held, and seats that its enrolments hold."""
    batch = await scene.clients.get("training", f"/batches/{batch_id}")
    counted = await states(scene, batch_id)
    return batch["quota"], batch["held"], sum(counted[state] for state in SEATED)


async def withdraw(scene: Scene, enrolment: Json, cause: str = "permintaan_peserta") -> None:
    """Give up a seat or an offer."""
    path = f"/enrolments/{enrolment['id']}/withdrawal"
    await scene.clients.post("training", path, {"cause": cause}, version=enrolment["version"])


async def accept(scene: Scene, enrolment: Json) -> None:
    """Take an offered seat."""
    await scene.clients.post("training", f"/enrolments/{enrolment['id']}/acceptance", version=enrolment["version"])


async def finish(scene: Scene, stage: str, batch_id: str, absent: int, count: int) -> tuple[list[Json], list[str]]:
    """Record who was at each of ``count`` sessions, then who passed, then certify.

    Returns the enrolments that passed, and the ids of the certificates.
    The last ``absent`` participants miss the last session, which is more than the rule of attendance allows.
    """
    people = await enrolments(scene, batch_id, "diterima")
    ids = [item["id"] for item in people]
    away = set(ids[len(ids) - absent :]) if absent else set()
    for number in range(1, count + 1):
        present = [{"enrolment_id": i, "present": number < count or i not in away} for i in ids]
        path = f"/batches/{batch_id}/sessions/{number}/attendance"
        await scene.clients.post("training", path, {"presences": present})
    marks: Sequence[Json] = [{"enrolment_id": i} for i in ids]
    await scene.clients.post("training", f"/batches/{batch_id}/results", {"marks": marks})
    issued = await scene.clients.post("training", f"/batches/{batch_id}/certificates")
    scene.tell(stage, 1, 1)
    return await enrolments(scene, batch_id, "lulus"), [item["id"] for item in issued["items"]]


async def enrol_all(scene: Scene, stage: str, batch_id: str, people: Sequence[Member]) -> None:
    """Enrol people, all at once."""
    await each(scene, stage, people, lambda member: enrol(scene, batch_id, member))


async def is_valid(scene: Scene, certificate_id: str) -> tuple[bool, bool]:
    """Tell what anybody sees of a certificate by its code: whether it holds, and whether it names somebody."""
    code = (await scene.clients.get("training", f"/certificates/{certificate_id}"))["code"]
    seen = await scene.clients.anybody("training", f"/certificates/check/{code}")
    return seen["valid"], bool(seen["holder"])


def note_passed(scene: Scene, passed: Sequence[Json], *, of_the_year: bool = True) -> None:
    """Write into the cast, and into what the year must come to, who passed."""
    members = {member.business_id: member for member in scene.cast}
    for item in passed:
        members[item["business_id"]].trained += 1
        if of_the_year:
            scene.expected.trained.add(item["business_id"])
    scene.expected.mail("certificate_issued", len(passed))
