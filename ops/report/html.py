"""The report as one HTML file: style inside, nothing loaded from elsewhere, no script."""

from __future__ import annotations

from pathlib import Path

from ops.report.figures import Cell, Figure, Report
from ops.report.table import NOTE_HEADINGS, heading, notes_of, rows_of
from services.projections.domain.names import number
from shared.web_pages import page_environment, style_sheet
from shared.web_pages.charts import Bar, StackedBars, stacked_bars
from shared.wita import write_moment

TEMPLATES = Path(__file__).parent
BUCKET, UNKNOWN = "bucket", "tidak_diketahui"
"""Classes of the bars."""


def render(report: Report) -> str:
    """Return the page."""
    environment = page_environment(TEMPLATES)
    environment.filters["number"] = number
    environment.filters["moment"] = write_moment
    return environment.get_template("year.html").render(
        report=report,
        style=style_sheet().decode(),
        headings=[heading(figure) for figure in report.figures],
        rows=list(rows_of(report)),
        notes=notes_of(report),
        note_headings=NOTE_HEADINGS,
        charts=[(heading(figure), *_chart(report, place)) for place, figure in _drawn(report)],
    )


def write_html(report: Report, target: Path) -> None:
    """Write the page."""
    target.write_text(render(report), encoding="utf-8")


def _drawn(report: Report) -> list[tuple[int, Figure]]:
    """Return the numbers that there is something to draw of, each with its place."""
    return [(place, figure) for place, figure in enumerate(report.figures) if figure.total]


def _chart(report: Report, place: int) -> tuple[StackedBars, list[tuple[Bar, Cell]]]:
    """Return one bar for each kecamatan and one for what is unknown, each with the cell that it is labelled with.

    A loss, what is withheld and what nobody reported have no bar; only the cell knows them from 0.
    """
    rows = [row for row in rows_of(report) if row.kind in {"bucket", "unknown"}]
    kinds = {"bucket": BUCKET, "unknown": UNKNOWN}
    chart = stacked_bars([(row.label, {kinds[row.kind]: _drawable(row.cells[place])}) for row in rows])
    return chart, [(bar, row.cells[place]) for bar, row in zip(chart.bars, rows, strict=True)]


def _drawable(cell: Cell) -> int:
    return max(0, cell.value or 0)
