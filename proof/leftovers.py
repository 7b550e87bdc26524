"""The folder of a run, and what a run that was killed left behind: processes, mounts, network namespaces, its folder.

A run that ends, also by Ctrl-C, leaves nothing. One that was killed could not: the next one finds its folder by name,
sees by the owner noted in it that nobody is at work there, and cleans up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ops.stack import Stack
from ops.stack.processes import SAME_START_SECONDS

PREFIX = "naikkelas-proof-"
NAMESPACES = Path("/run/netns")
OWNER = "owner"


@contextmanager
def place() -> Iterator[Path]:
    """Make a folder for a platform and remove it at the end of the block."""
    # Not under a folder of ours alone: PostgreSQL runs as another account.
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        folder.chmod(0o755)
        me = psutil.Process()
        (folder / OWNER).write_text(f"{me.pid} {me.create_time()}", encoding="ascii")
        yield folder
    finally:
        unmount_below(folder)
        shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path | None = None) -> list[str]:
    """Clean up after runs whose process is gone; return a line for each."""
    cleaned = []
    for folder in sorted((parent or Path(tempfile.gettempdir())).glob(f"{PREFIX}*")):
        if folder.is_dir() and _abandoned(folder):
            Stack(folder / "stack").down()
            unmount_below(folder)
            remove_namespaces(folder.name)
            shutil.rmtree(folder, ignore_errors=True)
            cleaned.append(f"Cleaned up what an earlier run left in {folder}.")
    return cleaned


def _abandoned(folder: Path) -> bool:
    try:
        pid, started = (folder / OWNER).read_text(encoding="ascii").split()
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > SAME_START_SECONDS
    except psutil.NoSuchProcess:
        return True
    except (OSError, ValueError):
        return False  # not marked as ours, or just being made


def unmount_below(folder: Path) -> None:
    """Take away every mount under a folder; a filesystem that is in use goes when its last user does."""
    for point in sorted(mounts_below(folder), reverse=True):
        if not run("umount", point):
            run("umount", "--lazy", point)


def mounts_below(folder: Path) -> list[str]:
    """Return the mount points under a folder."""
    with Path("/proc/self/mounts").open(encoding="utf-8") as lines:
        points = [line.split()[1] for line in lines]
    return [point for point in points if point.startswith(f"{folder}/")]


def namespaces_of(folder: str) -> list[str]:
    """Return the network namespaces of a run, by the name of its folder."""
    mark = folder.removeprefix(PREFIX)
    return sorted(path.name for path in NAMESPACES.glob(f"nk-{mark}-*")) if NAMESPACES.is_dir() else []


def remove_namespaces(folder: str) -> None:
    """Take away the network namespaces of a run; their links go with them."""
    for name in namespaces_of(folder):
        run("ip", "netns", "delete", name)


def run(*command: str | Path) -> bool:
    """Run a command of the system; tell whether it went well."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def is_root() -> bool:
    """Tell whether mounts and namespaces may be made."""
    return os.geteuid() == 0
