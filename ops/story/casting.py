"""Who takes part: businesses of every kelurahan, verified, and owners who want to hear by e-mail."""

from __future__ import annotations

from itertools import zip_longest

from ops.clients import Json
from ops.story.scene import CHECKER, Member, Notes, Scene, StoryStoppedError, each, gathered
from services.registry.reference.places import all_places
from shared.contracts.registry import UNKNOWN_PLACE

TITLE = "Peserta: usaha dari semua kelurahan diverifikasi, pemilik memilih surel"
SPARE = 3
"""So many times the fair share is looked at in each kelurahan, because some are small and some owners have two."""


async def play(scene: Scene, notes: Notes) -> None:
    """Choose the cast, write down how they want to be told, and verify them."""
    plan = scene.plan
    found, places = await _choose(scene)
    if len(found) < plan.members:
        raise StoryStoppedError(f"the story needs {plan.members} micro businesses, the city has {len(found)}")
    cast = found[: plan.members]
    await each(scene, "keinginan pemilik", list(enumerate(cast)), lambda item: _ask_owner(scene, *item))
    await scene.settle()  # nobody is told of anything before it is known how they want to be told
    await each(scene, "verifikasi", cast, lambda business: _verify(scene, business))
    scene.cast = [
        Member(business["owner_ids"][0], business["id"], business["kelurahan"], business["kelas"]["kelas"])
        for business in cast
    ]
    scene.expected.mail("business_verified", len(cast))
    await scene.settle()  # trainings and exhibitions ask for verified businesses, of which they hear
    await _check(scene, notes, places)


async def _choose(scene: Scene) -> tuple[list[Json], set[str]]:
    """Return businesses in turn from each place, each owner once; and the places that have any, the unknown one among them."""
    places = [*all_places(), UNKNOWN_PLACE]
    share = min(200, SPARE * scene.plan.members // len(places) + 5)

    async def ask(place: str) -> list[Json]:
        answer: Json = await scene.clients.get(
            "registry", "/businesses", kelurahan=place, kelas="mikro", status="diajukan", limit=share
        )
        items: list[Json] = answer["items"]
        return items

    lists = await each(scene, "kelurahan", places, ask)
    chosen: list[Json] = []
    owners: set[str] = set()
    for business in (item for row in zip_longest(*lists) for item in row if item is not None):
        if len(business["owner_ids"]) == 1 and business["owner_ids"][0] not in owners:
            owners.add(business["owner_ids"][0])
            chosen.append(business)
    return chosen, {business["kelurahan"] for business in chosen}


async def _ask_owner(scene: Scene, number: int, business: Json) -> None:
    """Note an owner's address, consent, language and channel."""
    path = f"/owners/{business['owner_ids'][0]}"
    owner = await scene.clients.get("registry", path)
    contact = {"name": owner["name"], "phones": owner["phones"], "email": f"peserta{number:04d}@contoh.example"}
    saved = await scene.clients.put("registry", f"{path}/contact", contact, version=owner["version"])
    wish = {"consents": {"notifications": True}, "language": "en" if number % 10 == 9 else "id", "channel": "email"}
    await scene.clients.put("registry", f"{path}/consent", wish, version=saved["version"])


async def _verify(scene: Scene, business: Json) -> None:
    """Verify a business: not by who handed it in."""
    path = f"/businesses/{business['id']}/verification"
    await scene.clients.post("registry", path, version=business["version"], who=CHECKER)


async def _check(scene: Scene, notes: Notes, places: set[str]) -> None:
    ids = {member.business_id for member in scene.cast}
    verified: set[str] = set()
    for place in dict.fromkeys(member.kelurahan for member in scene.cast):
        pages = scene.clients.pages("registry", "/businesses", kelurahan=place, status="terverifikasi")
        verified |= {item["id"] for item in await gathered(pages)}
    notes.check("peserta terverifikasi", len(ids), len(ids & verified))
    notes.check("tempat yang terwakili", len(places), len({member.kelurahan for member in scene.cast}))
