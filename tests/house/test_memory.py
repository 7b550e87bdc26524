"""The files of tests are in memory only where there is enough of it and nobody chose another place."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.memory import available, roomy, use_memory


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody chose a place; what a test changes is put back."""
    monkeypatch.setenv("TMPDIR", "")
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_enough_memory_is_used_by_all_that_is_started(tmp_path: Path) -> None:
    use_memory(tmp_path, enough=0)
    assert (os.environ["TMPDIR"], tempfile.gettempdir()) == (str(tmp_path), str(tmp_path))


@pytest.mark.parametrize("enough", [1 << 60, 1 << 50])
def test_too_little_is_left_alone(tmp_path: Path, enough: int) -> None:
    use_memory(tmp_path, enough)
    assert "TMPDIR" not in os.environ


def test_a_place_that_somebody_chose_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    use_memory(tmp_path, enough=0)
    assert os.environ["TMPDIR"] == "/elsewhere"


def test_no_folder_and_no_figures_are_no_room(tmp_path: Path) -> None:
    assert not roomy(tmp_path / "none", 0)
    assert available(tmp_path / "none") == 0
    use_memory(tmp_path / "none", enough=0)
    assert "TMPDIR" not in os.environ
