"""Every promise once, on a platform of its own processes: the short form of ``make prove``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from proof.promises import PROMISES, Promise, prove
from proof.report import NOT_RUN, Row, sentence
from proof.rig import SHORT, Rig
from tests.house.tree import ROOT

SEED = 7


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """The platform that the promises are tried on, one after another."""
    # Not under pytest's own folder: each run of pytest closes that to the account that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="naikkelas-proof-") as folder:
        Path(folder).chmod(0o755)
        with Rig(Path(folder)) as rig:
            yield rig


@pytest.mark.timeout(240)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.number)
def test_promise_holds(rig: Rig, promise: Promise) -> None:
    outcome = asyncio.run(prove(rig, promise, SHORT, SEED))
    assert outcome.ok, sentence(Row(promise, [outcome], [SEED]))


def test_each_promise_is_run_or_it_is_said_why_not() -> None:
    run = {promise.number.rstrip("ab") for promise in PROMISES}
    assert run | set(NOT_RUN) == {f"P{number}" for number in range(1, 25)}
    assert not run & set(NOT_RUN)


def test_an_unknown_promise_gets_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "proof", "--promise", "P99"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid choice: 'P99'" in done.stderr
