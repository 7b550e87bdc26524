"""CI fails on a skip that nobody allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

SKIPPING = """
import pytest

def test_of_an_engine():
    pytest.skip("no container engine here")

def test_that_runs():
    assert True
"""


@pytest.mark.parametrize(
    ("allowed", "code"),
    [
        ("", 1),
        ("test_engine.py::* | *no Java*", 1),
        ("test_engine.py::* | *container engine*  # as a bare machine has none", 0),
    ],
)
def test_only_a_listed_skip_is_taken(allowed: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "test_engine.py").write_text(SKIPPING, encoding="utf-8")
    listed = tmp_path / "allowed.txt"
    listed.write_text(f"# comment\n{allowed}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "--rootdir", tmp_path, "-c", os.devnull, tmp_path]
    settings = os.environ | {"CI": "true", "STRICT_SKIPS": str(listed), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    done = subprocess.run(command, check=False, cwd=ROOT, env=settings, capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]
    assert ("test_engine.py::test_of_an_engine | no container engine here" in done.stdout) == bool(code)
