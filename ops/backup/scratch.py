"""The folder of a drill: its owner's alone, gone afterwards, and if the drill was killed, gone with the next one.

Each drill keeps its folder locked as long as it lives, and the system lets go of the lock when it dies, however it dies. So a folder that
a drill has marked and nobody has locked is left over: it holds keys, and a copy of all that is personal. What somebody else named so, such as
a backup, has no mark.
"""

from __future__ import annotations

import fcntl
import os
import shutil
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
MARK = ".drill"
"""The file that says that a drill made the folder."""
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
            _wipe(stack)
    finally:
        os.close(lock)


def _environment() -> Mapping[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith(("KAFKA_", "POSTGRES_"))}
    return given | {"NAIKKELAS_PORTS": "any"}


def _giving(key: str) -> Callable[[], str]:
    return lambda: key


def _locked_folder() -> tuple[Path, int]:
    """Make a folder that only its owner may enter (root lets PostgreSQL's account pass through it), and return it with the lock on it, which ends with this process.

    It is marked under the lock. Before that somebody may take it for left over and remove it: then another is made.
    """
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # 0700, whatever the umask
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # no child inherits it
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                (folder / MARK).touch(0o600)
                return folder, lock
            os.close(lock)


def remove_leftovers() -> list[Path]:
    """Remove the folders of drills that died, with what still runs in them, and return which. Raises ``StackError``.

    Those of other accounts are left alone, those of drills that live, and those that no drill has marked, unless they are empty.
    """
    return [folder for folder in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")) if _remove_if_dead(folder)]


def _remove_if_dead(folder: Path) -> bool:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # it is gone, a link, or no folder of ours
        return False
    try:
        if os.fstat(lock).st_uid != os.getuid():
            return False
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _remove(folder)
    except BlockingIOError:
        return False  # a drill that lives
    finally:
        os.close(lock)


def _remove(folder: Path) -> bool:
    if not (folder / MARK).is_file():
        try:
            folder.rmdir()  # of a drill that was killed before it marked it
        except OSError:  # something is in it: it is somebody else's
            return False
        return True
    stack = Stack(folder, environment=_environment())
    # Its keeper takes all down when the drill is gone. Two that do so at once would be in each other's way.
    if not wait_until(lambda: not _is_kept(stack), KEEPER_SECONDS):
        return False
    _wipe(stack)
    return True


def _wipe(stack: Stack) -> None:
    """Take all down and remove the folder, its mark last: killed in between, the rest is still known as a drill's."""
    stack.down()
    for path in list(stack.home.path.glob("*")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != MARK:
            path.unlink(missing_ok=True)
    stack.down(wipe=True)


def _is_kept(stack: Stack) -> bool:
    keeper = stack.record().processes.get(KEEPER)
    return keeper is not None and keeper.alive
