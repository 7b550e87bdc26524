"""``naikkelas contracts`` as a person and a script meet it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from typer.testing import CliRunner

from ops.cli import contracts as command
from shared.contracts import CONTRACTS
from shared.contracts.privacy import AGENCY, PUBLIC
from shared.contracts.registry import BusinessWorkersRecorded

ROOT = Path(__file__).parents[2]
NAME = BusinessWorkersRecorded.type_name()


class _MoreRequired(BusinessWorkersRecorded):
    counted_by: Annotated[str, PUBLIC]


class _MoreTold(BusinessWorkersRecorded):
    counted_by: Annotated[str | None, AGENCY] = None


def ask(*words: str) -> Any:
    return CliRunner().invoke(command.app, list(words))


def test_the_contracts_of_this_tree_pass_the_gate_and_are_stored() -> None:
    run = [sys.executable, "-m", "ops", "contracts", "check", "--json"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ok": True, "refused": [], "not_stored": []}), done.stderr


def test_nothing_differs_here() -> None:
    assert (ask("diff").exit_code, ask("diff").stdout) == (0, "")
    assert json.loads(ask("release", "--json").stdout) == {"ok": True, "written": []}


def test_what_breaks_is_refused_with_type_field_and_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTRACTS, NAME, _MoreRequired)
    done = ask("check")
    assert done.exit_code == 1
    assert f"{NAME}: counted_by: the field is new and required" in done.stderr
    assert "Breaks new readers with old events. Give the field a default" in done.stderr
    (refusal,) = json.loads(ask("check", "--json").stdout)["refused"]
    assert (refusal["type"], refusal["field"], refusal["breaks"]) == (NAME, "counted_by", ["new_readers"])
    assert ask("diff").exit_code == 1
    refused = ask("release")
    assert refused.exit_code == 1
    assert "counted_by" in refused.stderr


def test_what_is_compatible_is_explained_and_asks_to_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTRACTS, NAME, _MoreTold)
    done = ask("check")
    assert done.exit_code == 3
    assert "naikkelas contracts release" in done.stderr
    told = ask("diff", "business.workers_recorded.v1")
    assert told.exit_code == 3
    assert told.stdout.splitlines() == [
        "business.workers_recorded.v1  compatible  it is described otherwise",
        "business.workers_recorded.v1  compatible  counted_by: the field is new; an event without it means null",
    ]
    assert ask("diff", "business.registered.v1").exit_code == 0


def test_a_type_that_is_none_is_named() -> None:
    done = ask("diff", "business.flown.v1", "--json")
    assert done.exit_code == 1
    assert "business.flown.v1" in json.loads(done.stdout)["error"]


@pytest.mark.parametrize("words", [(), ("check",), ("diff",), ("release",), ("list",)])
def test_every_part_has_help(words: tuple[str, ...]) -> None:
    assert "Usage" in ask(*words, "--help").stdout


def test_the_list_names_every_type() -> None:
    assert {row["type"] for row in json.loads(ask("list", "--json").stdout)} == set(CONTRACTS)
    assert len(ask("list").stdout.splitlines()) == len(CONTRACTS)
