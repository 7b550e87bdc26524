"""Three spreadsheets as kelurahan send them, against what a person expects of each row."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.registry.importing.apply import checked_chunks
from services.registry.importing.checking import Checker, Terms
from services.registry.importing.reading import open_table

DATA = Path(__file__).parent.parent / "data" / "spreadsheets"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))


def check(path: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run ``naikkelas import check`` as a person would; return exit code and answer."""
    command = [sys.executable, "-m", "ops", "import", "check", str(path), "--json", *options]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(
    scope="module", params=["a_titik_koma_bom_utf8.csv", "c_koma_utf8_judul_di_atas.csv", "d_tab_utf16le.csv"]
)
def answer(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The answer for one of the files."""
    code, found = check(DATA / request.param)
    assert code == 0
    return found


def test_what_a_check_remembers_goes_with_it() -> None:
    table = open_table(DATA / "a_titik_koma_bom_utf8.csv")
    checker = Checker(table, Terms(date(2026, 11, 25)))
    assert sum(len(rows) for rows in checked_chunks(table, checker, keep_people=True)) == EXPECTED["rows_data"]
    remembered = weakref.ref(checker)
    gc.disable()  # a worker that has many files to do comes to a full collection too late
    try:
        del checker
        assert remembered() is None
    finally:
        gc.enable()


def test_every_data_row_is_there_and_no_other(answer: dict[str, Any]) -> None:
    assert len(answer["rows"]) == EXPECTED["rows_data"] == answer["totals"]["rows"]


def test_each_row_says_what_a_person_expects(answer: dict[str, Any]) -> None:
    rows = dict(zip("12345678", answer["rows"], strict=True))
    for number, expected in EXPECTED["expect"].items():
        row = rows[number]
        owner, business = row["owner"], row["business"]
        if "nama" in expected:
            assert expected["nama"] == owner["name"]
        if "hp" in expected:
            phones = expected["hp"] or []
            assert ([phones] if isinstance(phones, str) else phones) == owner["phones"]
        for key, name in (("kelurahan", "kelurahan"), ("modal", "capital"), ("omzet", "sales"), ("kelas", "class")):
            if key in expected:
                assert expected[key] == business[name], (number, key)
        if "nik" in expected:
            assert expected["nik"] == owner["nik"]
        for code in [*expected.get("warn", []), *expected.get("reject_or_quarantine", [])]:
            assert code in row["codes"], (number, code)
        if "reject" in expected:
            assert (row["result"], expected["reject"] in row["codes"]) == ("refused", True)
    assert rows["3"]["owner"]["nik"] == rows["1"]["owner"]["nik"]
    assert rows["5"]["business"]["nib"] == "0812345678901"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("kosong.csv", b"", "BERKAS_KOSONG"),
        ("satu.csv", b"NAMA PEMILIK\nSiti\nBudi\n", "SATU_KOLOM"),
        ("bukan.xlsx", b"NIK;NAMA PEMILIK;NAMA USAHA\n1;a;b\n", "ISI_TIDAK_SESUAI_NAMA"),
        ("sampah.csv", bytes(range(256)) * 40, "JUDUL_TIDAK_DITEMUKAN"),
        ("judul.csv", b"a;b;c\n1;2;3\n", "JUDUL_TIDAK_DITEMUKAN"),
    ],
)
@pytest.mark.security(line="S10")
def test_a_file_that_is_no_table_gets_one_clear_refusal(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    status, found = check(path)
    assert status == 1
    assert code == found["refused"]["code"]
    assert found["refused"]["reason"].endswith(".")
