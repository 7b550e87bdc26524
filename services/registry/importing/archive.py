"""XLSX containers before they are opened: what a zip holds and unpacks to, in bounded memory.

A workbook is read by a library that keeps the used range of a sheet in memory, so what that range will be is found out first,
by streaming through the sheet's XML: declared sizes, real sizes (a lie fails the checksum), DOCTYPE, and extents.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from services.registry.importing.codes import FileRefusedError

MAX_ENTRIES = 2_000
MAX_UNPACKED = 1024 * 1024 * 1024
MAX_PART = 64 * 1024 * 1024
"""Any part but a sheet: shared strings, styles."""
MAX_RANGE_CELLS = 6_200_000
MAX_SHEET_MEMORY = 190 * 1024 * 1024
MAX_COLUMNS = 1_024
BLOCK = 1024 * 1024

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_ROW_NUMBER = re.compile(rb'<row [^>]*?\br="(\d+)"')
_NOT_SHORT = re.compile(rb'<c(?:>| (?!r="[A-Z]\d))')
"""A cell without reference in the usual place, or beyond column Z."""
_UNUSUAL_CELL = re.compile(rb'<c(?:>| (?!r="[A-Z]{1,3}\d))')
_BEYOND: tuple[tuple[int, re.Pattern[bytes]], ...] = (
    (26, re.compile(rb'<c r="[A-Z]{2}')),
    (64, re.compile(rb'<c r="(?:[A-Z]{3}|[C-Z][A-Z]|B[M-Z])')),
    (256, re.compile(rb'<c r="(?:[A-Z]{3}|[J-Z][A-Z]|I[W-Z])')),
)
"""Upper bounds of the last column, and what a cell beyond each looks like: one search instead of reading every reference."""
USUAL_BYTES_PER_CELL = 60
USUAL_BYTES_PER_EMPTY_CELL = 24
FEW_COLONS = 200
_MARKUP_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(slots=True)
class SheetSize:
    """What a sheet will take: cells with a value, and the corners of their range."""

    cells: int = 0
    last_row: int = 0
    last_column: int = 0
    text_bytes: int = 0
    current_row: int = 0
    """The row in which the last stretch of XML ended."""

    def check(self, shared_bytes: int) -> None:
        """Raise ``FileRefusedError`` if the range does not fit into memory."""
        dense = self.last_row * max(self.last_column, 1)
        memory = dense * 24 + self.cells * 40 + self.text_bytes + shared_bytes * 2
        if self.last_column > MAX_COLUMNS or dense > MAX_RANGE_CELLS or memory > MAX_SHEET_MEMORY:
            raise FileRefusedError(
                "LEMBAR_TERLALU_BESAR", f"Lembar ini memakai {self.last_row:,} baris × {self.last_column:,} kolom.".replace(",", ".")
            )  # fmt: skip


def inspect(path: Path) -> None:
    """Raise ``FileRefusedError`` unless the workbook can be opened within bounded memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            _inspect(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise FileRefusedError("BERKAS_RUSAK") from error
    except RuntimeError as error:  # zipfile's answer to an encrypted member
        raise FileRefusedError("TERKUNCI_SANDI") from error


def _inspect(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise FileRefusedError("ISI_TIDAK_SESUAI_NAMA", "Isinya ZIP, tetapi bukan XLSX.")
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise FileRefusedError("BERMAKRO")
    if len(entries) > MAX_ENTRIES or len(set(names)) != len(names) or sum(e.file_size for e in entries) > MAX_UNPACKED:
        raise FileRefusedError("BOM_ZIP")
    shared = next((entry.file_size for entry in entries if entry.filename == "xl/sharedStrings.xml"), 0)
    for entry in entries:
        is_sheet = _SHEET.fullmatch(entry.filename) is not None
        if not is_sheet and entry.file_size > MAX_PART:
            raise FileRefusedError("LEMBAR_TERLALU_BESAR" if "sharedStrings" in entry.filename else "BOM_ZIP")
        if is_sheet:
            _measure(archive, entry).check(shared)
        elif entry.filename.lower().endswith((".xml", ".rels")):
            _read_through(archive, entry)


def _read_through(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    with archive.open(entry) as part:
        tail = b""
        while block := part.read(BLOCK):
            if _MARKUP_ENTITY.search(tail + block) is not None:
                raise FileRefusedError("XML_BERBAHAYA")
            tail = block[-16:]


def _measure(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> SheetSize:
    """Measure a sheet by its text; one that is not written in the usual way, or is wide, by a parser."""
    size = SheetSize(last_column=_BEYOND[0][0])
    with archive.open(entry) as part:
        tail, usual = b"", True
        while block := part.read(BLOCK):
            text = tail + block
            if b"!" in text and _MARKUP_ENTITY.search(text) is not None:  # one rare byte is found sooner than two
                raise FileRefusedError("XML_BERBAHAYA")
            if b"<" not in block:
                raise FileRefusedError("BOM_ZIP")
            cut = text.rfind(b"<")
            tail = text[cut:]
            usual = usual and _count_usual(text, cut, size)
    if usual and size.last_row * size.last_column <= MAX_RANGE_CELLS:
        return size
    return _measure_exactly(archive, entry)


def _count_usual(text: bytes, end: int, size: SheetSize) -> bool:
    """Count a stretch of XML up to ``end``; ``False`` if it is not written in the usual way (prefixes, cells without reference)."""
    if text.count(b":", 0, end) > FEW_COLONS and (text.find(b":c ", 0, end) >= 0 or text.find(b":c>", 0, end) >= 0):
        return False
    if _NOT_SHORT.search(text, 0, end) is not None:
        if _UNUSUAL_CELL.search(text, 0, end) is not None:
            return False
        _widen(text, end, size)
    closings = [(closing, count) for closing in (b"</v>", b"</is>") if (count := text.count(closing, 0, end))]
    cells = sum(count for _, count in closings)
    size.cells += cells
    markup = cells * USUAL_BYTES_PER_CELL + text.count(b'"/>', 0, end) * USUAL_BYTES_PER_EMPTY_CELL
    size.text_bytes += max(0, end - markup)
    return _count_rows(text, end, max((text.rfind(closing, 0, end) for closing, _ in closings), default=-1), size)


def _count_rows(text: bytes, end: int, valued: int, size: SheetSize) -> bool:
    """Note the last row that holds a value; ``False`` if rows are not in order. A million rows of mere style count for nothing.

    ``valued``: where the last value ends, -1 if there is none.
    """
    before = size.current_row
    numbers = [before, *map(int, _ROW_NUMBER.findall(text, 0, end))]
    size.current_row = numbers[-1]
    if valued >= 0:
        found = _ROW_NUMBER.match(text, max(text.rfind(b"<row ", 0, valued), 0))
        size.last_row = int(found[1]) if found is not None else before
    return sorted(numbers) == numbers


def _widen(text: bytes, end: int, size: SheetSize) -> None:
    for columns, beyond in _BEYOND:
        if size.last_column <= columns and beyond.search(text, 0, end) is not None:
            size.last_column = {26: 64, 64: 256}.get(columns, MAX_COLUMNS)


class _Extents:
    """Follows a sheet with a parser and notes the range of the cells that hold a value."""

    def __init__(self) -> None:
        self.size = SheetSize()
        self._row = self._column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take an opening tag."""
        local = name.rpartition(":")[2]
        if local == "row":
            self._row = _number(attributes.get("r"), self._row + 1)
            self._column = 0
        elif local == "c":
            self._place(attributes.get("r", ""))
        elif local in ("v", "is"):
            self.size.cells += 1
            self.size.last_row = max(self.size.last_row, self._row)
            self.size.last_column = max(self.size.last_column, self._column)

    def _place(self, reference: str) -> None:
        letters = reference.rstrip("0123456789")
        if not letters:
            self._column += 1
            return
        column = 0
        for letter in letters[:4]:
            column = column * 26 + (ord(letter.upper()) - 64)
        self._column = column
        self._row = _number(reference[len(letters) :], self._row)

    def text(self, data: str) -> None:
        """Take text between tags."""
        self.size.text_bytes += len(data)


def _number(digits: str | None, default: int) -> int:
    return int(digits) if digits and digits.isdigit() and len(digits) < 9 else default


def _measure_exactly(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> SheetSize:
    extents = _Extents()
    parser = expat.ParserCreate()
    parser.StartElementHandler = extents.start
    parser.CharacterDataHandler = extents.text
    try:
        with archive.open(entry) as part:
            while block := part.read(BLOCK):
                parser.Parse(block, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FileRefusedError("BERKAS_RUSAK") from error
    return extents.size
