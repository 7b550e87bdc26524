"""A run of the bench tells what is void, and keeps what is not."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from bench import __main__ as bench
from bench.harness import QUICK, Result, VoidRunError


def test_a_void_benchmark_takes_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    async def good(*_: object) -> Result:
        return Result("what", "s", "≤ 2", [1.0], [2.0])

    async def wrong(*_: object) -> Result:
        raise VoidRunError("3 rows, expected 4")

    async def late(*_: object) -> Result:
        raise TimeoutError

    monkeypatch.setattr(bench, "BENCHES", {"wrong": wrong, "late": late, "good": good})
    monkeypatch.setattr(bench, "TABLE", tmp_path / "speed.md")
    results, void = asyncio.run(bench.run(cast(Any, None), ["wrong", "late", "good"], QUICK))
    assert [result.name for result in results] == ["what"]
    assert void == {"wrong": "3 rows, expected 4", "late": "it did not end in time"}
    bench.write_table(results, void, {"cores": "2"})
    table = (tmp_path / "speed.md").read_text(encoding="utf-8")
    assert "| what | 1.0 / 1.0 / 1.0 s; raw 2.0; ratio 0.50 | ≤ 2 |" in table
    assert "| wrong | void: 3 rows, expected 4 | |" in table
