"""Rows to files as kelurahan send them: CSV in four encodings, XLSX with merged cells and two header rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

import xlsxwriter

COLUMNS = (
    "NO", "NIK", "NAMA PEMILIK", "NAMA USAHA", "NO HP / WA", "ALAMAT", "KELURAHAN", "KECAMATAN", "JENIS USAHA",
    "MODAL (Rp)", "OMSET / TAHUN (Rp)", "NIB", "TGL LAHIR", "KET",
)  # fmt: skip
Row = dict[str, str]
CSV_SHAPES = (("utf-8-sig", ";"), ("utf-8", ","), ("cp1252", ";"), ("utf-16", "\t"), ("utf-8", "|"))


def write_csv(
    path: Path, title: str, rows: Iterable[Row | None], encoding: str, delimiter: str, *, titled: bool
) -> None:
    """Write rows as CSV; ``None`` is a blank row. What the encoding lacks is written as a question mark."""
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    if titled:
        writer.writerow([f"DATA UMKM KELURAHAN {title}", *[""] * (len(COLUMNS) - 1)])
        writer.writerow([""] * len(COLUMNS))
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([""] * len(COLUMNS) if row is None else [row.get(name, "") for name in COLUMNS])
    path.write_bytes(text.getvalue().encode(encoding, "replace"))


def write_xlsx(path: Path, title: str, rows: Sequence[Row | None]) -> None:
    """Write rows as XLSX under a merged title; cells are text, but for NIK marked as numbers."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("Data UMKM")
    sheet.merge_range(0, 0, 0, len(COLUMNS) - 1, f"DATA UMKM KELURAHAN {title} TAHUN 2026")
    for number, name in enumerate(COLUMNS):
        sheet.write_string(2, number, name)
    for line, row in enumerate(rows, 3):
        for number, name in enumerate(COLUMNS):
            cell = "" if row is None else row.get(name, "")
            if cell.startswith("#"):
                sheet.write_number(line, number, float(cell[1:]))
            elif cell:
                sheet.write_string(line, number, cell)
    book.close()
