"""A virtual environment for each peer whose packages would not go with ours, made once and kept in the user's cache."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from ops.stack.java import Say, cache_folder

REQUIREMENTS = Path(__file__).parent
INSTALL_SECONDS = 600


class PeerMissingError(RuntimeError):
    """A peer cannot be run here; one sentence says why and what to do."""


def python_of(environment: str | None, say: Say) -> Path:
    """Return the Python that has a peer's packages: ours for ``None``, else one of its own. Raises ``PeerMissingError``."""
    if environment is None:
        return Path(sys.executable)
    pins = REQUIREMENTS / f"requirements-{environment}.txt"
    mark = sha256(pins.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache_folder() / "peers" / f"{environment}-{mark}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_suffix(".lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # who comes second waits, and finds it ready
            if not (folder / "ready").exists():
                say(f"installing the packages of {pins.name} (once)")
                _make(folder, pins)
    except OSError as error:
        raise PeerMissingError(
            f"{folder.parent} cannot be used ({error.strerror}): free some space, or name another folder in XDG_CACHE_HOME."
        ) from error
    return folder / "bin" / "python"


def _make(folder: Path, pins: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    python = folder / "bin" / "python"
    steps: tuple[list[str | Path], ...] = (
        [sys.executable, "-m", "venv", folder],
        [python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps", "-r", pins],
    )
    for step in steps:
        try:
            done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise PeerMissingError(
                f"The packages of {pins.name} were not installed in {INSTALL_SECONDS} s: connect to a package index."
            ) from error
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise PeerMissingError(
                f"The packages of {pins.name} cannot be installed ({''.join(last)[:200]}): connect to a package index."
            )
    (folder / "ready").touch()


def clean_environment() -> dict[str, str]:
    """Return the environment without what would lead a peer's Python to our packages."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in ours} | {"PYTHONNOUSERSITE": "1"}


def versions_of(environment: str | None, names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of packages, as they are pinned or installed."""
    if environment is None:
        return {name: version(name) for name in names}
    lines = (REQUIREMENTS / f"requirements-{environment}.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==", 1) for line in lines if "==" in line)
    return {name: pins[name] for name in names}
