"""The partners of the office, registered as organisations with what each does: who holds anything later names them by their ids."""

from __future__ import annotations

from ops.story.scene import Notes, Scene, gathered

TITLE = "Mitra: terdaftar sebagai organisasi dengan perannya"
IPEMI, BANK, CREATIVE = "IPEMI Balikpapan", "Bank Kaltimtara", "Komite Ekonomi Kreatif"
PARTNERS = {
    IPEMI: ("asosiasi", ["pelatihan", "pameran", "tempat_jual"]),
    BANK: ("bank", ["pelatihan"]),
    CREATIVE: ("ekonomi_kreatif", ["pelatihan"]),
}
"""Name → kind, and what it does with the office."""


async def play(scene: Scene, notes: Notes) -> None:
    """Register them, unless they are there; the services hear of them before the next act."""
    known = {item["title"]: item["id"] async for item in scene.clients.pages("registry", "/organisations")}
    for title, (kind, roles) in PARTNERS.items():
        if title not in known:
            form = {"title": title, "kind": kind, "roles": roles}
            known[title] = (await scene.clients.post("registry", "/organisations", form))["id"]
        scene.partners[title] = str(known[title])
    found = await gathered(scene.clients.pages("registry", "/organisations"))
    roles_of = {item["title"]: sorted(item["roles"]) for item in found if item["title"] in PARTNERS}
    notes.check("mitra dan perannya", {title: sorted(roles) for title, (_, roles) in PARTNERS.items()}, roles_of)
