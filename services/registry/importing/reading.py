"""Rows of a spreadsheet, CSV or XLSX alike, in chunks and bounded memory, with their numbers as Excel shows them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from services.registry.importing import archive
from services.registry.importing.cleaning.text import Cell, clean_text, text_of
from services.registry.importing.codes import FileRefusedError
from services.registry.importing.header import SEARCH_ROWS, Header, find_header
from services.registry.importing.survey import FileFacts, examine
from services.registry.importing.workbook import Workbook
from services.registry.reference.names import fold_name

DELIMITERS = (";", ",", "\t", "|")
DELIMITER_NAMES = {";": ";", ",": ",", "\t": "tab", "|": "|"}
CHUNK_ROWS = 5_000
_TOTAL_WORDS = frozenset(
    {"jumlah", "total", "jumlah total", "total jumlah", "sub jumlah", "subtotal", "sub total", "grand total", "jml", "rekapitulasi", "rekap"}
)  # fmt: skip

_LONG_DIGITS = re.compile(r"\d{9}", re.ASCII)

Row = tuple[int, Sequence[Cell]]


class _Rows(Protocol):
    def rows(self) -> Iterator[Row]:
        """Give each row with its number, from 1."""


class _CsvRows:
    """A CSV file: rows are counted by records, so an embedded line break does not shift the numbers."""

    def __init__(self, facts: FileFacts, delimiter: str) -> None:
        self._facts = facts
        self._delimiter = delimiter

    def rows(self) -> Iterator[Row]:
        encoding = self._facts.encoding or "utf-8"
        with self._facts.path.open(encoding=encoding, errors="replace", newline="") as text:
            if encoding.startswith("utf-16") and text.read(1) != "\ufeff":
                text.seek(0)
            reader = csv.reader(text, delimiter=self._delimiter)
            try:
                yield from enumerate(reader, 1)
            except csv.Error as error:
                raise FileRefusedError("KUTIP_TIDAK_DITUTUP", f"Periksa sekitar baris {reader.line_num}.") from error


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of data, without blank rows, totals and repeated headers."""

    numbers: list[int]
    rows: list[Sequence[Cell]]


class Table:
    """A spreadsheet whose header is found; its data rows can be read any number of times."""

    def __init__(self, facts: FileFacts, delimiter: str | None, header: Header, source: _Rows) -> None:
        self.facts = facts
        self.delimiter = delimiter
        self.header = header
        self._source = source

    def chunks(self, size: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Give the data rows, at most ``size`` at a time."""
        rows = self._data_rows()
        while batch := list(islice(rows, size)):
            yield Chunk([number for number, _ in batch], [row for _, row in batch])

    def distinct_cells(self, column: int, size: int = CHUNK_ROWS) -> Iterator[set[Cell]]:
        """Give the different cells of a column, a stretch of rows at a time: a quick look over the whole file."""
        rows = self._source.rows()
        while batch := list(islice(rows, size)):
            yield {row[column] for _, row in batch if column < len(row)}

    def _data_rows(self) -> Iterator[Row]:
        header = self.header
        first_data = header.row + header.rows
        key = header.columns.get("nik", 0)
        after_total = False
        for number, row in self._source.rows():
            cell = row[key] if key < len(row) else ""
            if number < first_data:
                continue
            if number > first_data and isinstance(cell, str) and _LONG_DIGITS.match(cell) is not None:
                yield number, row  # nearly all rows: a NIK stands in it
                continue
            if is_blank(row) or is_numbering(row) or is_repeated(row, header):
                continue
            if is_total(row):
                after_total = True
            elif not (after_total and sum(1 for other in row if other != "") <= 2):
                yield number, row


def is_blank(row: Sequence[Cell]) -> bool:
    """Tell whether a row holds nothing but spaces."""
    if not any(row):  # empty texts and zeros only
        return all(cell == "" for cell in row)
    return not any(cell != "" and (not isinstance(cell, str) or cell.strip()) for cell in row)


def is_total(row: Sequence[Cell]) -> bool:
    """Tell whether a row sums others up: its first word is JUMLAH, TOTAL and the like, and most of it is empty."""
    filled = [cell for cell in row if cell != ""]
    first = next((cell for cell in filled if isinstance(cell, str) and cell.strip()), None)
    if first is None or len(filled) * 2 > max(len(row), 4):
        return False
    words = fold_name(first[:60])
    return words in _TOTAL_WORDS or words.startswith(("jumlah ", "total ", "rekapitulasi "))


def is_repeated(row: Sequence[Cell], header: Header) -> bool:
    """Tell whether a row is the header again, as at the top of a printed page."""
    labels = [clean_text(text_of(cell)) for cell in row[: header.width]]
    return labels == list(header.labels[: len(labels)])


def is_numbering(row: Sequence[Cell]) -> bool:
    """Tell whether a row only numbers the columns below the header: 1, 2, 3 … or (1), (2), (3) …"""
    texts = [str(cell).strip(" ().").removesuffix(".0") for cell in row if cell != ""]
    return len(texts) >= 3 and all(text.isdigit() and len(text) <= 2 for text in texts)


def open_table(path: Path, name: str | None = None) -> Table:
    """Open a spreadsheet. ``name`` is the name it was sent under, if not its own.

    Raises ``FileRefusedError`` with one clear reason for a file that cannot be read as a table.
    """
    facts = examine(path, name)
    if facts.kind == "xlsx":
        archive.inspect(path)
        workbook = Workbook.open(path)
        return Table(facts, None, workbook.header, workbook)
    return _open_csv(facts)


def _open_csv(facts: FileFacts) -> Table:
    best: tuple[int, str, Header] | None = None
    widest = 0
    for delimiter in DELIMITERS:
        head = [row for _, row in islice(_CsvRows(facts, delimiter).rows(), SEARCH_ROWS)]
        widest = max(widest, max((len(row) for row in head), default=0))
        header = find_header(head)
        if header is not None and (best is None or len(header.columns) > best[0]):
            best = (len(header.columns), delimiter, header)
    if best is not None:
        return Table(facts, best[1], best[2], _CsvRows(facts, best[1]))
    if widest <= 1:
        raise FileRefusedError("BERKAS_KOSONG" if _only_blank(facts) else "SATU_KOLOM")
    raise FileRefusedError("JUDUL_TIDAK_DITEMUKAN")


def _only_blank(facts: FileFacts) -> bool:
    return all(is_blank(row) for _, row in islice(_CsvRows(facts, ";").rows(), SEARCH_ROWS))
