"""Workbooks that are made to do harm: one clear refusal each, in bounded memory, and before a library opens them."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from services.registry.importing.archive import inspect
from services.registry.importing.codes import FileRefusedError

SHEET = "xl/worksheets/sheet1.xml"
ENTITY = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
MEMORY = 40 * 1024 * 1024


def _workbook(path: Path) -> dict[str, bytes]:
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet().write_row(0, 0, ["NIK", "NAMA PEMILIK", "NAMA USAHA"])
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _entity_in_the_sheet(parts: dict[str, bytes]) -> None:
    head, rest = parts[SHEET].split(b"<worksheet", 1)
    parts[SHEET] = head + ENTITY + b"<worksheet" + rest


def _entity_elsewhere(parts: dict[str, bytes]) -> None:
    head, rest = parts["xl/styles.xml"].split(b"<styleSheet", 1)
    parts["xl/styles.xml"] = head + ENTITY + b"<styleSheet" + rest


def _macro(parts: dict[str, bytes]) -> None:
    parts["xl/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + bytes(100)


def _bomb_of_one_part(parts: dict[str, bytes]) -> None:
    parts["xl/sharedStrings.xml"] = b"<sst>" + b" " * (80 * 1024 * 1024)


def _bomb_in_the_sheet(parts: dict[str, bytes]) -> None:
    parts[SHEET] = parts[SHEET].replace(b"<sheetData>", b"<sheetData>" + b" " * (80 * 1024 * 1024))


def _bomb_of_many_parts(parts: dict[str, bytes]) -> None:
    parts.update({f"xl/worksheets/sheet{number}.xml": b"" for number in range(2, 2_010)})


def _a_million_columns(parts: dict[str, bytes]) -> None:
    parts[SHEET] = parts[SHEET].replace(b"</sheetData>", b'<row r="2"><c r="BDWGN2"><v>1</v></c></row></sheetData>')


def _a_million_rows_of_a_thousand_columns(parts: dict[str, bytes]) -> None:
    parts[SHEET] = parts[SHEET].replace(
        b"</sheetData>", b'<row r="1048576"><c r="ALL1048576"><v>1</v></c></row></sheetData>'
    )


def _no_workbook(parts: dict[str, bytes]) -> None:
    del parts["xl/workbook.xml"]


@pytest.mark.security(line="S10")
@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_entity_in_the_sheet, "XML_BERBAHAYA"),
        (_entity_elsewhere, "XML_BERBAHAYA"),
        (_macro, "BERMAKRO"),
        (_bomb_of_one_part, "LEMBAR_TERLALU_BESAR"),
        (_bomb_in_the_sheet, "BOM_ZIP"),
        (_bomb_of_many_parts, "BOM_ZIP"),
        (_a_million_columns, "LEMBAR_TERLALU_BESAR"),
        (_a_million_rows_of_a_thousand_columns, "LEMBAR_TERLALU_BESAR"),
        (_no_workbook, "ISI_TIDAK_SESUAI_NAMA"),
    ],
)
def test_a_workbook_that_is_made_to_do_harm_is_refused(
    spoil: Callable[[dict[str, bytes]], None], code: str, tmp_path: Path
) -> None:
    path = tmp_path / "usaha.xlsx"
    parts = _workbook(path)
    inspect(path)  # as it was made it is a workbook like any other
    spoil(parts)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    del parts
    tracemalloc.start()
    try:
        with pytest.raises(FileRefusedError) as refused:
            inspect(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.code.name == code
    assert most < MEMORY


@pytest.mark.security(line="S10")
def test_a_workbook_with_a_password_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "usaha.xlsx"
    parts = _workbook(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    raw = bytearray(path.read_bytes())
    for at in (raw.find(b"PK\x03\x04") + 6, raw.find(b"PK\x01\x02") + 8):
        raw[at] |= 1  # the first part says that it is encrypted
    path.write_bytes(raw)
    with pytest.raises(FileRefusedError) as refused:
        inspect(path)
    assert refused.value.code.name == "TERKUNCI_SANDI"
