"""Files that commands write: where one cannot be written a sentence says so, and what was told before stands."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.report import Report
from tests.stack.commanding import naikkelas_here

SHEET = Path(__file__).parent.parent / "data" / "spreadsheets" / "a_titik_koma_bom_utf8.csv"
NOTHING = Report(2026, datetime(2026, 12, 31, 4, 0, tzinfo=UTC), ())


@pytest.fixture(params=["missing folder", "a folder itself"])
def bad(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A path that no workbook can be written to."""
    return tmp_path / "none" / "a.xlsx" if request.param == "missing folder" else tmp_path


def test_a_check_whose_report_cannot_be_written_has_told_its_answer(bad: Path) -> None:
    words = (sys.executable, "-m", "ops", "import", "check", str(SHEET), "--json", "--report", str(bad))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert json.loads(done.stdout)["totals"]["rows"] > 0
    assert done.stderr.startswith(f"{bad} cannot be written (")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["html", "xlsx"])
def test_a_report_in_a_folder_that_is_not_there_says_so(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.cli.report._read", lambda *_, **__: NOTHING)
    bad = tmp_path / "none" / f"laporan.{kind}"
    done = naikkelas_here("report", "year", "2026", f"--{kind}", str(bad), "--json", home=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["ok"]) == (1, False)
    assert told["error"].startswith(f"{bad} cannot be written (")
