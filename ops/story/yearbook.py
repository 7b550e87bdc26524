"""The year's report, held against what the chapters did: the same businesses, places and rupiah, by kecamatan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ops.report import Figure, read_year
from ops.report.figures import by_district
from ops.story.plan import story_year
from ops.story.scene import Notes, Scene

TITLE = "Laporan tahun: angka sesuai dengan yang terjadi, menurut kecamatan"


_WORKERS: dict[str, Callable[[tuple[int, int]], int]] = {
    "tenaga_kerja": sum,
    "tenaga_kerja_laki": lambda gained: gained[0],
    "tenaga_kerja_perempuan": lambda gained: gained[1],
}
"""Number of the report → what it takes of the men and women that a business gave work."""


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
    for code, weigh in _WORKERS.items():
        workers = {business: weigh(gained) for business, gained in expected.gained.items()}
        notes.check(f"{figures[code].label} menurut kecamatan", _sums(scene, workers), _parts(figures[code]))


def _places(scene: Scene, businesses: Iterable[str]) -> tuple[dict[str, int], int]:
    """Return where these businesses of the cast are: by kecamatan, and of no known place."""
    return _sums(scene, dict.fromkeys(businesses, 1))


def _sums(scene: Scene, amounts: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """Return what these businesses of the cast come to: by kecamatan, and of no known place."""
    homes = {member.business_id: member.kelurahan for member in scene.cast}
    counts: dict[str, int] = {}
    for business, amount in amounts.items():
        counts[homes[business]] = counts.get(homes[business], 0) + amount
    return by_district(counts)


def _parts(figure: Figure) -> tuple[dict[str, int | None], int | None]:
    return {code: cell.value for code, cell in figure.buckets.items()}, figure.unknown.value
