"""Where the servers of tests keep their files: in memory where there is enough, unless TMPDIR names another place.

They write through to the disk at every commit, and a test makes and drops a database in which nothing is of worth: on a disk
that others use too, most of its time is waiting for that (52 tests of an API: 30 to 40 s on a busy disk, 11 to 13 s in memory).
What tests show of crashes is of killed processes, for which files in memory are as lasting as others. ``TMPDIR=/tmp make test``
takes the disk; the proof by itself (``make prove``) and the benchmarks always do.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
ENOUGH = 10 * 1024**3
"""Bytes, of free memory and of room in it. A whole run with two processes takes some 4 GB there, and its processes 5."""


def available(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return the bytes of memory that can be had; 0 where the system does not say."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return 0


def roomy(folder: Path, enough: int) -> bool:
    """Tell whether a folder is there, may be written, and has the room."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= enough


def use_memory(folder: Path = SHARED_MEMORY, enough: int = ENOUGH) -> None:
    """Put temporary files of this process and of all that it starts into memory, if nobody chose a place and there is enough."""
    if "TMPDIR" not in os.environ and available() >= enough and roomy(folder, enough):
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None
