"""Checking an XLSX against only reading it: calamine's rows, one after another, and nothing done with them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from python_calamine import CalamineWorkbook

from bench.harness import Result, Size, VoidRunError, in_turn
from bench.rig import Rig
from ops.generator.files import Row, write_xlsx
from ops.generator.people import People
from services.registry.importing.apply import checked_chunks
from services.registry.importing.checking import Checker, Terms
from services.registry.importing.reading import open_table
from services.registry.importing.rows import Result as Outcome
from services.registry.reference.places import all_places, place_name

HEADER_ROWS = 3
DAY = date(2026, 11, 25)


def write_clean(path: Path, rows: int) -> None:
    """Write a workbook of ``rows`` rows with nothing wrong in them, under a title as kelurahan have it."""
    people, place = People(2026), next(iter(all_places().values()))
    where = {"KELURAHAN": place_name(place.code), "KECAMATAN": place.district}
    made: list[Row | None] = [
        {"NO": str(n), **people.owner(), **people.business(), **where} for n in range(1, rows + 1)
    ]
    write_xlsx(path, where["KELURAHAN"], made)


def _check(path: Path, rows: int) -> float:
    """Check the file as a dry run does; return rows per second."""
    started = perf_counter()
    table = open_table(path)
    checker, passed, last = Checker(table, Terms(DAY)), 0, 0
    for chunk in checked_chunks(table, checker, keep_people=True):
        passed += sum(row.result is not Outcome.REFUSED for row in chunk)
        if chunk[0].number <= last:
            raise VoidRunError(f"row {chunk[0].number} comes after {last}")
        last = chunk[-1].number
    seconds = perf_counter() - started
    if (passed, last) != (rows, rows + HEADER_ROWS):
        raise VoidRunError(f"{passed} of {rows} rows passed, the last one is {last}")
    return rows / seconds


def _read(path: Path, rows: int) -> float:
    """Only take each row in hand; return rows per second."""
    started, found = perf_counter(), 0
    with CalamineWorkbook.from_path(path) as workbook:
        for _ in workbook.get_sheet_by_index(0).iter_rows():
            found += 1
    seconds = perf_counter() - started
    if found != rows + HEADER_ROWS:
        raise VoidRunError(f"calamine gave {found} rows of {rows + HEADER_ROWS}")
    return rows / seconds


async def check_spreadsheet(_: Rig, size: Size) -> Result:
    """Rows per second of an XLSX of 95,000: found, cleaned and judged; and by calamine alone."""
    rows = size.of(95_000)
    with TemporaryDirectory(prefix="naikkelas-bench-") as folder:
        path = Path(folder) / "bench.xlsx"
        write_clean(path, rows)

        async def product() -> float:
            return _check(path, rows)

        async def baseline() -> float:
            return _read(path, rows)

        return await in_turn(
            Result("check of an XLSX ÷ raw calamine iteration", "rows/s", "≥ 0.4"), size, product, baseline
        )
