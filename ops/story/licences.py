"""Licences that another officer verifies, and brands of businesses and of a partner."""

from __future__ import annotations

from datetime import date, timedelta

from ops.story.scene import CHECKER, Member, Notes, Scene, each, gathered
from shared.wita import WITA

TITLE = "Izin diverifikasi petugas lain, merek terdaftar"
KINDS = ("p_irt", "halal_sertifikat")
HELD, HOLDS = timedelta(days=400), timedelta(days=3 * 365)
"""Since when a licence is valid, and how long it still is: over the whole year that is told."""


async def play(scene: Scene, notes: Notes) -> None:
    """Hand licences in and let another officer verify them; then file brands and have them registered."""
    plan = scene.plan
    today = scene.now().astimezone(WITA).date()
    licensed = scene.cast[: plan.licensed]
    await _refuse_own(scene, notes, licensed[0], today)
    await each(scene, "izin", list(enumerate(licensed)), lambda item: _license(scene, *item, today))
    for kind in KINDS:
        valid = await gathered(scene.clients.pages("registry", "/licences", kind=kind, status="berlaku"))
        ours = {item["business_id"] for item in valid} & {member.business_id for member in licensed}
        notes.check(f"izin berlaku: {kind}", plan.licensed, len(ours))
    for member in licensed:
        member.licensed = True
    await _file_brands(scene, notes, today)


async def _submit(scene: Scene, kind: str, number: int, member: Member, today: date) -> str:
    """Hand a licence in and return its id."""
    ends = today + HOLDS
    written = {
        "p_irt": f"20634710{number:05d}-{ends.year % 100:02d}",
        "halal_sertifikat": f"ID641100{number:011d}",
    }
    form = {
        "business_id": member.business_id,
        "kind": kind,
        "number": written[kind],
        "product": "Amplang ikan",
        "valid_from": (today - HELD).isoformat(),
        "expires_on": ends.isoformat(),
    }
    return str((await scene.clients.post("registry", "/licences", form))["id"])


async def _license(scene: Scene, number: int, member: Member, today: date) -> None:
    for kind in KINDS:
        licence_id = await _submit(scene, kind, number, member, today)
        await scene.clients.post("registry", f"/licences/{licence_id}/verification", version=1, who=CHECKER)


async def _refuse_own(scene: Scene, notes: Notes, member: Member, today: date) -> None:
    """Let an officer verify what the same officer handed in; somebody else turns it down then."""
    licence_id = await _submit(scene, "p_irt", 99_999, member, today)
    own = scene.clients.post("registry", f"/licences/{licence_id}/verification", version=1)
    await notes.refused("izin diverifikasi pengajunya sendiri", "pemeriksa-izin-pengaju", own)
    cause = {"cause": "dokumen_tidak_sesuai"}
    await scene.clients.post("registry", f"/licences/{licence_id}/rejection", cause, version=1, who=CHECKER)


async def _file_brands(scene: Scene, notes: Notes, today: date) -> None:
    """File a brand for each of some businesses, and one for a partner; the register of trade marks grants them."""
    plan = scene.plan
    partner = {"title": "Koperasi Amplang Balikpapan", "kind": "lainnya", "roles": ["tempat_jual"]}
    organisation = await scene.clients.post("registry", "/organisations", partner)
    owners = [{"business_id": member.business_id} for member in scene.cast[-plan.brands :]]
    owners.append({"organisation_id": organisation["id"]})
    filed, registered = today - timedelta(days=300), today - timedelta(days=20)

    async def brand(item: tuple[int, dict[str, str]]) -> None:
        number, owner = item
        form = {"mark": f"Rasa Balikpapan {number}", "filed_on": filed.isoformat(), **owner}
        brand_id = (await scene.clients.post("registry", "/brands", form))["id"]
        granted = {"registered_on": registered.isoformat()}
        await scene.clients.post("registry", f"/brands/{brand_id}/registration", granted, version=1)

    await each(scene, "merek", list(enumerate(owners)), brand)
    found = await gathered(scene.clients.pages("registry", "/brands", status="terdaftar"))
    notes.check("merek terdaftar", plan.brands + 1, len(found))
    partners = [item for item in found if item["organisation_id"] == organisation["id"]]
    notes.check("merek milik mitra", 1, len(partners))
