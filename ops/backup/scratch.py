"""The folder of a drill: its owner's alone, gone afterwards, and if the drill was killed, gone with the next one.

Each drill keeps its folder locked as long as it lives, and the system lets go of the lock when it dies, however it dies. So a folder that
nobody has locked is left over: it holds keys, and a copy of all that is personal.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from ops.stack import Stack
from ops.stack.databases import SERVICES
from ops.stack.home import SECRETS
from ops.stack.processes import wait_until
from ops.stack.stack import KEEPER

PREFIX = "naikkelas-drill-"
KEEPER_SECONDS = 60.0


@contextmanager
def scratch(keys: Mapping[str, str]) -> Iterator[Stack]:
    """Give a stack in a folder of its own, with these keys by setting, which is gone afterwards. Raises ``StackError``."""
    remove_leftovers()
    folder, lock = _locked_folder()
    try:
        stack = Stack(folder, environment=_environment())
        # Facts of a backup tell of traces of before: nobody is to be told of them once more.
        stack.extra_env = {service: {"OTEL_SDK_DISABLED": "true"} for service in SERVICES}
        try:
            for name, key in keys.items():
                stack.home.secret(SECRETS[name], _giving(key))
            yield stack
        finally:
            stack.down(wipe=True)
    finally:
        os.close(lock)


def _environment() -> Mapping[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "POSTGRES_"))}
    return given | {"NAIKKELAS_PORTS": "any"}


def _giving(key: str) -> Callable[[], str]:
    return lambda: key


def _locked_folder() -> tuple[Path, int]:
    """Make a folder that only its owner may enter (root lets PostgreSQL's account pass through it), and return it with the lock on it, which ends with this process.

    Between the two somebody may take it for left over and remove it: then another is made.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # 0700, whatever the umask
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # no child inherits it
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def remove_leftovers() -> list[Path]:
    """Remove the folders of drills that died, with what still runs in them, and return which. Raises ``StackError``.

    Those of other accounts are left alone, and those of drills that live.
    """
    return [folder for folder in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")) if _remove_if_dead(folder)]


def _remove_if_dead(folder: Path) -> bool:
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # it is gone, or no folder of ours
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stack = Stack(folder, environment=_environment())
        # Its keeper takes all down when the drill is gone. Two that do so at once would be in each other's way.
        wait_until(lambda: not _is_kept(stack), KEEPER_SECONDS)
        stack.down(wipe=True)
    except BlockingIOError:
        return False  # a drill that lives
    finally:
        os.close(lock)
    return True


def _is_kept(stack: Stack) -> bool:
    keeper = stack.record().processes.get(KEEPER)
    return keeper is not None and keeper.alive
