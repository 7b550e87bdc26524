"""Programs that come as Go modules, built once into the user's cache: ``docker compose`` and what two stand-ins hold."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic

from ops.stack.java import cache_folder

SAY_SECONDS = 30.0
Say = Callable[[str], None]

PROGRAMS: dict[str, tuple[str, str]] = {
    "compose": ("github.com/docker/compose/v2/cmd", "v2.40.3"),
    "caddy": ("github.com/caddyserver/caddy/v2/cmd/caddy", "v2.11.9"),
    "mailpit": ("github.com/axllent/mailpit", "v1.27.11"),
}
"""Name → the package that is built, and its version."""


class MissingProgramError(Exception):
    """A program that this machine lacks; the text says how to get it."""


def go_program(name: str, say: Say) -> Path:
    """Return the program of this name, built if it is not in the cache. Raises ``MissingProgramError``."""
    package, version = PROGRAMS[name]
    path = cache_folder() / "go" / f"{name}-{version}"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    say(f"building {name} {version} from its Go module, once: some minutes on two cores")
    with tempfile.TemporaryDirectory(prefix="naikkelas-go-", dir=path.parent) as folder:
        made = Path(folder) / name
        for command in (
            ("go", "mod", "init", "naikkelas/built"),
            ("go", "get", "-tool", f"{package}@{version}"),
            ("go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(made), package),
        ):
            slowly(command, Path(folder), environment, say)
        made.replace(path)
    return path


def slowly(command: Sequence[str], folder: Path, environment: Mapping[str, str], say: Say) -> None:
    """Run a program that takes long and tell now and then that it still runs. Raises ``MissingProgramError``."""
    began, log = monotonic(), folder / "output.log"
    with log.open("wb") as output:
        try:
            child = subprocess.Popen(command, cwd=folder, env=dict(environment), stdout=output, stderr=output)
        except FileNotFoundError as error:
            raise MissingProgramError(f"{command[0]} is not on the PATH, and {command[-1]} needs it") from error
        try:
            while child.poll() is None:
                try:
                    child.wait(SAY_SECONDS)
                except subprocess.TimeoutExpired:
                    say(f"  {' '.join(command[:2])} … {monotonic() - began:.0f} s")
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    if child.returncode:
        raise MissingProgramError(f"{' '.join(command)} failed: {log.read_text(errors='replace')[-600:]}")
