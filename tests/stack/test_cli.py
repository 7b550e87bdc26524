"""The command as a person or a script meets it: help everywhere, honest exit codes, one sentence for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.cli import COMMANDS
from ops.stack import Stack


def naikkelas(*words: str, home: Path | str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    env = os.environ | {"NAIKKELAS_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", "ops", *words], env=env, capture_output=True, text=True, check=False, timeout=90
    )


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, tmp_path: Path) -> None:
    done = naikkelas(name, "--help", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize("words", [("lag",), ("parked", "list"), ("topics", "plan"), ("env",)])
def test_without_a_stack_one_sentence_says_what_to_do(words: tuple[str, ...], tmp_path: Path) -> None:
    done = naikkelas(*words, "--json", home=tmp_path)
    assert done.returncode == 1
    assert "naikkelas up" in json.loads(done.stdout)["error"]


def test_a_running_stack_answers_every_question(server_stack: Stack) -> None:
    home = server_stack.home.path
    assert json.loads(naikkelas("topics", "plan", "--json", home=home).stdout)["matches"] is True
    lags = json.loads(naikkelas("lag", "--json", home=home).stdout)
    assert {item["group"] for item in lags} >= {"projections", "notifications"}
    assert all(item["lag"] == item["end"] - item["committed"] >= 0 for item in lags)
    found = json.loads(naikkelas("env", "--json", "--as", "projections", home=home).stdout)
    assert found["kcat"]["sasl.username"] == "projections"
    assert found["psql"].startswith("postgresql://audit:")
    token = naikkelas("token", "--role", "petugas_dinas", home=home).stdout.strip()
    assert token.count(".") == 2
    assert naikkelas("token", "--role", "petugas_kelurahan", home=home).returncode == 1
    assert naikkelas("token", "--role", "raja", home=home).returncode == 2
