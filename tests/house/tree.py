"""The files of the work tree that are, or would be, in git."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("services", "shared", "ops", "bench", "proof")


def tracked(*patterns: str) -> list[Path]:
    """Return the files that match the patterns of ``git ls-files``; all files if there is none."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return sorted({ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def shown(path: Path) -> str:
    """Return the path as a person names it: from the root of the tree."""
    return path.relative_to(ROOT).as_posix()
