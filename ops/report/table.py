"""The report as rows of texts and numbers, which HTML and XLSX both set down: so they cannot differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ops.report.figures import Cell, Figure, Report, districts
from shared.wita import write_moment

UNKNOWN, WITHHELD, TOTAL = "Tidak diketahui", "Dirahasiakan (kurang dari lima usaha)", "Jumlah"
NOTHING = Cell(None, "tidak ada")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its label, and a cell for each number. ``kind`` is ``bucket``, ``unknown``, ``withheld`` or ``total``."""

    kind: str
    label: str
    cells: tuple[Cell, ...]


def rows_of(report: Report) -> Iterator[Row]:
    """Give the lines: six kecamatan, what is unknown, what is withheld if anything is, and the total of all these."""
    figures = report.figures
    for code, name in districts().items():
        yield Row("bucket", name, tuple(_bucket(figure, code) for figure in figures))
    yield Row("unknown", UNKNOWN, tuple(figure.unknown for figure in figures))
    if any(figure.withheld is not None for figure in figures):
        cells = tuple(NOTHING if figure.withheld is None else Cell(figure.withheld) for figure in figures)
        yield Row("withheld", WITHHELD, cells)
    yield Row("total", TOTAL, tuple(Cell(figure.total, figure.missing) for figure in figures))


def _bucket(figure: Figure, code: str) -> Cell:
    return Cell(None, figure.missing) if figure.missing is not None else figure.buckets[code]


def heading(figure: Figure) -> str:
    """Return what stands above a number: its name and its unit."""
    return f"{figure.label} ({figure.unit})"


def notes_of(report: Report) -> list[tuple[str, ...]]:
    """Return for each number: name, unit, meaning, source, date, and what it lacks."""
    return [
        (figure.label, figure.unit, figure.meaning, figure.source, _date(figure), figure.missing or "")
        for figure in report.figures
    ]


NOTE_HEADINGS = ("Angka", "Satuan", "Arti", "Sumber", "Per", "Kekurangan")


def _date(figure: Figure) -> str:
    return write_moment(figure.as_of)
