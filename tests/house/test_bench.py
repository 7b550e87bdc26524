"""The benchmarks run, report figures that hang together, and say so when a run is void."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bench import __main__ as command
from bench.harness import Size, VoidRunError
from tests.house.tree import ROOT


def test_a_quick_run_reports_each_run_of_product_and_baseline() -> None:
    line = [sys.executable, "-m", "bench", "--quick", "--only", "relay", "--json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    record: dict[str, Any] = json.loads(done.stdout)
    assert {"cores", "python", "kafka"} <= set(record["card"])
    (result,) = record["results"]
    assert len(result["product"]) == len(result["baseline"]) == 3
    assert min(result["product"]) > 0
    assert result["ratio"] > 0


def test_a_void_run_fails_and_prints_no_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def no_servers() -> Iterator[None]:
        yield None

    async def lossy(_rig: None, _size: Size) -> None:
        raise VoidRunError("a record is missing")

    monkeypatch.setattr(command, "servers", no_servers)
    monkeypatch.setattr(command, "BENCHES", {"relay": lossy})
    monkeypatch.setattr(sys, "argv", ["bench", "--json"])
    assert command.main() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "a record is missing" in told.err
