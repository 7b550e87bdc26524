"""Columns: a row is judged in a chunk of thousands as it would be alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.registry.importing.checking import Checker, Terms
from services.registry.importing.cleaning.nik import check_nib, check_nibs, check_nik, check_niks
from services.registry.importing.cleaning.text import Cell
from services.registry.importing.header import Header
from services.registry.importing.reading import Chunk, Table
from services.registry.importing.rows import CheckedRow
from services.registry.importing.survey import FileFacts
from services.registry.reference.names import fold_name, fold_names

NIKS: list[Cell] = ["6471014107909901", "6471014107909902", "1111111111111111", "6.47E+15", "", "-", "6471 0141 0790 9903", 6471014107909901]  # fmt: skip
CELLS: dict[str, list[Cell]] = {
    "nik": NIKS,
    "owner_name": ["Siti", "SITI ", "Ma’ruf", "Siti\nAminah", "", "x", "123", "A" * 101, "a\tb", "#N/A", "ab|cd", 5, "José"],
    "business_name": ["Toko Siti", "TOKO  SITI", "", "-", "B" * 101, "Toko\nSiti", "\ufffd", "a\n" * 12],
    "phone": ["0812 0000 1234", "081200001235", "8.12E+10", "021", "", "0812-0000-1234 / 081200001236", 81200001234.0],
    "address": ["Jl. A", " Jl. A ", "", "C" * 501, "Jl.\nB", 7],
    "kelurahan": ["Manggar", "Damai", "", "di mana"],
    "kecamatan": ["Balikpapan Timur", "Balikpapan Kota", ""],
    "sector": ["Kuliner", "", 5.0],
    "capital": ["Rp 30.750.000", "1,500", "", -3, 5e9, "74jt"],
    "capital_outside": ["", "1.000.000", "?"],
    "sales": ["7jt", "60 m", "", "1e9"],
    "nib": ["0812345678901", "", "", "081234567890", 8123456789012],
    "birth_date": ["01-07-1990", "31/02/1990", "", date(1990, 7, 1), 30000],
    "founded_year": ["2022", "", "1800"],
    "reported_class": ["mikro", "", "usaha kecil"],
    "paid_men": ["1", "", "banyak"],
}  # fmt: skip
FIELDS = tuple(CELLS)
HEADER = Header(1, 1, {name: index for index, name in enumerate(FIELDS)}, FIELDS, len(FIELDS))


class _Rows:
    """A table in memory."""

    def __init__(self, rows: list[list[Cell]]) -> None:
        self._rows = rows

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Give each row with its number."""
        yield from enumerate([list(FIELDS), *self._rows], 1)


def judged(rows: list[list[Cell]], facts: FileFacts, *, together: bool) -> list[CheckedRow]:
    """Return the rows as they come out of one chunk, or of one chunk each."""
    checker = Checker(Table(facts, None, HEADER, _Rows(rows)), Terms(date(2026, 11, 25), "64.71.01.1001"))
    numbers = list(range(2, len(rows) + 2))
    if together:
        return checker.check(Chunk(numbers, list(rows)))
    return [found for number, row in zip(numbers, rows, strict=True) for found in checker.check(Chunk([number], [row]))]


@st.composite
def tables(draw: st.DrawFn) -> list[list[Cell]]:
    """Rows that are mostly clean, so that columns of a chunk are looked at whole as well as cell by cell."""
    dirty = draw(st.sets(st.sampled_from(FIELDS), max_size=4))
    cell = {name: st.sampled_from(cells if name in dirty else cells[:1]) for name, cells in CELLS.items()}
    whole = st.tuples(*(cell[name] for name in FIELDS)).map(list)
    ends = st.sampled_from([len(FIELDS), len(FIELDS), len(FIELDS), 12, 3])
    longer = st.sampled_from([[], [], [], [""], ["geser"]])
    rows = st.builds(lambda row, end, more: [*row[:end], *more] if end == len(FIELDS) else row[:end], whole, ends, longer)  # fmt: skip
    return draw(st.lists(rows, min_size=1, max_size=60))


@given(tables())
def test_a_row_is_judged_among_others_as_alone(rows: list[list[Cell]]) -> None:
    facts = FileFacts(Path(), "csv", "", 1, "utf-8", repaired=False)
    assert judged(rows, facts, together=False) == judged(rows, facts, together=True)


@given(
    st.lists(st.text(max_size=12) | st.sampled_from(["Siti  Aminah", " Nur'aini ", "a\nb", "José", ""]), max_size=20)
)
def test_names_of_a_column_fold_as_each_does(names: list[str]) -> None:
    assert [fold_name(name) for name in names] == fold_names(names)


@given(st.lists(st.sampled_from(NIKS) | st.text("0123456789. '", max_size=18), max_size=20))
def test_numbers_of_a_column_are_read_as_each_is(cells: list[Cell]) -> None:
    assert [check_nik(cell) for cell in cells] == list(zip(*check_niks(cells), strict=True))
    assert [check_nib(cell) for cell in cells] == list(zip(*check_nibs(cells), strict=True))


def test_a_chunk_without_rows_has_none() -> None:
    facts = FileFacts(Path(), "csv", "", 1, "utf-8", repaired=False)
    assert judged([], facts, together=True) == []
