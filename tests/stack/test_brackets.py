"""What others wrote is shown on a terminal as they wrote it, also what looks like a mark of the library that draws."""

from __future__ import annotations

import gc
import io
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from ops.cli.local import progress
from ops.cli.output import drawn_table, print_table
from ops.cli.progress import stages
from tests.stack.commanding import naikkelas_here

HOSTILE = ["Bazar [red]Ramadan", "[/bold]", "kurang [x] :smile:", "[link=http://a]b[/link]"]
"""One vanishes as a mark, one closes what nobody opened and raises, and one would become a picture."""
SHEET = Path(__file__).parent.parent / "data" / "spreadsheets" / "a_titik_koma_bom_utf8.csv"
MODULES = ("ops.cli.output", "ops.cli.local", "ops.cli.progress")
"""Those that draw."""


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every console one of a terminal that is wide enough."""
    for module in MODULES:
        monkeypatch.setattr(f"{module}.Console", partial(Console, force_terminal=True, width=200, color_system=None))


def plain(text: str) -> str:
    """Return a text without what moves the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_table_shows_cells_headings_and_its_title_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(HOSTILE, [HOSTILE[::-1], (1, None, 2.5, True)])
    shown = capsys.readouterr().out
    assert [shown.count(text) for text in HOSTILE] == [2] * len(HOSTILE)
    console = Console(file=io.StringIO(), force_terminal=True, width=200, color_system=None)
    console.print(drawn_table(("a" * 30,), [("b",)], HOSTILE[1]))
    assert HOSTILE[1] in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_bar_shows_what_is_done_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with stages() as tell:
        tell(text, 1, 1)
    with progress(1) as step:
        step(text)
    shown = plain(capsys.readouterr().err)
    assert shown.count(text) >= 2


@pytest.mark.parametrize("name", ["data [red]manggar.csv", "[bold].csv"])
def test_a_check_names_the_file_as_it_is_called(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    shutil.copy(SHEET, file)
    try:
        done = naikkelas_here("import", "check", str(file), home=tmp_path)
    finally:
        gc.enable()  # the command is one of its own process elsewhere, and does without
    assert done.returncode == 0
    assert done.stdout.startswith(f"{file.name}: ")
