"""The columns of a chunk: looked at whole, because one look at a column costs less than one at each of its cells. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Generic, TypeGuard, TypeVar

from services.registry.importing.cleaning import text
from services.registry.importing.cleaning.text import Cell, clean_text, is_empty, text_of
from services.registry.importing.codes import REFUSING

MEMO_SIZE = 50_000
BLOCK_ROWS = 50
"""Rows that are looked at together for odd signs; only where a block has some, each row is looked at."""

ValueT = TypeVar("ValueT")
OtherT = TypeVar("OtherT")


class Memo(dict[Any, ValueT], Generic[ValueT]):
    """Results of a pure function by argument: a spreadsheet says the same few things many times."""

    def __init__(self, function: Callable[[Any], ValueT]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: Any) -> ValueT:
        if len(self) >= MEMO_SIZE:
            self.clear()
        value = self[key] = self._function(key)
        return value

    def over(self, cells: Iterable[Any]) -> list[ValueT]:
        """Return the result for each cell."""
        return list(map(self.__getitem__, cells))


class Codes:
    """What is wrong with the rows of a chunk, in the order in which it is found. Most rows have nothing."""

    def __init__(self) -> None:
        self._found: defaultdict[int, list[str]] = defaultdict(list)

    def add(self, codes: Sequence[str | None]) -> None:
        """Take a code, or none, for each row."""
        if any(codes):
            for index, code in enumerate(codes):
                if code is not None:
                    self._found[index].append(code)

    def mark(self, code: str, rows: Sequence[bool]) -> None:
        """Add the code to the rows of which it is true."""
        if any(rows):
            for index, is_so in enumerate(rows):
                if is_so:
                    self._found[index].append(code)

    def extend(self, index: int, codes: Iterable[str]) -> None:
        """Add codes to one row."""
        for code in codes:
            self._found[index].append(code)

    def refused(self) -> set[int]:
        """Return the rows that have a code which refuses them."""
        return {index for index, codes in self._found.items() if not REFUSING.isdisjoint(codes)}

    def of_rows(self, count: int) -> list[tuple[str, ...]]:
        """Return the codes of each of ``count`` rows."""
        rows: list[tuple[str, ...]] = [()] * count
        for index, codes in self._found.items():
            rows[index] = tuple(codes)
        return rows


class Columns:
    """The cells of a chunk by the names of their fields; a column that the file does not have is empty."""

    def __init__(self, places: Mapping[str, int], width: int, rows: Sequence[Sequence[Cell]]) -> None:
        """Take rows, at least one; they may be shorter or longer than ``width``."""
        self._places = places
        self._columns = list(zip(*[row if len(row) == width else _fit(row, width) for row in rows], strict=True))
        self._texts = [_printable(cells) for cells in self._columns]
        self.count = len(rows)

    def __contains__(self, name: str) -> bool:
        """Tell whether the file has a column for the field."""
        return name in self._places

    def is_plain(self) -> bool:
        """Tell whether all columns are text without odd signs."""
        return all(joined is not None and "#" not in joined and "\ufffd" not in joined for joined in self._texts)

    def cells(self, name: str) -> Sequence[Cell]:
        """Return the cells as they are."""
        index = self._places.get(name)
        return self._columns[index] if index is not None and index < len(self._columns) else ("",) * self.count

    def stripped(self, name: str) -> Sequence[Cell]:
        """Return the cells; those of text are cleaned."""
        cells = self.cells(name)
        if self._is_clean(cells, name):
            return cells
        return [
            (cell.strip() if cell.isprintable() else clean_text(cell)) if isinstance(cell, str) else cell
            for cell in cells
        ]

    def texts(self, name: str) -> Sequence[str]:
        """Return the cells as cleaned text."""
        cells = self.stripped(name)
        if self._is_clean(cells, name):
            return cells
        return [cell if isinstance(cell, str) else text_of(cell) for cell in cells]

    def raw_texts(self, name: str) -> Sequence[str]:
        """Return the cells as text, as it was typed."""
        cells = self.cells(name)
        return cells if self._is_clean(cells, name) else list(map(text_of, cells))

    def _is_clean(self, _: Sequence[Cell], name: str) -> TypeGuard[Sequence[str]]:
        """Tell whether a column is text throughout, without outer spaces and odd signs."""
        index = self._places.get(name)
        if index is None or index >= len(self._texts):
            return True
        joined = self._texts[index]
        return joined is not None and not (" |" in joined or "| " in joined or joined[:1] == " " or joined[-1:] == " ")


def parted(pairs: Sequence[tuple[ValueT, OtherT]]) -> tuple[Sequence[ValueT], Sequence[OtherT]]:
    """Return the first halves of pairs, at least one, and the second halves."""
    firsts, seconds = zip(*pairs, strict=True)
    return firsts, seconds


def empty_among(texts: Sequence[str]) -> list[bool]:
    """Tell of each text whether it says "nothing"."""
    if text.EMPTY_WORDS.isdisjoint(map(str.casefold, texts)):
        return [False] * len(texts)
    return [is_empty(typed) for typed in texts]


def longer_than(limit: int, texts: Sequence[str]) -> list[bool]:
    """Tell of each text whether it has more than ``limit`` signs."""
    if max(map(len, texts)) <= limit:
        return [False] * len(texts)
    return [len(typed) > limit for typed in texts]


def add_row_codes(codes: Codes, rows: Sequence[Sequence[Cell]], width: int) -> None:
    """Add what is wrong with rows as a whole: shifted columns, runaway quotes, errors of Excel, odd signs."""
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        if not _is_plain(_joined(list(chain.from_iterable(block)))) or max(map(len, block)) > width:
            for index, row in enumerate(block, start):
                codes.extend(index, _row_codes(row, width))


def _row_codes(row: Sequence[Cell], width: int) -> list[str]:
    joined = _joined(row)
    if _is_plain(joined) and len(row) <= width:
        return []
    codes: list[str] = []
    if len(row) > width and any(text_of(cell).strip() for cell in row[width:]):
        codes.append("KOLOM_BERGESER")
    if not joined.isprintable():
        if any(isinstance(cell, str) and cell.count("\n") > text.MAX_LINES_IN_CELL for cell in row):
            codes.append("SEL_MEMUAT_BARIS")
        if text.has_control(joined):
            codes.append("KARAKTER_KENDALI")
    if "\ufffd" in joined:
        codes.append("KARAKTER_RUSAK")
    if "#" in joined and any(cell in text.EXCEL_ERRORS for cell in row):
        codes.append("SEL_GALAT")
    return codes


def _joined(cells: Sequence[Cell]) -> str:
    try:
        return "".join(cells)  # type: ignore[arg-type]
    except TypeError:  # numbers and dates of XLSX
        return "".join([cell for cell in cells if isinstance(cell, str)])


def _is_plain(joined: str) -> bool:
    return joined.isprintable() and "#" not in joined and "\ufffd" not in joined


def _fit(row: Sequence[Cell], width: int) -> list[Cell]:
    return [*row[:width], *([""] * (width - len(row)))]


def _printable(cells: Sequence[Cell]) -> str | None:
    """Return the cells of a column as one text, ``None`` if they are not all texts of printable signs."""
    try:
        joined = "|".join(cells)  # type: ignore[arg-type]
    except TypeError:
        return None
    return joined if joined.isprintable() else None
