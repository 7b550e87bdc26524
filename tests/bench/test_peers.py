"""The comparison with the peers: its judge, its skips, and one peer that really runs."""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.peers import __main__ as command
from bench.peers import environments
from bench.peers.environments import PeerMissingError, clean_environment, python_of
from bench.peers.ground import PROGRAMS
from bench.peers.keeping import Kept, KeptError, missing, plan
from bench.peers.peers import CRASH, DEBEZIUM, OURS, PEERS, RATE
from bench.peers.report import document
from bench.peers.scenarios import FULL, QUICK, SCENARIOS, Found
from bench.peers.verdict import Address, Tally, fate, tally
from tests.house.tree import CODE, ROOT

VERSIONS = {"a": 3, "b": 2}
WHOLE = [("a", 1), ("b", 1), ("a", 2), ("a", 3), ("b", 2)]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (WHOLE, Tally(5, 0, 0, 0, 0)),
        (WHOLE[:-1], Tally(5, 1, 0, 0, 0)),
        ([*WHOLE, ("b", 3)], Tally(5, 0, 1, 0, 0)),
        ([*WHOLE, ("c", 1)], Tally(5, 0, 1, 0, 0)),
        ([*WHOLE, ("a", 2), ("a", 2)], Tally(5, 0, 0, 2, 0)),
        ([("a", 2), *WHOLE], Tally(5, 0, 0, 1, 1)),
        # Read again from an earlier place: each is seen twice, and none came too early.
        ([*WHOLE[:3], *WHOLE], Tally(5, 0, 0, 3, 0)),
        ([], Tally(5, 5, 0, 0, 0)),
    ],
)
def test_the_judge_counts_each_fault_apart(seen: list[Address], expected: Tally) -> None:
    assert tally(VERSIONS, seen) == expected


def test_what_was_seen_before_the_fault_does_not_count() -> None:
    assert tally(VERSIONS, [("a", 1), ("a", 1), ("a", 3), ("b", 2)], {"a": 1, "b": 1}) == Tally(3, 1, 0, 0, 0)


def test_a_doubled_event_is_no_fault_of_the_log_and_a_lost_one_is() -> None:
    assert tally(VERSIONS, [*WHOLE, *WHOLE]).clean
    assert not tally(VERSIONS, WHOLE[1:]).clean


def test_the_fate_of_a_poisoned_key_is_told() -> None:
    assert (
        fate("a", 2, 4, [("a", 1), ("a", 3), ("b", 4)])
        == "1 of the 2 later events of its key were applied over the hole"
    )
    assert fate("a", 2, 4, [("a", 1)]).startswith("0 of the 2")
    assert fate("a", 2, 4, [("a", 2)]) == "it took effect"


def test_packages_that_cannot_be_had_are_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements-nobody.txt").write_text("nobody-makes-this==1.0\n", encoding="utf-8")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(PeerMissingError) as caught:
        python_of("nobody", lambda _: None)
    told = str(caught.value)
    assert "requirements-nobody.txt cannot be installed" in told
    assert told.endswith("connect to a package index.")
    assert "\n" not in told


def test_a_run_in_which_every_peer_is_missing_fails_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Bare:
        def prepare(self, _: object) -> None:
            raise PeerMissingError("There is no Java.")

    @contextmanager
    def no_servers(_: object) -> Iterator[Bare]:
        yield Bare()

    monkeypatch.setattr(command, "stage", no_servers)
    monkeypatch.setattr(sys, "argv", ["bench.peers", "--only", DEBEZIUM.name, "--json"])
    assert command.main() == 1
    told = capsys.readouterr()
    assert f"{DEBEZIUM.name} is skipped: There is no Java." in told.err
    assert json.loads(told.out)["skipped"] == {DEBEZIUM.name: "There is no Java."}


def test_the_document_names_what_was_skipped_and_never_as_a_pass() -> None:
    found = [Found(OURS.name, CRASH, Tally(9, 0, 0, 1, 0)), Found("FastStream", CRASH, failed="it said nothing")]
    text = document(found, {DEBEZIUM.name: "There is no Java."}, {"cores": "2"}, "python -m bench.peers --write")
    assert f"* {DEBEZIUM.name}: skipped. There is no Java." in text
    assert "* FastStream, P1: not measured. it said nothing" in text
    assert [line for line in text.splitlines() if "| 9 | 0 | 0 | 1 | 0 |" in line]
    assert all(f"**{peer.name}** (" in text for peer in PEERS)


def test_a_run_goes_on_with_what_was_not_measured_yet(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept", QUICK)
    planned = plan([OURS, DEBEZIUM], [RATE, CRASH], QUICK)
    kept.add(one := Found(OURS.name, CRASH, Tally(9, 0, 0, 1, 0), {"rows/s": 2.5}, ["2 kills"]))
    kept.add(Found(DEBEZIUM.name, CRASH, failed="it said nothing"))
    again = Kept(tmp_path / "kept", QUICK)
    assert again.found == [one]
    assert missing(planned, again.found) == [(RATE, OURS), (RATE, DEBEZIUM), (CRASH, DEBEZIUM)]


def test_no_peer_is_put_to_what_it_does_not_claim_to_do() -> None:
    planned = plan(PEERS, [RATE, *SCENARIOS], FULL)
    assert {(name, peer.name) for name, peer in planned} == {(name, p.name) for p in PEERS for name in p.scenarios}
    assert planned.count((RATE, OURS)) == FULL.runs


@pytest.mark.parametrize("text", ["", "what?", '{"runs": 1}\n', '{"peer": "x"}\n'])
def test_a_file_of_another_run_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "kept").write_text(text, encoding="utf-8")
    with pytest.raises(KeptError, match="name another file"):
        Kept(tmp_path / "kept", QUICK)


def test_a_document_of_a_part_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "DOCUMENT", tmp_path / "peers.md")
    command._write(argparse.Namespace(quick=True), [Found(OURS.name, CRASH)], {}, QUICK)
    assert "Not written" in capsys.readouterr().err
    assert not (tmp_path / "peers.md").exists()


def test_programs_of_peers_import_nothing_of_ours() -> None:
    programs = sorted(PROGRAMS.glob("*.py"))
    for program in programs:
        tree = ast.parse(program.read_text(encoding="utf-8"))
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        ours = {name for name in names if name is not None and name.split(".")[0] in CODE}
        assert bool(ours) == program.name.startswith("ours_"), f"{program.name} imports {ours}"
    named = {name for peer in PEERS for name in (peer.commands, peer.relay, peer.consumer, peer.setup) if name}
    assert {name for name in named if name.endswith(".py")} <= {program.name for program in programs}


def test_a_peer_runs_without_the_paths_to_our_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    assert "PYTHONPATH" not in clean_environment()


@pytest.mark.slow
def test_the_plain_peer_runs_and_leaves_no_process() -> None:
    line = [sys.executable, "-m", "bench.peers", "--quick", "--only", "FastStream", "--scenario", "rate", "--json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr[-2000:]
    (found,) = json.loads(done.stdout)["found"]
    assert found["failed"] is None
    assert found["figures"]["rows/s"] > 0
    assert "FastStream, rate: rows/s" in done.stderr
