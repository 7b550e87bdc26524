"""A process of a service: what it tells the interpreter before its parts begin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.process import SWITCH_SECONDS

ROOT = Path(__file__).parents[2]
PROCESS = """
import gc, sys
from shared.process import run_process

async def main(stop):
    print(sys.getswitchinterval(), gc.isenabled(), gc.get_freeze_count() > 0)

sys.exit(run_process(main))
"""


def test_threads_that_compute_give_way_soon_and_collections_spare_what_was_loaded() -> None:
    told = subprocess.run([sys.executable, "-c", PROCESS], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    seconds, *rest = told.split()
    assert float(seconds) == pytest.approx(SWITCH_SECONDS)
    assert rest == ["True", "True"]
