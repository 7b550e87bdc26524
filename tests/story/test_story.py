"""A small year of the office, by the command, on a platform of its own; and what is left of it when it is interrupted."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest
from python_calamine import CalamineWorkbook

from ops.stack import Stack
from shared.wita import WITA

ROWS = "1000"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of its own; whatever still runs in it is ended."""
    path = Path(tempfile.mkdtemp(prefix="naikkelas-story-"))
    yield path
    Stack(path / "demo").down(wipe=True)
    shutil.rmtree(path)  # it may be in memory


def start(home: Path, given: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start the command."""
    command = [sys.executable, "-m", "ops", "demo", "--story", "--rows", ROWS, "--json"]
    env = os.environ | {"NAIKKELAS_PORTS": "any", "NAIKKELAS_HOME": str(home), **given}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _works_in(process: psutil.Process, home: Path) -> bool:
    try:
        words = process.cmdline()
        return any(str(home) in word for word in words) or str(home) in process.environ().get("NAIKKELAS_HOME", "")
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False


def working_in(home: Path) -> list[int]:
    """Return the processes that work in this folder, by their words or their environment."""
    return [process.pid for process in psutil.process_iter() if process.pid != os.getpid() and _works_in(process, home)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_small_year_is_as_planned_and_its_report_says_so(home: Path, given_servers: dict[str, str]) -> None:
    running = start(home, given_servers)
    said, told = running.communicate(timeout=560)
    assert running.returncode == 0, told[-3_000:] + said[-3_000:]
    result: dict[str, Any] = json.loads(said)
    wrong = [check for chapter in result["chapters"] for check in chapter["checks"] if not check["ok"]]
    assert (result["ok"], wrong) == (True, [])
    assert {chapter["chapter"] for chapter in result["chapters"]} >= {
        "casting", "partner_trainings", "office_trainings", "bazaar", "fair", "classes", "mails", "yearbook",
        "partners", "outlets",
    }  # fmt: skip
    assert (result["audit"]["ok"], result["audit"]["lost"]) == (True, 0)
    numbers = {figure["code"]: figure for figure in result["report"]["figures"]}
    assert numbers["dilatih"]["total"] > numbers["dilatih"]["unknown"]["value"] >= 0
    gained, men, women = (numbers[f"tenaga_kerja{whose}"]["total"] for whose in ("", "_laki", "_perempuan"))
    assert gained == men + women
    told_year_goes_on = result["report"]["year"] == datetime.now(WITA).year
    assert (gained > 0) is told_year_goes_on  # in January the second count is of the year after
    page, workbook = (Path(name) for name in result["files"])
    assert f"Laporan tahun {result['report']['year']}" in page.read_text(encoding="utf-8")
    table = CalamineWorkbook.from_path(str(workbook)).get_sheet_by_name("Angka").to_python()
    assert [line[1:] for line in table if line[0] == "Jumlah"] == [
        ["–" if figure["total"] is None else figure["total"] for figure in result["report"]["figures"]]
    ]
    assert working_in(home) == []


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("interruptible")
def test_interrupted_it_leaves_no_process(home: Path, given_servers: dict[str, str]) -> None:
    running = start(home, given_servers)
    record, deadline = home / "demo" / "spreadsheets" / "planted.json", monotonic() + 200
    while not record.exists():
        assert monotonic() < deadline, "the story did not begin"
        assert running.poll() is None, running.communicate()
        sleep(0.1)
    assert working_in(home) != []
    running.send_signal(signal.SIGINT)
    said, told = running.communicate(timeout=60)
    assert running.returncode == 130, told[-2_000:] + said[-2_000:]
    assert working_in(home) == []
