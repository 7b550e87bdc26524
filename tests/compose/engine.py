"""The engine that the run uses: the one that answers, else one of our own for as long as the run takes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ops.stack.java import cache_folder
from ops.stack.processes import wait_until
from tests.containers.images.programs import MissingProgramError, Say, go_program
from tests.containers.servers import ContainersUnavailableError, engine

START_SECONDS = 60.0
STOP_SECONDS = 60.0
NO_ENGINE = (
    "no container engine answers (DOCKER_HOST may name one), and none can be started here: that needs root and dockerd "
    "(Debian: apt-get install --no-install-recommends docker.io debootstrap)"
)


def answers() -> bool:
    """Tell whether an engine answers where ``DOCKER_HOST`` or the usual socket leads."""
    try:
        with engine() as client:
            return bool(client.ping())
    except ContainersUnavailableError:
        return False


@contextmanager
def some_engine(say: Say) -> Iterator[None]:
    """Have an engine for the time of the block, named by ``DOCKER_HOST``. Raises ``MissingProgramError``.

    One of our own keeps its images in the user's cache for the next run, listens on a socket in that folder, publishes
    ports on 127.0.0.1, and is stopped at the end by the id of its process. No engine is ever installed.
    """
    if answers():
        say("using the container engine that answers")
        yield
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        raise MissingProgramError(NO_ENGINE)
    folder = cache_folder() / "engine"
    folder.mkdir(parents=True, exist_ok=True)
    before = os.environ.get("DOCKER_HOST")
    with (folder / "dockerd.log").open("wb") as log, _locked(folder):
        child = _start(folder, log)
        os.environ["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
        try:
            if not wait_until(lambda: child.poll() is not None or answers(), START_SECONDS) or child.poll() is not None:
                raise MissingProgramError(f"dockerd did not start; its log is {folder / 'dockerd.log'}")
            say(f"started a container engine of our own: process {child.pid}, data in {folder}")
            yield
        finally:
            child.terminate()
            child.wait(STOP_SECONDS)
            say("stopped the container engine")
            os.environ.pop("DOCKER_HOST") if before is None else os.environ.update(DOCKER_HOST=before)


def _start(folder: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    command = ["dockerd", "--host", f"unix://{folder}/docker.sock", "--ip", "127.0.0.1", "--group", "root"]
    command += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "run")]
    command += ["--pidfile", str(folder / "dockerd.pid")]
    # In a session of its own, so that Ctrl-C reaches the run alone, which then takes down the containers first.
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MissingProgramError("another run of this user has the engine: wait until it has ended") from None
        yield


def compose_plugin(folder: Path, say: Say) -> None:
    """See to it that ``docker compose`` of version 2 is there, by a configuration in ``folder`` if need be.

    Raises ``MissingProgramError``.
    """
    if shutil.which("docker") is None:
        raise MissingProgramError("docker is not on the PATH (Debian: docker.io has it)")
    command = ["docker", "compose", "version", "--short"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        plugins = folder / "cli-plugins"
        plugins.mkdir()
        (plugins / "docker-compose").symlink_to(go_program("compose", say))
        os.environ["DOCKER_CONFIG"] = str(folder)
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    # Built by hand it does not know its own number.
    say(f"docker compose {done.stdout.strip() or '2'}")
