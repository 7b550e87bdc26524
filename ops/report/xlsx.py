"""The report as XLSX: one sheet with the numbers, one with what each means, where it comes from, and of when it is."""

from __future__ import annotations

from pathlib import Path

import xlsxwriter

from ops.report.figures import Cell, Report
from ops.report.table import NOTE_HEADINGS, heading, notes_of, rows_of
from services.registry.importing.report import neutralise
from shared.wita import write_moment

NUMBERS, NOTES = "Angka", "Sumber"
TABLE_ROW = 3
"""The line of the headings, from 0."""
WIDE, NARROW = 40, 22


def write_xlsx(report: Report, target: Path) -> None:
    """Write the workbook. Numbers are numbers; texts are never read as formulas; what is not told is a dash, never 0."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(target), options) as book:
        _write_numbers(book, report)
        _write_notes(book, report)


def _write_numbers(book: xlsxwriter.Workbook, report: Report) -> None:
    bold, plain = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"num_format": "#,##0"})
    sheet = book.add_worksheet(NUMBERS)
    sheet.write_string(0, 0, f"Laporan tahun {report.year}, UMKM Kota Balikpapan", bold)
    sheet.write_string(1, 0, f"Dibuat {write_moment(report.made_at)}. Tanda – berarti tidak ada angkanya, bukan nol.")
    for column, name in enumerate(("Kecamatan", *(heading(figure) for figure in report.figures))):
        sheet.set_column(column, column, WIDE if column == 0 else NARROW)
        sheet.write_string(TABLE_ROW, column, neutralise(name), bold)
    for number, row in enumerate(rows_of(report), TABLE_ROW + 1):
        sheet.write_string(number, 0, neutralise(row.label))
        for column, cell in enumerate(row.cells, 1):
            _write_cell(sheet, number, column, cell, plain)
    sheet.freeze_panes(TABLE_ROW + 1, 1)


def _write_cell(sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, cell: Cell, plain: object) -> None:
    if cell.value is None:
        sheet.write_string(row, column, "–")
        if cell.why:
            sheet.write_comment(row, column, neutralise(cell.why))
    else:
        sheet.write_number(row, column, cell.value, plain)


def _write_notes(book: xlsxwriter.Workbook, report: Report) -> None:
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet(NOTES)
    sheet.set_column(0, len(NOTE_HEADINGS) - 1, WIDE)
    for row, texts in enumerate((NOTE_HEADINGS, *notes_of(report))):
        for column, text in enumerate(texts):
            sheet.write_string(row, column, neutralise(text), wrapped if row else bold)
