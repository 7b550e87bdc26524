"""The fences between services and between layers hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT


def test_the_six_import_contracts_are_kept() -> None:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, env={"NO_COLOR": "1"})
    assert done.returncode == 0, done.stdout
    assert re.search(r"Contracts: 6 kept, 0 broken", done.stdout)
