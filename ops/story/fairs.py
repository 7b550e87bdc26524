"""The deeds of one exhibition, which the chapters of the bazaar and of the fair share: each by one call of the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ops.clients import Json
from ops.story.scene import CURATORS, Member, Scene, each, gathered

CRITERIA: tuple[Json, ...] = (
    {"code": "kemasan", "kind": "juri", "weight": 2},
    {"code": "terverifikasi", "kind": "terverifikasi", "weight": 1},
    {"code": "terlatih", "kind": "pelatihan", "weight": 2},
    {"code": "legal", "kind": "legalitas", "weight": 1, "values": ["p_irt", "halal_sertifikat"]},
    {"code": "pemerataan", "kind": "jarang_dibantu", "weight": 1},
)
FULL = 10_000
"""A criterion from history that is met whole, in hundredths."""
AT_ONCE = 100
"""Applications that a curator hands in together."""


async def open_exhibition(scene: Scene, form: Mapping[str, Any], capacities: Sequence[int]) -> str:
    """Open an exhibition with a booth for each capacity and return its id."""
    opened = await scene.clients.post("events", "/exhibitions", form)
    path = f"/exhibitions/{opened['id']}/booths"
    for capacity in capacities:
        await scene.clients.post("events", path, {"capacity": capacity})
    return str(opened["id"])


async def apply_all(scene: Scene, stage: str, exhibition_id: str, people: Sequence[Member]) -> None:
    """Let people apply, all at once."""
    path = f"/exhibitions/{exhibition_id}/applications"
    await each(scene, stage, people, lambda member: scene.clients.post("events", path, member.form()))


async def applications(scene: Scene, exhibition_id: str, state: str | None = None) -> list[Json]:
    """Return the applications of an exhibition."""
    wanted = {} if state is None else {"state": state}
    return await gathered(scene.clients.pages("events", f"/exhibitions/{exhibition_id}/applications", **wanted))


async def states(scene: Scene, exhibition_id: str) -> Counter[str]:
    """Return how many applications stand how."""
    return Counter(item["state"] for item in await applications(scene, exhibition_id))


async def score_all(scene: Scene, stage: str, exhibition_id: str, found: Sequence[Json]) -> None:
    """Let every curator score every application; what they give is the dice's, in an order that is always the same."""
    ordered = sorted(found, key=lambda item: item["business_id"])
    lots: list[tuple[str, list[Json]]] = []
    for curator in CURATORS:
        judged = [
            {"application_id": item["id"], "scores": {"kemasan": scene.dice.randrange(40, 101)}} for item in ordered
        ]
        lots += [(curator, judged[start : start + AT_ONCE]) for start in range(0, len(judged), AT_ONCE)]
    path = f"/exhibitions/{exhibition_id}/scores"
    await each(scene, stage, lots, lambda lot: scene.clients.post("events", path, {"judgements": lot[1]}, who=lot[0]))


async def curate(scene: Scene, exhibition_id: str) -> Json:
    """Choose, and return the counts."""
    seen = await scene.clients.get("events", f"/exhibitions/{exhibition_id}")
    path = f"/exhibitions/{exhibition_id}/curation"
    found: Json = await scene.clients.post("events", path, version=seen["version"])
    return found


async def place_all(scene: Scene, exhibition_id: str) -> None:
    """Give everybody who was chosen a place."""
    await scene.clients.post("events", f"/exhibitions/{exhibition_id}/placements")


async def confirm_all(scene: Scene, stage: str, exhibition_id: str) -> None:
    """Let everybody who has a place confirm it."""
    placed = await applications(scene, exhibition_id, "ditempatkan")

    async def confirm(item: Json) -> None:
        await scene.clients.post("events", f"/applications/{item['id']}/confirmation", version=item["version"])

    await each(scene, stage, placed, confirm)


async def withdraw(scene: Scene, application: Json) -> None:
    """Give a place up."""
    path = f"/applications/{application['id']}/withdrawal"
    await scene.clients.post("events", path, {"cause": "permintaan_peserta"}, version=application["version"])


async def overfull(scene: Scene, exhibition_id: str) -> tuple[int, int]:
    """Return how many places are taken in all, and how many more than a booth's capacity in any wave."""
    booths = (await scene.clients.get("events", f"/exhibitions/{exhibition_id}"))["booths"]
    taken = sum(sum(booth["placed"]) for booth in booths)
    over = sum(max(0, count - booth["capacity"]) for booth in booths for count in booth["placed"])
    return taken, over


async def histories(scene: Scene, stage: str, found: Sequence[Json]) -> dict[str, Json]:
    """Return by business what the curation reads of it, which other services own."""
    shown = await each(scene, stage, found, lambda item: scene.clients.get("events", f"/applications/{item['id']}"))
    return {item["business_id"]: item["history"] for item in shown}
