"""The year's report, held against what the chapters did: the same businesses, places and rupiah, by kecamatan."""

from __future__ import annotations

from collections.abc import Iterable

from ops.report import Figure, read_year
from ops.report.figures import by_district
from ops.story.plan import story_year
from ops.story.scene import Notes, Scene

TITLE = "Laporan tahun: angka sesuai dengan yang terjadi, menurut kecamatan"


async def play(scene: Scene, notes: Notes) -> None:
    """Read the report and compare it; it is kept for who wants it written down."""
    await scene.settle()
    scene.report = await read_year(scene.clients, story_year(scene.now()))
    figures = {figure.code: figure for figure in scene.report.figures}
    expected = scene.expected
    for code, businesses in (
        ("dilatih", expected.trained),
        ("ditempatkan", expected.placed),
        ("melapor", expected.sold),
        ("naik_kelas", expected.risen),
    ):
        notes.check(f"{figures[code].label} menurut kecamatan", _places(scene, businesses), _parts(figures[code]))
    notes.check("penjualan dalam rupiah", expected.turnover, figures["omzet"].total)


def _places(scene: Scene, businesses: Iterable[str]) -> tuple[dict[str, int], int]:
    """Return where these businesses of the cast are: by kecamatan, and of no known place."""
    homes = {member.business_id: member.kelurahan for member in scene.cast}
    counts: dict[str, int] = {}
    for business in businesses:
        counts[homes[business]] = counts.get(homes[business], 0) + 1
    return by_district(counts)


def _parts(figure: Figure) -> tuple[dict[str, int | None], int | None]:
    return {code: cell.value for code, cell in figure.buckets.items()}, figure.unknown.value
