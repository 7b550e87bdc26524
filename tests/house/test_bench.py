"""The benchmarks run, report figures that hang together, and say so when a run is void."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench.harness import Result, Size, VoidRunError
from bench.table import rows_of, table
from tests.house.tree import ROOT

AGENCIES = ("webhooks", "hung", "arriving", "feed", "polls")


def test_a_quick_run_reports_each_run_of_product_and_baseline() -> None:
    line = [sys.executable, "-m", "bench", "--quick", "--only", "relay", "--json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-2000:]
    record: dict[str, Any] = json.loads(done.stdout)
    assert {"cores", "python", "kafka"} <= set(record["card"])
    assert len(record["results"]) == 2
    for result in record["results"]:
        assert len(result["product"]) == len(result["baseline"]) == 3
        assert min(result["product"]) > 0
        assert result["ratio"] > 0


@pytest.mark.timeout(300)
def test_the_other_ways_of_the_table_run_in_their_small_form() -> None:
    names = ("latency", "posts", "xlsx", "scaling", "rebuild", "wal", "metrics", "traces", *AGENCIES)
    chosen = [word for name in names for word in ("--only", name)]
    line = [sys.executable, "-m", "bench", "--quick", "--runs", "1", "--json", *chosen]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    results: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    assert len(results) == 6 + 2 + 1 + 1 + 4 + 1 + 2 + 2 + 3 + 1 + 2 + 1 + 2
    assert all(len(result["product"]) == 1 for result in results)
    (empty,) = (result for result in results if result["name"].startswith("empty reads"))
    assert max(empty["product"]) == 0


def test_a_row_that_is_measured_again_takes_the_place_of_the_old_one_and_tells_its_day() -> None:
    first = [
        Result("relay", "facts/s", "≥ 2", [3.0], [2.0]),
        Result("empty reads of 852 during a swap", "reads", "0", [0.0]),
        Result("largest process (registry-worker)", "MB", "≤ 300", [150.0]),
    ]
    whole = rows_of(table({}, first, {"posts": "it did not end"}, date(2026, 11, 26)))
    again = [
        Result("empty reads of 1,030 during a swap", "reads", "0", [0.0]),
        Result("largest process (events-worker)", "MB", "≤ 300", [140.0]),
        Result("feed", "events/s", "none", [9.0]),
    ]
    text = table(whole, again, {}, date(2026, 11, 27))
    assert text.splitlines()[2:] == [
        "| relay | 3.0 / 3.0 / 3.0 facts/s; raw 2.0; ratio 1.50 | ≥ 2 | 2026-11-26 |",
        "| empty reads of 1,030 during a swap | 0.0 / 0.0 / 0.0 reads | 0 | 2026-11-27 |",
        "| largest process (events-worker) | 140.0 / 140.0 / 140.0 MB | ≤ 300 | 2026-11-27 |",
        "| feed | 9.0 / 9.0 / 9.0 events/s | none | 2026-11-27 |",
    ]
    assert rows_of(text).keys() == {line.split(" | ")[0].removeprefix("| ") for line in text.splitlines()[2:]}


def test_a_row_of_other_figures_is_another_row_and_a_name_may_hold_a_colon() -> None:
    few = [Result("upload of 95,000 rows", "s", "≤ 10", [20.0]), Result("keeper: memory", "MB", "< 300", [13.0])]
    many = [Result("upload of 1,000,000 rows", "s", "none", [247.0]), Result("keeper: memory", "MB", "< 300", [14.0])]
    rows = rows_of(table(rows_of(table({}, few, {}, date(2026, 11, 26))), many, {}, date(2026, 11, 27)))
    assert {what: cells[0] for what, cells in rows.items()} == {
        "upload of 95,000 rows": "20.0 / 20.0 / 20.0 s",
        "keeper: memory": "14.0 / 14.0 / 14.0 MB",
        "upload of 1,000,000 rows": "247.0 / 247.0 / 247.0 s",
    }


def test_the_help_names_every_benchmark_with_what_it_measures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--help"])
    with pytest.raises(SystemExit):
        command.main()
    told = capsys.readouterr().out
    for name, measure in command.BENCHES.items():
        assert f"  {name} " in told
        assert (measure.__doc__ or "").splitlines()[0] in told


def test_a_void_benchmark_fails_the_run_and_takes_nothing_from_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    @contextmanager
    def no_servers() -> Iterator[None]:
        yield None

    async def lossy(_rig: None, _size: Size) -> None:
        """Lose a record."""
        raise VoidRunError("a record is missing")

    async def late(_rig: None, _size: Size) -> None:
        """Do not end in time."""
        raise TimeoutError

    async def good(_rig: None, _size: Size) -> Result:
        """Do it."""
        return Result("what", "s", "≤ 2", [1.0], [2.0])

    monkeypatch.setattr(command, "servers", no_servers)
    monkeypatch.setattr(command, "BENCHES", {"relay": lossy, "latency": late, "posts": good})
    monkeypatch.setattr(command, "TABLE", tmp_path / "speed.md")
    monkeypatch.setattr(command, "HISTORY", tmp_path / "history.jsonl")
    monkeypatch.setattr(sys, "argv", ["bench", "--json", "--write"])
    assert command.main() == 1
    told = json.loads(capsys.readouterr().out)
    assert [result["name"] for result in told["results"]] == ["what"]
    assert told["void"] == {"relay": "a record is missing", "latency": "it did not end in time"}
    written = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert "| what | 1.0 / 1.0 / 1.0 s; raw 2.0; ratio 0.50 | ≤ 2 |" in written
    assert "| relay | void: a record is missing |  | " in written
