"""House rules that no linter knows."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.database import load_queries
from tests.house.tree import CODE, ROOT, shown, tracked

LONGEST_FUNCTION = 45
LONGEST_MODULE = 400
NEVER_NAMED = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc", "logging"}
BINARY = {".png", ".jpg", ".xlsx", ".zip", ".gz", ".woff2", ".ico", ".pdf"}

# Spelled in halves, so that this file does not hold what it forbids.
PLACES_OF_ONE_MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.~$}/-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me)/[a-z]",
            r"pypi\." + r"org|pythonhosted\." + r"org|registry\.npmjs|repo1?\.maven|proxy\.golang|deb\." + r"debian",
            r"--find-" + r"links|--(?:extra-)?index-" + r"url[ =]",
        ]
    )
)


def _code() -> list[Path]:
    return tracked(*(f"{folder}/**.py" for folder in CODE))


def _trees(paths: list[Path]) -> Iterator[tuple[Path, ast.Module]]:
    for path in paths:
        yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_nothing_has_a_name_that_says_nothing() -> None:
    named = [p for p in _code() if NEVER_NAMED & {part.removesuffix(".py") for part in p.relative_to(ROOT).parts}]
    assert [shown(path) for path in named] == []


def test_no_file_names_a_place_of_one_machine_or_a_package_host() -> None:
    found = []
    for path in tracked():
        if path.suffix in BINARY or shown(path) == "Makefile":
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [
            f"{shown(path)}:{n}: {line[:120]}" for n, line in enumerate(lines, 1) if PLACES_OF_ONE_MACHINE.search(line)
        ]
    assert found == []


def test_modules_stay_readable_in_one_go() -> None:
    long = {shown(p): n for p in tracked("*.py") if (n := p.read_text(encoding="utf-8").count("\n")) > LONGEST_MODULE}
    assert long == {}


def test_functions_stay_below_the_tail() -> None:
    long = []
    for path, tree in _trees(_code()):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{shown(path)}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_every_package_has_a_card() -> None:
    bare = []
    for path, tree in _trees([p for p in _code() if p.name == "__init__.py"]):
        if not ast.get_docstring(tree):
            bare.append(shown(path))
    assert bare == []


def test_the_card_of_a_service_says_what_it_owns_and_holds_no_code() -> None:
    for path, tree in _trees(sorted((ROOT / "services").glob("*/__init__.py"))):
        card = (ast.get_docstring(tree) or "").lower()
        assert "owns" in card, shown(path)
        assert "consumes" in card, shown(path)
        assert re.search("emits|publishes", card), shown(path)
        assert len(tree.body) == 1, f"{shown(path)} is a card, not code"


def _is_sleep(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "sleep"}


def test_tests_sleep_only_while_a_condition_does_not_hold() -> None:
    sleeping = []
    for path, tree in _trees(tracked("tests/**.py")):
        loops = [
            node for node in ast.walk(tree) if isinstance(node, ast.While) and not isinstance(node.test, ast.Constant)
        ]
        polling = {call for loop in loops for call in ast.walk(loop)}
        sleeping += [
            f"{shown(path)}:{node.lineno}" for node in ast.walk(tree) if _is_sleep(node) and node not in polling
        ]
    assert sleeping == []


def test_nothing_waits_in_a_way_that_swallows_its_own_end() -> None:
    """In Python 3.11 ``asyncio.wait_for`` forgets that it was cancelled when what it waits for comes at that moment."""
    code = tracked(*(f"{folder}/**.py" for folder in ("shared", "services", "ops", "proof", "bench")))
    assert [shown(p) for p in code if "asyncio.wait_for(" in p.read_text(encoding="utf-8")] == []


def test_no_test_trusts_a_broker_without_offsets() -> None:
    name = "TestKafka" + "Broker"
    assert [shown(path) for path in tracked("*.py") if name in path.read_text(encoding="utf-8")] == []


def test_every_subscriber_reads_a_failed_batch_again_and_never_replies() -> None:
    found = 0
    ours = [path for path in _code() if "peers/programs" not in shown(path)]  # what others lose is shown there
    for path, tree in _trees(ours):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr != "subscriber":
                continue
            found += 1
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            where = f"{shown(path)}:{node.lineno}"
            assert given.get("ack_policy", "").endswith("NACK_ON_ERROR"), where
            assert given.get("no_reply") == "True", where
            assert given.get("auto_offset_reset") == "'earliest'", where
    assert found >= 1


def test_no_two_migrations_of_a_folder_have_the_same_number() -> None:
    paths = [path for path in tracked("services/**.sql", "shared/**.sql") if re.match(r"\d{4}_", path.name)]
    numbers = [(path.parent, path.name[:4]) for path in paths]
    assert paths
    assert len(numbers) == len(set(numbers))


def test_every_named_statement_is_described() -> None:
    paths = [p for p in tracked("services/**.sql", "shared/**.sql") if "-- name:" in p.read_text(encoding="utf-8")]
    assert paths
    for path in paths:
        assert load_queries(path).names(), shown(path)


def _modules(folder: str) -> list[str]:
    paths = [path.relative_to(ROOT).with_suffix("") for path in tracked(f"{folder}/**.py")]
    return sorted({".".join(p.parts).removesuffix(".__init__") for p in paths if p.name != "__main__"})


@pytest.mark.parametrize("folder", ["services", "shared", "ops", "proof"])
def test_importing_needs_no_settings_and_builds_nothing(folder: str, tmp_path: Path) -> None:
    program = "import importlib, sys, threading\n"
    program += "[importlib.import_module(name) for name in sys.argv[1:]]\n"
    program += "sys.exit(threading.active_count() - 1)"
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", program, *_modules(folder)]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=bare, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
