"""XLSX by calamine: the sheet that has a header, merged cells filled down, row numbers as Excel shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from services.registry.importing.cleaning.text import Cell, clean_text
from services.registry.importing.codes import FileRefusedError
from services.registry.importing.header import SEARCH_ROWS, Header, find_header

MAX_MERGES = 100_000


@dataclass(frozen=True, slots=True)
class Workbook:
    """The one sheet of a workbook that is read."""

    header: Header
    sheet: CalamineSheet
    fills: dict[int, list[tuple[int, int]]]
    """Row number of the top of a merged range → (last row number, column), for ranges that go over several rows."""

    @classmethod
    def open(cls, path: Path) -> Workbook:
        """Open the visible sheet that has a header. Call ``archive.inspect`` before.

        Raises ``FileRefusedError``, also where two have data below a header: reading one of them would lose the other.
        """
        try:
            return cls._open(path)
        except FileRefusedError:
            raise
        except PasswordError as error:
            raise FileRefusedError("TERKUNCI_SANDI") from error
        except (CalamineError, OSError, ValueError) as error:
            raise FileRefusedError("BERKAS_RUSAK") from error

    @classmethod
    def _open(cls, path: Path) -> Workbook:
        widest = rows = 0
        filled: tuple[str, Workbook] | None = None
        empty: Workbook | None = None
        with CalamineWorkbook.from_path(path) as workbook:
            for meta in workbook.sheets_metadata:
                if meta.typ != SheetTypeEnum.WorkSheet or meta.visible != SheetVisibleEnum.Visible:
                    continue
                sheet = workbook.get_sheet_by_name(meta.name)
                header = find_header(list(islice(sheet.iter_rows(), SEARCH_ROWS)))
                if header is None:
                    widest, rows = max(widest, sheet.width), rows + sheet.height
                elif sheet.end is None or sheet.end[0] < header.row + header.rows - 1:  # a form that nobody filled in
                    empty = empty or cls(header, sheet, {})
                elif filled:
                    _refuse_two(filled[0], meta.name)
                else:
                    filled = meta.name, cls(header, sheet, _fills(sheet, header))
        if filled:
            return filled[1]
        if empty:
            return empty
        if rows == 0:
            raise FileRefusedError("BERKAS_KOSONG")
        raise FileRefusedError("SATU_KOLOM" if widest <= 1 else "JUDUL_TIDAK_DITEMUKAN")

    def rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Give each row with its number, from 1; the cells below the top of a merged range get its value."""
        if not self.fills:
            yield from enumerate(self.sheet.iter_rows(), 1)
            return
        open_fills: list[tuple[int, int, Cell]] = []
        for number, row in enumerate(self.sheet.iter_rows(), 1):
            if open_fills:
                open_fills = [fill for fill in open_fills if fill[0] >= number]
                for _, column, value in open_fills:
                    if row[column] == "":
                        row[column] = value
            for last, column in self.fills.get(number, ()):
                if column < len(row):
                    open_fills.append((last, column, row[column]))
            yield number, row


def _refuse_two(*names: str) -> NoReturn:
    told = ", ".join(f"“{clean_text(name)[:40]}”" for name in names)
    raise FileRefusedError("BANYAK_LEMBAR", f"Lembar berisi data antara lain {told}.")


def _fills(sheet: CalamineSheet, header: Header) -> dict[int, list[tuple[int, int]]]:
    """Return the merged ranges among the data rows, of the columns that are read, that span several rows."""
    columns = set(header.columns.values())
    found: dict[int, list[tuple[int, int]]] = {}
    merged = sheet.merged_cell_ranges or []
    if len(merged) > MAX_MERGES:
        raise FileRefusedError("LEMBAR_TERLALU_BESAR", "Terlalu banyak sel gabungan.")
    for (top, left), (bottom, _) in merged:
        if bottom > top and top + 1 >= header.row + header.rows and left in columns:
            found.setdefault(top + 1, []).append((bottom + 1, left))
    return found
