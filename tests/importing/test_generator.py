"""The generator: what it says it planted is what the check finds, file by file; the same seed gives the same files."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

from ops.generator import generate
from services.registry.importing.checking import Checker, Terms
from services.registry.importing.reading import open_table
from services.registry.reference.places import all_places


def test_the_check_finds_all_that_was_planted(tmp_path: Path) -> None:
    planted = generate(tmp_path, rows=4_000, seed=11)
    assert list(all_places()) == [file.kelurahan for file in planted.files]
    assert planted.total("rows") == 4_000
    assert planted.total("hostile_cells") >= 500
    for file in planted.files:
        table = open_table(tmp_path / file.name)
        checker = Checker(table, Terms(date(2026, 11, 25), file.kelurahan))
        rows = [row for chunk in table.chunks() for row in checker.check(chunk)]
        results, codes = Counter(row.result.value for row in rows), Counter(code for row in rows for code in row.codes)
        assert file.rows == len(rows), file.name
        assert file.refused == results["refused"], file.name
        assert file.repeated == results["same"], file.name
        assert file.unknown_places == codes["KELURAHAN_TIDAK_DIKENAL"], file.name
        assert file.codes == {code: codes[code] for code in file.codes}, file.name


def test_the_same_seed_gives_the_same_csv_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    names = [file.name for file in generate(first, rows=1_500, seed=3).files if file.name.endswith(".csv")]
    generate(second, rows=1_500, seed=3)
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
