"""Spreadsheets as people lay them out: headings over groups, several sheets, signatures below the table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from services.registry.importing.checking import Checker, Terms
from services.registry.importing.codes import FileRefusedError
from services.registry.importing.reading import open_table
from services.registry.importing.rows import CheckedRow, Result
from shared.contracts.registry import BusinessClass
from tests.importing.office import KELURAHAN, nik

Sheet = Sequence[Sequence[str]]
HEADER = ("NO", "NIK", "NAMA PEMILIK", "NAMA USAHA", "ALAMAT", "NO HP")
SIGNED = (
    ("", "", "Mengetahui,"),
    ("", "", "Lurah Manggar", "", "Ketua LPM"),
    (),
    ("", "", "BUDI SANTOSO, S.Sos", "", "SITI AMINAH"),
    ("", "", "NIP. 19700101 199001 1 001"),
)


def data(number: int) -> tuple[str, ...]:
    """Return a row of data."""
    return (str(number), nik(number), f"Pemilik {number}", f"Warung {number}", "Jl. Mulawarman", "081200001111")


def checked(path: Path) -> list[CheckedRow]:
    """Return what a check says of each row."""
    table = open_table(path)
    checker = Checker(table, Terms(date(2026, 11, 25), KELURAHAN))
    return [row for chunk in table.chunks() for row in checker.check(chunk)]


def write_csv(path: Path, rows: Sheet) -> Path:
    """Write rows as CSV."""
    path.write_text("".join(";".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_book(path: Path, sheets: dict[str, Sheet], hidden: frozenset[str] = frozenset()) -> Path:
    """Write sheets, by name."""
    with xlsxwriter.Workbook(str(path)) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
            if name in hidden:
                sheet.hide()
            else:
                sheet.activate()  # the one that is shown first cannot be hidden
    return path


@pytest.mark.parametrize("last", [False, True], ids=["in the middle", "at the end"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_sales_of_a_year_are_not_those_of_the_month_before_them(tmp_path: Path, kind: str, last: bool) -> None:
    group, phone = (["OMSET", ""], ["PER BULAN", "PER TAHUN"]), (["NO HP"], [""])
    upper, lower = (a + b for a, b in zip(*((phone, group) if last else (group, phone)), strict=True))
    sales = ["180.000.000", "2.160.000.000"]
    cells = ["081200001111", *sales] if last else [*sales, "081200001111"]
    rows: Sheet = [
        ["NO", "NIK", "NAMA PEMILIK", "NAMA USAHA", *upper],
        ["", "", "", "", *lower],
        *([str(number), nik(number), f"Pemilik {number}", f"Warung {number}", *cells] for number in (1, 2)),
    ]
    path = tmp_path / f"data.{kind}"
    found = checked(write_csv(path, rows) if kind == "csv" else write_book(path, {"Data": rows}))
    assert [(row.business.sales, row.business.kelas, row.result) for row in found] == [
        (2_160_000_000, BusinessClass.KECIL, Result.NEW)
    ] * 2
    assert [row.owner.phones for row in found] == [("+6281200001111",)] * 2


def test_a_second_sheet_with_data_is_not_left_out_in_silence(tmp_path: Path) -> None:
    sheets = {"RT 01": [HEADER, data(1)], "RT 02": [("Daftar RT 02",), (), HEADER, data(2)]}
    with pytest.raises(FileRefusedError) as refused:
        open_table(write_book(tmp_path / "dua.xlsx", sheets))
    assert refused.value.code.name == "BANYAK_LEMBAR"
    assert "“RT 01”, “RT 02”" in refused.value.reason


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("Contoh", [HEADER]),
        ("Keterangan", [("Petunjuk",), ("Isi semua kolom",)]),
        ("Rekap", [("RT", "JUMLAH"), ("01", "25")]),
        ("Tersembunyi", [HEADER, data(2)]),
    ],
)
def test_other_sheets_may_stand_beside_the_one_with_data(tmp_path: Path, name: str, rows: Sheet) -> None:
    sheets = {name: rows, "Data": [HEADER, data(1)]}
    for number, order in enumerate((sheets, dict(reversed(sheets.items())))):
        found = checked(write_book(tmp_path / f"{number}.xlsx", order, frozenset({"Tersembunyi"})))
        assert [row.owner.name for row in found] == ["Pemilik 1"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "BERKAS_KOSONG"),
        ([("Daftar",), ("Siti",)], "SATU_KOLOM"),
        ([("A", "B"), ("1", "2")], "JUDUL_TIDAK_DITEMUKAN"),
    ],
)
def test_a_workbook_without_a_table_is_told_what_it_lacks(tmp_path: Path, rows: Sheet, code: str) -> None:
    with pytest.raises(FileRefusedError) as refused:
        open_table(write_book(tmp_path / "tanpa.xlsx", {"Lembar": rows}))
    assert refused.value.code.name == code


def test_who_signed_below_the_table_is_no_business(tmp_path: Path) -> None:
    found = checked(write_csv(tmp_path / "data.csv", [HEADER, data(1), data(2), (), *SIGNED]))
    assert [row.result for row in found] == [Result.NEW] * 2 + [Result.REFUSED] * 4
    assert all("HANYA_NAMA" in row.codes for row in found[2:])


@pytest.mark.parametrize(
    "poor",
    [
        ("3", "", "Pemilik 3"),
        ("", "", "Pemilik 3", "Warung 3"),
        ("", "", "Pemilik 3", "", "Jl. Mulawarman"),
        ("", "", "Pemilik 3", "", "Jl. Mulawarman", "081200001112"),
    ],
    ids=["a number", "a business", "an address", "two cells more"],
)
def test_a_poor_row_among_others_is_one_still(tmp_path: Path, poor: tuple[str, ...]) -> None:
    found = checked(write_csv(tmp_path / "data.csv", [HEADER, data(1), poor, data(2), (), *SIGNED]))
    assert [row.result for row in found[:3]] == [Result.NEW] * 3
    assert [row.result for row in found[3:]] == [Result.REFUSED] * 4


def test_where_a_chunk_ends_changes_nothing_below_the_table(tmp_path: Path) -> None:
    rows = [HEADER, *(data(number) for number in range(1, 4)), (), *SIGNED]
    table = open_table(write_csv(tmp_path / "data.csv", rows))
    for size in range(1, 8):
        checker = Checker(table, Terms(date(2026, 11, 25), KELURAHAN))
        found = [row.result for chunk in table.chunks(size) for row in checker.check(chunk)]
        assert found == [Result.NEW] * 3 + [Result.REFUSED] * 4
