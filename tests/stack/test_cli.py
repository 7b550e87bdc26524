"""The command as a person or a script meets it: help everywhere, honest exit codes, one sentence for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from ops.cli import COMMANDS
from ops.stack import Stack
from tests.stack.commanding import naikkelas_here


def test_the_command_is_there_as_a_program(tmp_path: Path) -> None:
    env = os.environ | {"NAIKKELAS_HOME": str(tmp_path)}
    line = [sys.executable, "-m", "ops", "--help"]
    done = subprocess.run(line, env=env, capture_output=True, text=True, check=False, timeout=90)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, tmp_path: Path) -> None:
    done = naikkelas_here(name, "--help", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize("folder", ["", "never/made"], ids=["empty", "none"])
@pytest.mark.parametrize(
    "words", [("lag",), ("parked", "list"), ("topics", "plan"), ("env",), ("figures", "equity"), ("erasures",)]
)
def test_without_a_stack_one_sentence_says_what_to_do(words: tuple[str, ...], folder: str, tmp_path: Path) -> None:
    done = naikkelas_here(*words, "--json", home=tmp_path / folder)
    assert done.returncode == 1
    assert "naikkelas up" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize(
    ("words", "code"), [(("audit",), 2), (("token", "--role", "operator"), 1), (("rebuild", "jobs"), 1)]
)
def test_where_no_stack_ever_was_no_command_ends_in_a_traceback(
    words: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    done = naikkelas_here(*words, home=tmp_path / "never" / "made")
    assert done.returncode == code  # of an audit 1 says that something was found
    assert "naikkelas up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_running_stack_answers_every_question(server_stack: Stack, given_servers: dict[str, str]) -> None:
    ask = partial(naikkelas_here, home=server_stack.home.path, given=given_servers)
    assert json.loads(ask("topics", "plan", "--json").stdout)["matches"] is True
    lags = json.loads(ask("lag", "--json").stdout)
    assert {item["group"] for item in lags} >= {"projections", "notifications"}
    assert all(item["lag"] == item["end"] - item["committed"] >= 0 for item in lags)
    found = json.loads(ask("env", "--json", "--as", "projections").stdout)
    assert found["kcat"]["sasl.username"] == "projections"
    assert found["psql"].startswith("postgresql://audit:")
    token = ask("token", "--role", "petugas_dinas").stdout.strip()
    assert token.count(".") == 2
    assert ask("token", "--role", "petugas_kelurahan").returncode == 1
    assert ask("token", "--role", "raja").returncode == 2
