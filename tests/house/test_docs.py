"""What the documents say is there, and what they tell to run runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from services.registry.importing.codes import CODES
from tests.house.tree import ROOT, shown, tracked

DOCUMENTS = tracked("*.md")
LONG_COMMANDS = {
    "make demo",
    "make test",
    "make check",
    "make bench",
    "make prove",
    "make up",
    "make down",
    "make setup",
    "make schemas",
    "make lock",
}
"""Run by CI and by people, not inside a test: that they exist is checked."""
DECISION_PARTS = ("Context", "Decision", "Consequences", "Alternatives")


def _outside_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", _outside_code(path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_links_lead_somewhere(document: Path) -> None:
    text = _outside_code(document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{shown(document)}: {target}"
        assert not anchor or anchor in _anchors(path), f"{shown(document)}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_files_that_documents_name_in_code_marks_exist(document: Path) -> None:
    text = _outside_code(document.read_text(encoding="utf-8"))
    for name in re.findall(r"`((?:services|shared|ops|deploy|docs|tests|bench|proof|examples)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), f"{shown(document)}: {name}"


def test_the_two_commands_of_the_readme_are_there() -> None:
    blocks = "\n".join(_blocks(ROOT / "README.md", "bash"))
    assert "make demo" in blocks
    assert "make test" in blocks


def _commands() -> list[str]:
    lines = [
        line.strip()
        for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
        for block in _blocks(path, "bash")
        for line in block.splitlines()
    ]
    return sorted({line.partition(" #")[0].strip() for line in lines if line and not line.startswith("#")})


@pytest.mark.parametrize("command", _commands())
def test_a_command_of_the_readme_runs(command: str) -> None:
    shown_only = " ".join(command.split()[:2]) in LONG_COMMANDS
    run = command.replace("make ", "make --dry-run ", 1) if shown_only else command
    settings = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(["bash", "-euc", run], check=False, cwd=ROOT, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_help_lists_every_target_for_people() -> None:
    listed = subprocess.run(["make", "help"], check=True, cwd=ROOT, capture_output=True, text=True).stdout
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    described = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert re.findall(r"^  make (\S+)", listed, re.MULTILINE) == described
    assert {"demo", "test", "check", "bench", "help"} <= set(described)


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0] == "Unreleased"


def test_decisions_are_numbered_and_have_the_same_four_parts() -> None:
    paths = tracked("docs/decisions/*.md")
    assert [int(path.name[:4]) for path in paths] == list(range(1, len(paths) + 1))
    for path in paths:
        titles = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert titles == list(DECISION_PARTS), shown(path)
        assert path.read_text(encoding="utf-8").count("\n") <= 60, f"{shown(path)} is more than a page"


def test_the_license_is_the_one_that_the_package_names() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_page_of_import_codes_names_each_code_with_its_reason() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w*) \| (.+) \|$",
        (ROOT / "docs" / "import-codes.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert {name: (field, reason) for name, field, reason in rows} == {
        code.name: (code.field or "", code.reason) for code in CODES.values()
    }


def test_what_is_said_of_the_figures_stands_where_a_run_takes_it_from() -> None:
    said = (ROOT / "bench" / "profile.md").read_text(encoding="utf-8").strip()
    assert (ROOT / "docs" / "speed.md").read_text(encoding="utf-8").strip().endswith(said)
