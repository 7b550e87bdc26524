"""Kafka's jars are fetched once for each user, however many begin at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FETCH = "from ops.stack.java import class_path; print('have', len(class_path(print)))"


@pytest.mark.timeout(240)
def test_two_first_runs_at_once_fetch_the_jars_once(tmp_path: Path) -> None:
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    runs = [
        subprocess.Popen([sys.executable, "-c", FETCH], env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    told = [run.communicate(timeout=200)[0].splitlines() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sum("fetching Apache Kafka 4.4.0 (once, some 60 MB)" in lines for lines in told) == 1
    [record] = (tmp_path / "naikkelas").glob("*.classpath.json")
    jars = json.loads(record.read_text(encoding="utf-8"))
    assert {lines[-1] for lines in told} == {f"have {len(jars)}"}
